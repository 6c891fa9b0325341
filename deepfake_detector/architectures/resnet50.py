"""The institute report's ResNet50: average pooling, 512 units, two softmax outputs.

References
----------
.. [1] He et al., "Deep Residual Learning for Image Recognition", CVPR 2016,
   arXiv:1512.03385; the report's head on it makes 24,639,874 parameters.
"""

from typing import Any, Final

import keras
from keras import layers

from deepfake_detector.architectures import Architecture
from deepfake_detector.architectures.heads import softmax_head


def build(input_shape: tuple[int, int, int]) -> keras.Model:
    """Build the network with fresh weights.

    Parameters
    ----------
    input_shape : (int, int, int)
        Height, width and channels; at least 32 pixels a side.

    Returns
    -------
    keras.Model
        Takes (n, h, w, 3) pixels in [0, 255]; returns ``logit`` and ``p_fake``.
    """
    inputs = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 255)(inputs)
    x = _backbone(None, input_tensor=x).output
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(512, activation="relu")(x)
    x = layers.BatchNormalization()(x)
    return keras.Model(inputs, softmax_head(x), name="resnet50")


def _backbone(weights: str | None, **where: Any) -> keras.Model:
    return keras.applications.ResNet50(include_top=False, weights=weights, **where)


RESNET50: Final = Architecture(
    build,
    parameters=24_639_874,
    crop="whole",
    loss="categorical_crossentropy",
    backbone=_backbone,
)
