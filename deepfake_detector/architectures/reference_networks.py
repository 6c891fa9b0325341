"""The Flask reference's twenty networks, as one table of layers.

All take 128x128 pictures, whole, and end in three or four dense layers. Their authors'
Adam rate of 1e-4 and binary cross-entropy travel with them. `four_conv` is number 6,
the one that the reference implementation ships.

References
----------
.. [1] github.com/mytechnotalent/deepfake-detector, its notebook's twenty trials.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import keras
from keras import layers

from deepfake_detector.architectures import Architecture
from deepfake_detector.architectures.heads import dense_head


@dataclass(frozen=True)
class _Convolution:
    """A convolution, batch normalisation and 2x2 pooling of that stride, 0 for none."""

    filters: int
    pool_stride: int = 2
    kernel: int = 3
    stride: int = 1
    padding: str = "same"


@dataclass(frozen=True)
class _Network:
    """One row of the notebook: convolutions, then (units, dropout) of dense layers."""

    parameters: int
    convolutions: tuple[_Convolution, ...]
    dense: tuple[tuple[int, float], ...]
    #: Slope of LeakyReLU; 0 is the plain ReLU.
    negative_slope: float = 0.0
    #: Whether normalisation comes before the activation, in dense layers as well.
    normalised_first: bool = False
    flat_dropout: float = 0.0


def _pooled(*filters: int) -> tuple[_Convolution, ...]:
    return tuple(map(_Convolution, filters))


def _early(*rows: tuple[int, int, int, int]) -> tuple[_Convolution, ...]:
    """Unpadded convolutions of the first four: filters, pool stride, kernel, stride."""
    return tuple(_Convolution(*row, padding="valid") for row in rows)


_THREE: Final = _pooled(32, 64, 128)
_FOUR: Final = _pooled(32, 64, 128, 256)

_ROWS: Final = {
    1: _Network(
        16_602_629,
        _early((16, 2, 4, 1), (36, 1, 2, 1)),
        ((128, 0), (64, 0), (32, 0)),
        negative_slope=0.01,
    ),
    2: _Network(
        3_458_289,
        _early((16, 2, 4, 2), (32, 1, 2, 1)),
        ((128, 0), (64, 0), (32, 0)),
    ),
    3: _Network(
        14_759_153,
        _early((16, 2, 4, 1), (32, 1, 2, 1)),
        ((128, 0), (64, 0), (32, 0)),
        negative_slope=0.02,
    ),
    4: _Network(
        14_759_153,
        _early((16, 2, 4, 1), (32, 1, 2, 1)),
        ((128, 0.5), (64, 0), (32, 0)),
        negative_slope=0.01,
        flat_dropout=0.25,
    ),
    5: _Network(8_524_225, _THREE, ((256, 0.5), (128, 0.5), (64, 0))),
    6: _Network(8_943_809, _FOUR, ((512, 0.5), (256, 0.5), (128, 0))),
    7: _Network(8_526_273, _THREE, ((256, 0.5), (128, 0.5), (64, 0.5), (32, 0))),
    8: _Network(4_296_897, _THREE, ((128, 0.5), (64, 0))),
    9: _Network(
        134_346_689,
        (_Convolution(32, 0), _Convolution(64, 0), _Convolution(128)),
        ((256, 0.5), (128, 0.5)),
        normalised_first=True,
    ),
    10: _Network(4_296_897, _THREE, ((128, 0.5), (64, 0))),
    11: _Network(8_943_809, _FOUR, ((512, 0.5), (256, 0.5), (128, 0.5))),
    12: _Network(8_943_809, _FOUR, ((512, 0), (256, 0), (128, 0))),
    13: _Network(8_943_809, _FOUR, ((512, 0.3), (256, 0.3), (128, 0))),
    14: _Network(8_943_809, _FOUR, ((512, 0.7), (256, 0.7), (128, 0))),
    15: _Network(8_952_001, _FOUR, ((512, 0.7), (256, 0.7), (128, 0.7), (64, 0))),
    16: _Network(8_927_297, _FOUR, ((512, 0.7), (256, 0.7), (64, 0.7))),
    17: _Network(8_943_809, _FOUR, ((512, 0.9), (256, 0.9), (128, 0))),
    18: _Network(4_626_113, _FOUR, ((256, 0.5), (128, 0.5), (64, 0))),
    19: _Network(
        60_719_809,
        (
            *_pooled(32, 64),
            _Convolution(128, 1),
            _Convolution(256, 1),
            _Convolution(512),
        ),
        ((512, 0.5), (256, 0.5), (128, 0)),
    ),
    20: _Network(
        134_776_513,
        (
            _Convolution(32, 0),
            _Convolution(64),
            _Convolution(128, 0),
            _Convolution(256),
        ),
        ((512, 0.5), (256, 0.5), (128, 0)),
        negative_slope=0.01,
        normalised_first=True,
    ),
}


def _build(name: str, row: _Network, input_shape: tuple[int, int, int]) -> keras.Model:
    inputs = keras.Input(input_shape, name="image")
    # 127, not 127.5 or 255: the reference's own factor, kept for comparison.
    x = layers.Rescaling(1 / 127)(inputs)
    for convolution in row.convolutions:
        x = _convolved(x, convolution, row)
    x = layers.Dropout(row.flat_dropout)(x)
    x = layers.Flatten()(x)
    for units, dropout in row.dense:
        x = layers.Dense(units)(x)
        if row.normalised_first:
            x = layers.BatchNormalization()(x)
        x = layers.ReLU(negative_slope=row.negative_slope)(x)
        x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, dense_head(x), name=name)


def _convolved(x: Any, convolution: _Convolution, row: _Network) -> Any:
    """One convolution with its activation, normalisation and pooling."""
    x = layers.Conv2D(
        convolution.filters,
        convolution.kernel,
        strides=convolution.stride,
        padding=convolution.padding,
    )(x)
    steps = [
        layers.ReLU(negative_slope=row.negative_slope),
        layers.BatchNormalization(),
    ]
    for step in reversed(steps) if row.normalised_first else steps:
        x = step(x)
    if convolution.pool_stride:
        x = layers.MaxPooling2D(2, strides=convolution.pool_stride)(x)
    return x


def _architecture(name: str, row: _Network) -> Architecture:
    return Architecture(
        build=partial(_build, name, row),
        parameters=row.parameters,
        crop="whole",
        learning_rate=1e-4,
    )


#: By name: `reference_01` to `reference_20`, and `four_conv`.
NETWORKS: Final = {
    **{
        f"reference_{n:02}": _architecture(f"reference_{n:02}", _ROWS[n]) for n in _ROWS
    },
    "four_conv": _architecture("four_conv", _ROWS[6]),
}
