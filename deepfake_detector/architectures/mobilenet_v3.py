"""MobileNetV3, large and small, with an activation map for a head.

At 128 pixels rather than their usual 224: most faces in our sets have no more, and the
weights do not depend on it.

References
----------
.. [1] Howard et al., "Searching for MobileNetV3", ICCV 2019, arXiv:1905.02244;
   2,996,352 and 939,120 parameters without their tops.
"""

from functools import partial
from typing import Any, Final

import keras

from deepfake_detector.architectures import Architecture
from deepfake_detector.architectures.heads import activation_map_head


def _build(name: str, backbone: Any, input_shape: tuple[int, int, int]) -> keras.Model:
    """Build with fresh weights; at least 32 pixels a side."""
    inputs = keras.Input(input_shape, name="image")
    # It scales pixels itself.
    x = backbone(None, input_tensor=inputs).output
    return keras.Model(inputs, activation_map_head(x, dropout=0.2), name=name)


def _large(weights: str | None, **where: Any) -> keras.Model:
    return keras.applications.MobileNetV3Large(
        include_top=False, weights=weights, **where
    )


def _small(weights: str | None, **where: Any) -> keras.Model:
    return keras.applications.MobileNetV3Small(
        include_top=False, weights=weights, **where
    )


LARGE: Final = Architecture(
    partial(_build, "mobilenet_v3_large", _large),
    parameters=2_996_352 + 961,
    backbone=_large,
)

SMALL: Final = Architecture(
    partial(_build, "mobilenet_v3_small", _small),
    parameters=939_120 + 577,
    backbone=_small,
)
