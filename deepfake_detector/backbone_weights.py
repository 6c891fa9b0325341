"""Published weights for the body of a network, and which of its layers that body is.

The body ("backbone") is built a second time on its own, filled, and copied layer by
layer. Layers are paired in their order; each pair must have the same kind, shapes and,
but for the numbers that Keras gives by itself, the same name.
"""

import dataclasses
import re
import warnings
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np

from deepfake_detector.architectures import Architecture, architecture_of
from deepfake_detector.config import TrainConfig
from deepfake_detector.exceptions import (
    ArtifactError,
    ConfigError,
    TrainingError,
)
from deepfake_detector.keras_file import check_keras_file

#: Sources that are no files.
IMAGENET: Final = "imagenet"
NONE: Final = "none"

#: Epochs of the head alone where nobody says how many.
_HEAD_EPOCHS: Final = 3

_WAYS_OUT: Final = (
    "give --backbone-weights FILE with weights that you have, or --backbone-weights "
    "none to train from scratch"
)


def with_fine_tuning(config: TrainConfig) -> TrainConfig:
    """Fill in where a network's body comes from and how long it stays frozen.

    Parameters
    ----------
    config : TrainConfig
        Settings; None where nobody said.

    Returns
    -------
    TrainConfig
        The same with `backbone_weights` and `head_epochs` set.

    Raises
    ------
    ConfigError
        If a setting concerns a body that this network does not have.
    """
    has_body = architecture_of(config).backbone is not None
    weights = config.backbone_weights or (IMAGENET if has_body else NONE)
    loaded = weights != NONE
    head = config.head_epochs
    if head is None:
        head = min(_HEAD_EPOCHS, config.epochs // 2) if loaded else 0
    if not has_body and (loaded or head):
        name = "backbone_weights" if loaded else "head_epochs"
        raise ConfigError(
            f"{name}: {config.architecture!r} has no body with published weights; "
            "leave the option out"
        )
    return dataclasses.replace(config, backbone_weights=weights, head_epochs=head)


def backbone_layers(
    network: keras.Model, architecture: Architecture, input_shape: tuple[int, int, int]
) -> list[Any]:
    """Return the layers with weights that a network's body is made of.

    Parameters
    ----------
    network : keras.Model
        What the architecture built.
    architecture : Architecture
        One with a `backbone`.
    input_shape : (int, int, int)
        The network's input.

    Returns
    -------
    list of keras.layers.Layer
        Layers of `network`.
    """
    body = _body(architecture, None, input_shape)
    return [mine for mine, _ in _pairs(network, body, "the body")]


def load_backbone(
    network: keras.Model,
    architecture: Architecture,
    input_shape: tuple[int, int, int],
    source: str,
) -> None:
    """Fill a network's body with published weights.

    Parameters
    ----------
    network : keras.Model
        What the architecture built; changed in place.
    architecture : Architecture
        One with a `backbone`.
    input_shape : (int, int, int)
        The network's input.
    source : str
        `imagenet`, which Keras downloads, or a file: `.weights.h5`, the `.h5` that
        keras.applications publishes, or a `.keras` file of the body.

    Raises
    ------
    TrainingError
        If the weights cannot be had, or are not those of this body.
    """
    if source == IMAGENET:
        body = _downloaded(architecture, input_shape)
    else:
        body = _body(architecture, None, input_shape)
        _fill(body, Path(source))
    # All pairs are checked before the first weight changes.
    for mine, theirs in _pairs(network, body, "the body"):
        mine.set_weights(theirs.get_weights())


def _body(
    architecture: Architecture, weights: str | None, input_shape: tuple[int, int, int]
) -> keras.Model:
    if architecture.backbone is None:
        raise ConfigError("this network has no body with published weights")
    return architecture.backbone(weights, input_shape=input_shape)


def _downloaded(
    architecture: Architecture, input_shape: tuple[int, int, int]
) -> keras.Model:
    """The body with the weights that Keras downloads at first use."""
    try:
        return _body(architecture, IMAGENET, input_shape)
    # Keras reports a failed download as a bare Exception.
    except Exception as error:
        raise TrainingError(
            f"the ImageNet weights cannot be downloaded ({type(error).__name__}); "
            f"{_WAYS_OUT}"
        ) from error


def _fill(body: keras.Model, path: Path) -> None:
    """Read all weights of a body from a file."""
    if path.suffix == ".keras":
        # The file may hold a whole network: its first layers are the body.
        for theirs, mine in _pairs(_read_network(path), body, path.name):
            mine.set_weights(theirs.get_weights())
        return
    # Keras leaves a layer as it is, and only warns, where the file has none like it.
    body.set_weights([np.full_like(weight, np.nan) for weight in body.get_weights()])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        _read_weights(body, path)
    if any(np.isnan(weight).any() for weight in body.get_weights()):
        raise _unreadable(path, ValueError())


def _read_network(path: Path) -> keras.Model:
    try:
        check_keras_file(path)
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except ArtifactError as error:
        raise TrainingError(f"backbone_weights: {error}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(path, error) from error


def _read_weights(body: keras.Model, path: Path) -> None:
    if not path.is_file():
        raise TrainingError(
            f"backbone_weights: there is no file {path.name}; {_WAYS_OUT}"
        )
    if path.suffix not in (".h5", ".hdf5"):
        raise TrainingError(
            f"backbone_weights: expected {IMAGENET}, {NONE}, or a file whose name "
            f"ends in .weights.h5, .h5 or .keras, got {path.name!r}"
        )
    try:
        body.load_weights(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> TrainingError:
    return TrainingError(
        f"backbone_weights: {path.name} is damaged, or holds weights of another "
        f"network ({type(error).__name__}); {_WAYS_OUT}"
    )


def _pairs(network: keras.Model, body: keras.Model, name: str) -> list[tuple[Any, Any]]:
    """Layers of both that belong together: all of the body's, the network's first.

    Raises
    ------
    TrainingError
        If a layer of the body has no partner in the network.
    """
    theirs = _weighted(body)
    mine = _weighted(network)[: len(theirs)]
    if not theirs or len(mine) < len(theirs):
        raise _no_partner(name, theirs[len(mine)].name if theirs else "any")
    for layer, other in zip(mine, theirs, strict=True):
        if _signature(layer) != _signature(other):
            raise _no_partner(name, other.name)
    return list(zip(mine, theirs, strict=True))


def _no_partner(name: str, layer: str) -> TrainingError:
    return TrainingError(
        f"backbone_weights: {name} does not fit this network's body: nothing pairs "
        f"with the layer {layer!r}; {_WAYS_OUT}"
    )


def _weighted(network: keras.Model) -> list[Any]:
    return [layer for layer in network.layers if layer.weights]


def _signature(layer: Any) -> tuple[Any, ...]:
    """Kind, shapes and name; of a name that Keras numbered, only that it did."""
    kind = type(layer).__name__
    is_automatic = _letters(layer.name) == _letters(kind)
    name = kind if is_automatic else layer.name
    return kind, name, [tuple(weight.shape) for weight in layer.weights]


def _letters(name: str) -> str:
    return re.sub("[^a-z]", "", name.lower())
