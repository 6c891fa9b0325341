"""The student report's network: three convolutions on 150x150 pixels.

References
----------
.. [1] A student report on three Kaggle sets (real-and-fake-face-detection,
   real-vs-fake-faces, 140k-real-and-fake-faces); 9,563,713 parameters.
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
    for filters in (32, 64, 128):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(256, activation="relu")(x)
    return keras.Model(inputs, dense_head(x), name="three_conv")


THREE_CONV: Final = Architecture(
    build, parameters=9_563_713, image_size=150, crop="whole"
)
