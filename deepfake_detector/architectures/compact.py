"""A small residual network for serving on a CPU: 431 thousand parameters.

The first convolution keeps the full resolution, where the traces of a forgery are; a
stride there learned far more slowly in our trials. Dense 3x3 convolutions rather than
depthwise ones, which train much slower on a CPU; residual
connections as in [1]_; global average pooling instead of Flatten, which gives an
activation map [2]_.

References
----------
.. [1] He et al., "Deep Residual Learning for Image Recognition", CVPR 2016,
   arXiv:1512.03385.
.. [2] Zhou et al., "Learning Deep Features for Discriminative Localization",
   CVPR 2016, arXiv:1512.04150.
"""

from typing import Any, Final

import keras
from keras import layers

from deepfake_detector.architectures import Architecture
from deepfake_detector.architectures.heads import activation_map_head

#: Filters of each stage and its residual units; each stage halves height and width.
_STAGES: Final = ((16, 0), (32, 0), (64, 1), (128, 2))


def build(input_shape: tuple[int, int, int]) -> keras.Model:
    """Build the network with fresh weights.

    Parameters
    ----------
    input_shape : (int, int, int)
        Height, width and channels.

    Returns
    -------
    keras.Model
        Takes (n, h, w, 3) pixels in [0, 255]; returns ``logit``, ``p_fake`` and
        ``cam`` (n, h // 16, w // 16, 1).
    """
    inputs = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for filters, residual_units in _STAGES:
        x = layers.MaxPooling2D(2)(_convolution(x, filters))
        for _ in range(residual_units):
            x = layers.Add()([x, _convolution(x, filters)])
    return keras.Model(inputs, activation_map_head(x, dropout=0.2), name="compact")


def _convolution(x: Any, filters: int) -> Any:
    """3x3 convolution, batch normalisation, ReLU."""
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    # Keras's 0.99 lags behind for hundreds of steps, and validation with it.
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.ReLU()(x)


COMPACT: Final = Architecture(build, parameters=431_345)
