"""The reference implementation's network: four convolutions, three dense layers.

References
----------
.. [1] github.com/mytechnotalent/deepfake-detector, network 6 of its notebook, the one
   it ships; 8,943,809 parameters at 128x128.
"""

import keras
from keras import layers

from deepfake_detector.architectures.heads import dense_head


def build(input_shape: tuple[int, int, int] = (128, 128, 3)) -> keras.Model:
    """Build the network with fresh weights.

    Parameters
    ----------
    input_shape : (int, int, int), default (128, 128, 3)
        Height, width and channels.

    Returns
    -------
    keras.Model
        Takes (n, h, w, 3) pixels in [0, 255]; returns ``logit`` and ``p_fake``.
    """
    inputs = keras.Input(input_shape, name="image")
    # 127, not 127.5 or 255: the reference's own factor, kept for comparison.
    x = layers.Rescaling(1 / 127)(inputs)
    for filters in (32, 64, 128, 256):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    for units, dropout in ((512, 0.5), (256, 0.5), (128, 0.0)):
        x = layers.Dense(units, activation="relu")(x)
        x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, dense_head(x), name="four_conv")
