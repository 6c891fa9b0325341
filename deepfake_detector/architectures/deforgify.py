"""Deforgify's network: five convolutions of growing kernel, two softmax outputs.

References
----------
.. [1] The Deforgify Streamlit application, trained on 589 real and 700 StyleGAN2 faces;
   1,126,306 parameters at 128x128.
"""

from typing import Final

import keras
from keras import layers

from deepfake_detector.architectures import Architecture
from deepfake_detector.architectures.heads import softmax_head


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
    x = layers.Conv2D(32, 2, activation="relu")(x)
    x = layers.MaxPooling2D(4)(x)
    x = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(3)(x)
    x = layers.Dropout(0.3)(x)
    x = layers.Conv2D(64, 4, padding="same", activation="relu")(x)
    for dropout in (0.4, 0.5):
        x = layers.Conv2D(128, 5, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.Dropout(dropout)(x)
    x = layers.Flatten()(x)
    for units, dropout in ((512, 0.5), (256, 0.3), (128, 0.0)):
        x = layers.Dense(units, activation="relu")(x)
        x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, softmax_head(x), name="deforgify")


DEFORGIFY: Final = Architecture(
    build,
    parameters=1_126_306,
    crop="whole",
    batch_size=32,
    loss="sparse_categorical_crossentropy",
)
