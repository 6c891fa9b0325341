"""Spagnola's Xception with its thousand ImageNet classes, and five dense layers.

References
----------
.. [1] Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR
   2017, arXiv:1610.02357; J. Spagnola's layers on its top make 23,210,513 parameters.
"""

from typing import Any, Final

import keras
from keras import layers

from deepfake_detector.architectures import Architecture
from deepfake_detector.architectures.heads import dense_head


def build(input_shape: tuple[int, int, int]) -> keras.Model:
    """Build the network with fresh weights.

    Parameters
    ----------
    input_shape : (int, int, int)
        Height, width and channels; at least 71 pixels a side.

    Returns
    -------
    keras.Model
        Takes (n, h, w, 3) pixels in [0, 255]; returns ``logit`` and ``p_fake``.
    """
    inputs = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 255)(inputs)
    x = _backbone(None, input_tensor=x).output
    for units in (256, 128, 64, 32, 16):
        x = layers.Dense(units, activation="tanh")(x)
    return keras.Model(inputs, dense_head(x), name="xception_299")


def _backbone(weights: str | None, **where: Any) -> keras.Model:
    return keras.applications.Xception(include_top=True, weights=weights, **where)


XCEPTION_299: Final = Architecture(
    build,
    parameters=23_210_513,
    image_size=299,
    crop="whole",
    batch_size=16,
    backbone=_backbone,
)
