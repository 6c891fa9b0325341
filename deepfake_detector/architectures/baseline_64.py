"""Spagnola's baseline: two small convolutions on 64x64 pixels.

References
----------
.. [1] J. Spagnola, "Deepfake Image Detection", its baseline; 8,657 parameters.
"""

from typing import Final

import keras
from keras import layers

from deepfake_detector.architectures import Architecture
from deepfake_detector.architectures.heads import dense_head


def build(input_shape: tuple[int, int, int]) -> keras.Model:
    """Build the network with fresh weights.

    Parameters
    ----------
    input_shape : (int, int, int)
        Height, width and channels.

    Returns
    -------
    keras.Model
        Takes (n, h, w, 3) pixels in [0, 255]; returns ``logit`` and ``p_fake``.
    """
    inputs = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 255)(inputs)
    for filters in (32, 16):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    return keras.Model(inputs, dense_head(layers.Flatten()(x)), name="baseline_64")


BASELINE_64: Final = Architecture(
    build, parameters=8_657, image_size=64, crop="whole", optimizer="rmsprop"
)
