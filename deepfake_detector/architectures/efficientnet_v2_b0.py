"""EfficientNetV2-B0 with an activation map for a head.

At 128 pixels rather than its usual 224: most faces in our sets have no more, and the
weights do not depend on it.

References
----------
.. [1] Tan and Le, "EfficientNetV2: Smaller Models and Faster Training", ICML 2021,
   arXiv:2104.00298; 5,919,312 parameters without its top.
"""

from typing import Any, Final

import keras

from deepfake_detector.architectures import Architecture
from deepfake_detector.architectures.heads import activation_map_head


def build(input_shape: tuple[int, int, int]) -> keras.Model:
    """Build the network with fresh weights.

    Parameters
    ----------
    input_shape : (int, int, int)
        Height, width and channels; at least 32 pixels a side.

    Returns
    -------
    keras.Model
        Takes (n, h, w, 3) pixels in [0, 255]; returns ``logit``, ``p_fake`` and
        ``cam`` (n, h // 32, w // 32, 1).
    """
    inputs = keras.Input(input_shape, name="image")
    # It scales pixels itself.
    x = _backbone(None, input_tensor=inputs).output
    outputs = activation_map_head(x, dropout=0.2)
    return keras.Model(inputs, outputs, name="efficientnet_v2_b0")


def _backbone(weights: str | None, **where: Any) -> keras.Model:
    return keras.applications.EfficientNetV2B0(
        include_top=False, weights=weights, **where
    )


EFFICIENTNET_V2_B0: Final = Architecture(
    build, parameters=5_919_312 + 1_281, backbone=_backbone
)
