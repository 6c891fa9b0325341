"""Table of networks: ``build(input_shape) -> keras.Model`` on pixels in [0, 255].

A new network is one file with a builder, and one line here. Every network returns a
dict: ``logit`` (n, 1) of P(fake), ``p_fake`` (n, 1) = sigmoid(logit) and, where it has
one, ``cam`` (n, h', w', 1), a class-activation map whose mean is the logit.
"""

from typing import Final

from deepfake_detector.registry import Registry

ARCHITECTURES = Registry(
    "architecture",
    [
        ("compact", "deepfake_detector.architectures.compact:build"),
        ("four_conv", "deepfake_detector.architectures.four_conv:build"),
    ],
)

#: The reference implementation's networks, which were made for whole pictures.
_OF_WHOLE_PICTURES: Final = ("four_conv",)


def default_crop(architecture: str) -> str:
    """Return the crop rule that a network is trained with unless told otherwise.

    Parameters
    ----------
    architecture : str
        Name in the table.

    Returns
    -------
    str
        `whole` for the reference implementation's networks, `face` for all others.
    """
    return "whole" if architecture in _OF_WHOLE_PICTURES else "face"
