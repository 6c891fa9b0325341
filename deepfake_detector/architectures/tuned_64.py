"""Spagnola's tuned network: four convolutions of falling width on 64x64 pixels.

References
----------
.. [1] J. Spagnola, "Deepfake Image Detection", the tuned network that it ships; 107,697
   parameters, trained by SGD in batches of 16.
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
    for filters, activation in (
        (128, "relu"),
        (64, "tanh"),
        (32, "tanh"),
        (16, "tanh"),
    ):
        x = layers.Conv2D(filters, 3, activation=activation)(x)
        x = layers.BatchNormalization(momentum=0.95, epsilon=0.005)(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    for units in (64, 32):
        x = layers.Dense(units, activation="relu")(x)
    return keras.Model(inputs, dense_head(x), name="tuned_64")


TUNED_64: Final = Architecture(
    build,
    parameters=107_697,
    image_size=64,
    crop="whole",
    optimizer="sgd",
    learning_rate=1e-2,
    batch_size=16,
)
