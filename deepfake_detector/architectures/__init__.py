"""Table of networks: each a builder and the recipe that its source trains it with.

A new network is one file with an :class:`Architecture`, and one line here. Every
network takes pixels in [0, 255] and returns a dict: ``logit`` (n, 1) of P(fake),
``p_fake`` (n, 1) = sigmoid(logit) and, where it has one, ``cam`` (n, h', w', 1), a
class-activation map whose mean is the logit.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deepfake_detector.artifact import Artifact
from deepfake_detector.config import TrainConfig
from deepfake_detector.exceptions import ConfigError
from deepfake_detector.registry import Registry


@dataclass(frozen=True)
class Architecture:
    """A network, and what its source feeds it and trains it with.

    Parameters
    ----------
    build : callable
        ``build(input_shape)`` returns the network with fresh weights.
    parameters : int or None
        Weights at `image_size`, those that are not trained included; None where they
        depend on the members.
    image_size : int, default 128
        Height and width of its input, pixels.
    crop : {'face', 'whole'}, default 'face'
        What it sees unless told otherwise: each face, or the whole picture.
    optimizer : str, default 'adam'
        Name of a Keras optimiser.
    learning_rate : float, default 1e-3
        The optimiser's first learning rate.
    batch_size : int, default 64
        Pictures in one training step.
    loss : str, default 'binary_crossentropy'
        The loss its source names. Over two softmax outputs a cross-entropy equals the
        binary one of the difference of their logits, so all are trained by that.
    backbone : callable, optional
        ``backbone(weights, input_shape)`` builds the part that has ImageNet weights,
        with the layer names it has in `build`.
    combine : callable, optional
        ``combine(members)`` returns the architecture that is made of these trained
        model folders; None for a network that is made of layers alone.
    """

    build: Callable[..., Any]
    parameters: int | None
    image_size: int = 128
    crop: str = "face"
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    batch_size: int = 64
    loss: str = "binary_crossentropy"
    backbone: Callable[..., Any] | None = None
    combine: "Callable[[Sequence[Artifact]], Architecture] | None" = None

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of its own input."""
        return (self.image_size, self.image_size, 3)


_HERE: Final = "deepfake_detector.architectures"
_REFERENCE: Final = f"{_HERE}.reference_networks:NETWORKS"

#: What tells the reference's twenty networks apart, in its own order.
_REFERENCE_LINES: Final = (
    "two unpadded convolutions of 16 and 36 filters, LeakyReLU",
    "two unpadded convolutions of 16 and 32 filters, the first with stride 2",
    "two unpadded convolutions of 16 and 32 filters, LeakyReLU of slope 0.02",
    "two unpadded convolutions of 16 and 32 filters, LeakyReLU, dropout",
    "three convolutions, dense layers 256, 128, 64",
    "four convolutions, dense layers 512, 256, 128, dropout 0.5; the one it ships",
    "three convolutions, dense layers 256, 128, 64, 32",
    "three convolutions, dense layers 128, 64",
    "three convolutions with one pooling at the end, normalised dense layers",
    "three convolutions, dense layers 128, 64, as 8 but trained again",
    "four convolutions, as 6 with dropout after every dense layer",
    "four convolutions, as 6 without dropout",
    "four convolutions, as 6 with dropout 0.3",
    "four convolutions, as 6 with dropout 0.7",
    "four convolutions, dense layers 512, 256, 128, 64, dropout 0.7",
    "four convolutions, dense layers 512, 256, 64, dropout 0.7",
    "four convolutions, as 6 with dropout 0.9",
    "four convolutions, dense layers 256, 128, 64",
    "five convolutions, two of them pooled without stride",
    "two pairs of convolutions, LeakyReLU, normalised dense layers",
)

ARCHITECTURES = Registry(
    "architecture",
    [
        ("baseline_64", f"{_HERE}.baseline_64:BASELINE_64"),
        ("compact", f"{_HERE}.compact:NETWORKS"),
        (
            "compact_deep",
            f"{_HERE}.compact:NETWORKS",
            "The compact network with more residual units where maps are small.",
        ),
        (
            "compact_deep_srm",
            f"{_HERE}.compact:NETWORKS",
            "The deeper compact network with high-pass residuals beside the colours.",
        ),
        (
            "compact_srm",
            f"{_HERE}.compact:NETWORKS",
            "The compact network with high-pass residuals beside the colours.",
        ),
        ("deforgify", f"{_HERE}.deforgify:DEFORGIFY"),
        ("efficientnet_v2_b0", f"{_HERE}.efficientnet_v2_b0:EFFICIENTNET_V2_B0"),
        ("ensemble", f"{_HERE}.ensemble:STACKED"),
        ("ensemble_mean", f"{_HERE}.ensemble:MEAN", "The plain mean of an ensemble."),
        ("four_conv", _REFERENCE, "The Flask reference's own choice, reference_06."),
        ("mobilenet_v3_large", f"{_HERE}.mobilenet_v3:LARGE"),
        ("mobilenet_v3_small", f"{_HERE}.mobilenet_v3:SMALL"),
        *(
            (f"reference_{number:02}", _REFERENCE, f"Flask reference: {line}.")
            for number, line in enumerate(_REFERENCE_LINES, start=1)
        ),
        ("resnet50", f"{_HERE}.resnet50:RESNET50"),
        ("three_conv", f"{_HERE}.three_conv:THREE_CONV"),
        ("tuned_64", f"{_HERE}.tuned_64:TUNED_64"),
        ("xception_299", f"{_HERE}.xception_299:XCEPTION_299"),
    ],
)

#: Settings that the network decides where nobody else does.
OWN_SETTINGS: Final = ("image_size", "crop", "optimizer", "learning_rate", "batch_size")


def architecture_of(config: TrainConfig) -> Architecture:
    """Return the architecture of a configuration, its members put in.

    Parameters
    ----------
    config : TrainConfig
        Settings; `architecture` and `member` count.

    Returns
    -------
    Architecture
        One that can be built.

    Raises
    ------
    UnknownNameError
        If there is no such architecture; the message lists the choices.
    ConfigError
        If it needs members and has too few, or has members and takes none.
    ArtifactError
        If a member's folder is damaged.
    """
    architecture: Architecture = ARCHITECTURES.get(config.architecture)
    if architecture.combine is not None:
        return architecture.combine([Artifact.load(path) for path in config.member])
    if config.member:
        raise ConfigError(
            f"member: {config.architecture!r} is not made of other models; use "
            "--architecture ensemble, or leave --member out"
        )
    return architecture


def with_own_recipe(config: TrainConfig) -> TrainConfig:
    """Fill in what a configuration leaves to its network.

    Parameters
    ----------
    config : TrainConfig
        Settings; None where the network decides.

    Returns
    -------
    TrainConfig
        The same, with none of `OWN_SETTINGS` left open.

    Raises
    ------
    UnknownNameError
        If there is no such architecture; the message lists the choices.
    """
    architecture = architecture_of(config)
    own = {
        name: getattr(architecture, name)
        for name in OWN_SETTINGS
        if getattr(config, name) is None
    }
    return dataclasses.replace(config, **own)
