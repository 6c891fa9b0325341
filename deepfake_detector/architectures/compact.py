"""A small residual network for serving on a CPU, and its high-pass sister.

The first convolution keeps the full resolution, where the traces of a forgery are; a
stride there learned far more slowly in our trials. Dense 3x3 convolutions rather than
depthwise ones, which train much slower on a CPU; residual
connections as in [1]_; global average pooling instead of Flatten, which gives an
activation map [2]_.

`compact_srm` also sees what three fixed high-pass kernels of the steganalysis rich
model leave of the picture [3]_, cut off at a small residual so that edges do not drown
the noise, beside the colours as in [4]_.

References
----------
.. [1] He et al., "Deep Residual Learning for Image Recognition", CVPR 2016,
   arXiv:1512.03385.
.. [2] Zhou et al., "Learning Deep Features for Discriminative Localization",
   CVPR 2016, arXiv:1512.04150.
.. [3] Fridrich and Kodovsky, "Rich Models for Steganalysis of Digital Images", IEEE
   TIFS 7(3), 2012.
.. [4] Zhou et al., "Learning Rich Features for Image Manipulation Detection", CVPR
   2018, arXiv:1805.04953, section 3.2.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from deepfake_detector.architectures import Architecture
from deepfake_detector.architectures.heads import activation_map_head

#: Filters of each stage and its residual units; each stage halves height and width.
_STAGES: Final = ((16, 0), (32, 0), (64, 1), (128, 2))

#: The same with more units where the maps are small, and units cost little time.
_DEEP_STAGES: Final = ((16, 0), (32, 1), (64, 2), (128, 3))

#: Residuals beyond this are cut off, grey levels; the rich model's largest is 3.
_LARGEST_RESIDUAL: Final = 8.0

_FIRST_ORDER: Final = np.array([[1, -2, 1]]) / 2
_SECOND_ORDER: Final = np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]]) / 4
_THIRD_ORDER: Final = (
    np.array(
        [
            [-1, 2, -2, 2, -1],
            [2, -6, 8, -6, 2],
            [-2, 8, -12, 8, -2],
            [2, -6, 8, -6, 2],
            [-1, 2, -2, 2, -1],
        ]
    )
    / 12
)


def build(
    input_shape: tuple[int, int, int],
    stages: Sequence[tuple[int, int]] = _STAGES,
    high_pass: bool = False,
    name: str = "compact",
) -> keras.Model:
    """Build the network with fresh weights.

    Parameters
    ----------
    input_shape : (int, int, int)
        Height, width and channels.
    stages : sequence of (int, int), optional
        Filters of each stage, and its residual units.
    high_pass : bool, default False
        Whether it sees high-pass residuals beside the colours.
    name : str, default 'compact'
        Name of the network.

    Returns
    -------
    keras.Model
        Takes (n, h, w, 3) pixels in [0, 255]; returns ``logit``, ``p_fake`` and
        ``cam`` (n, h // 16, w // 16, 1).
    """
    inputs = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    if high_pass:
        x = layers.Concatenate()([x, _residuals(inputs)])  # (n, h, w, 6)
    for filters, residual_units in stages:
        x = layers.MaxPooling2D(2)(_convolution(x, filters))
        for _ in range(residual_units):
            x = layers.Add()([x, _convolution(x, filters)])
    return keras.Model(inputs, activation_map_head(x, dropout=0.2), name=name)


def _convolution(x: Any, filters: int) -> Any:
    """3x3 convolution, batch normalisation, ReLU."""
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    # Keras's 0.99 lags behind for hundreds of steps, and validation with it.
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.ReLU()(x)


def _residuals(pixels: Any) -> Any:
    """High-pass residuals (n, h, w, 3) of pixels, cut off and scaled to [-1, 1]."""
    convolution = layers.Conv2D(
        3, 5, padding="same", use_bias=False, trainable=False, name="high_pass"
    )
    x = convolution(pixels)
    convolution.set_weights([high_pass_kernels() / _LARGEST_RESIDUAL])
    return layers.Activation("hard_tanh")(x)


def high_pass_kernels() -> NDArray[np.float32]:
    """Return the three kernels, each applied to the mean of the colours.

    Returns
    -------
    ndarray of shape (5, 5, 3, 3), float32
        Height, width, colour and kernel; each kernel sums to zero.
    """
    kernels = np.zeros((5, 5, 3, 3), dtype=np.float32)
    for number, kernel in enumerate((_FIRST_ORDER, _SECOND_ORDER, _THIRD_ORDER)):
        top, left = ((5 - side) // 2 for side in kernel.shape)
        rows, columns = slice(top, 5 - top), slice(left, 5 - left)
        kernels[rows, columns, :, number] = kernel[:, :, None] / 3
    return kernels


NETWORKS: Final[Mapping[str, Architecture]] = {
    "compact": Architecture(build, parameters=431_345),
    "compact_deep": Architecture(
        partial(build, stages=_DEEP_STAGES, name="compact_deep"), parameters=625_777
    ),
    "compact_deep_srm": Architecture(
        partial(build, stages=_DEEP_STAGES, high_pass=True, name="compact_deep_srm"),
        parameters=626_434,
    ),
    "compact_srm": Architecture(
        partial(build, high_pass=True, name="compact_srm"), parameters=432_002
    ),
}
