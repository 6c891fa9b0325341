"""Trained models, frozen, under a small head that is trained on their answers.

The members look at the same picture: the ensemble takes the largest member's input and
shrinks it for the others inside the graph.

References
----------
.. [1] J. Spagnola, "Deepfake Image Detection": two frozen networks' outputs, 32 dense
   units, a sigmoid. Stacking is of Wolpert, "Stacked Generalization", Neural Networks
   5, 1992.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import keras
from keras import layers

from deepfake_detector.architectures import Architecture
from deepfake_detector.architectures.heads import dense_head, fixed_head
from deepfake_detector.artifact import KERAS_FILE, Artifact
from deepfake_detector.exceptions import ConfigError
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.keras_file import check_keras_file
from deepfake_detector.labels import SCORE_SIGNS

_LEAST_MEMBERS: Final = 2

#: Takes the members' calibrated logits, each (n, 1); returns the network's outputs.
_Head = Callable[[list[Any]], dict[str, Any]]


def _stacked(logits: list[Any]) -> dict[str, Any]:
    """Concatenate the members' P(fake); 32 units, one logit."""
    scores = layers.Concatenate()([layers.Activation("sigmoid")(z) for z in logits])
    return dense_head(layers.Dense(32, activation="relu")(scores))


def _mean(logits: list[Any]) -> dict[str, Any]:
    """Average the members' logits; nothing is trained."""
    return fixed_head(layers.Average(dtype="float32", name="logit")(logits))


def _combine(name: str, head: _Head, members: Sequence[Artifact]) -> Architecture:
    """Make the architecture that these members give.

    Raises
    ------
    ConfigError
        If there are fewer than two members, or they look at different crops.
    """
    if len(members) < _LEAST_MEMBERS:
        raise ConfigError(
            f"{name}: expected --member DIR for each of at least {_LEAST_MEMBERS} "
            f"trained models, got {len(members)}"
        )
    crops = {rule for member in members for rule in _rule_names(member)}
    if len(crops) != 1:
        raise ConfigError(
            f"{name}: expected members that look at the same crops, got "
            f"{', '.join(sorted(crops)) or 'crops of no known rule'}; train them with "
            "the same --crop"
        )
    return Architecture(
        build=partial(_build, name, head, members),
        parameters=None,
        image_size=max(max(member.card.input_shape[:2]) for member in members),
        crop=crops.pop(),
    )


def _build(
    name: str,
    head: _Head,
    members: Sequence[Artifact],
    input_shape: tuple[int, int, int],
) -> keras.Model:
    """Build the members with their weights, and the head with fresh ones."""
    inputs = keras.Input(input_shape, name="image")
    logits = [_logit(number, member, inputs) for number, member in enumerate(members)]
    return keras.Model(inputs, head(logits), name=name)


def _logit(number: int, member: Artifact, inputs: Any) -> Any:
    """One member's calibrated logit of P(fake), (n, 1)."""
    height, width, _ = member.card.input_shape
    x = inputs
    if inputs.shape[1:3] != (height, width):
        x = layers.Resizing(height, width, name=f"resize_{number}")(inputs)
    calibration = member.card.calibration
    calibrated = layers.Rescaling(
        SCORE_SIGNS[member.card.score] / calibration.temperature,
        offset=calibration.bias,
        dtype="float32",
        name=f"calibrate_{number}",
    )
    return calibrated(_network(number, member)(x)["logit"])


def _network(number: int, member: Artifact) -> keras.Model:
    with member.verified_file(KERAS_FILE) as path:
        check_keras_file(path)
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    network.name = f"member_{number}_{network.name}"
    network.trainable = False
    # Keras drops out in frozen networks, too, while the one around them trains.
    for layer in network.layers:
        if isinstance(layer, layers.Dropout):
            layer.rate = 0.0
    return network


def _rule_names(member: Artifact) -> list[str]:
    return [name for name, rule in CROP_RULES.items() if rule == member.card.crop]


def _without_members(input_shape: tuple[int, int, int]) -> keras.Model:
    """Say what is missing."""
    raise ConfigError(
        f"an ensemble is made of trained models: give --member DIR at least "
        f"{_LEAST_MEMBERS} times"
    )


STACKED: Final = Architecture(
    _without_members,
    parameters=None,
    combine=partial(_combine, "ensemble", _stacked),
)

MEAN: Final = Architecture(
    _without_members,
    parameters=None,
    combine=partial(_combine, "ensemble_mean", _mean),
)
