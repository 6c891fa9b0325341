"""Checkpoints: two renames apart from the last one, and never half of either."""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from deepfake_detector.exceptions import TrainingError
from deepfake_detector.training_checkpoint import (
    BEST_FILE,
    HISTORY_FILE,
    STATE_FILE,
    TrainingCheckpoint,
    TrainingState,
)

pytestmark = pytest.mark.tf


def network(weight: float = 0.0) -> keras.Model:
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    model.optimizer.build(model.trainable_variables)
    set_weight(model, weight)
    return model


def set_weight(model: keras.Model, weight: float) -> None:
    model.set_weights([np.full_like(w, weight) for w in model.get_weights()])


def weight_of(path: Path) -> float:
    """The one weight of a saved network."""
    model = network(weight=math.nan)
    if path.name.endswith(".weights.h5"):
        model = keras.Model(model.inputs, model.outputs)  # without an optimiser
        model.load_weights(path)
    else:
        model = keras.saving.load_model(path)
    (weight,) = {float(w) for array in model.get_weights() for w in np.ravel(array)}
    return weight


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "run" / "checkpoint"


@pytest.fixture
def checkpoint(directory: Path) -> TrainingCheckpoint:
    return attached(directory, TrainingState())


def attached(
    directory: Path, state: TrainingState, *watchers: keras.callbacks.Callback
) -> TrainingCheckpoint:
    checkpoint = TrainingCheckpoint(directory, state, list(watchers))
    checkpoint.set_model(network())
    return checkpoint


def end_epochs(checkpoint: TrainingCheckpoint, *val_losses: float) -> None:
    """End one epoch for each loss, with the epoch's number as the only weight."""
    for val_loss in val_losses:
        epoch = checkpoint.state.epoch
        set_weight(checkpoint.model, epoch + 1)
        checkpoint.on_epoch_end(epoch, {"loss": 2 * val_loss, "val_loss": val_loss})


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_folder_without_a_checkpoint_gives_a_fresh_state(directory: Path) -> None:
    assert TrainingState.read(directory) == TrainingState()


def test_written_state_is_read_again(
    checkpoint: TrainingCheckpoint, directory: Path
) -> None:
    end_epochs(checkpoint, 0.5, 0.4, 0.6)
    state = TrainingState.read(directory)
    assert state == checkpoint.state
    assert (state.epoch, state.best_epoch, state.best_value) == (3, 2, 0.4)


def test_state_names_the_weights_of_its_own_epoch(
    checkpoint: TrainingCheckpoint, directory: Path
) -> None:
    end_epochs(checkpoint, 0.5, 0.4)
    state = TrainingState.read(directory)
    assert weight_of(directory / state.weights) == 2


def test_only_the_last_epoch_and_the_best_are_kept(
    checkpoint: TrainingCheckpoint, directory: Path
) -> None:
    end_epochs(checkpoint, 0.5, 0.4, 0.6)
    assert names(directory) == {"epoch-0003.keras", BEST_FILE, STATE_FILE}
    assert weight_of(directory / BEST_FILE) == 2


def test_first_of_equally_good_epochs_is_the_best(
    checkpoint: TrainingCheckpoint,
) -> None:
    end_epochs(checkpoint, 0.5, 0.5)
    assert checkpoint.state.best_epoch == 1


def test_loss_that_is_no_number_is_never_the_best(
    checkpoint: TrainingCheckpoint, directory: Path
) -> None:
    end_epochs(checkpoint, math.nan)
    assert checkpoint.state.best_epoch is None
    assert not (directory / BEST_FILE).exists()
    end_epochs(checkpoint, 0.5, math.nan)
    assert TrainingState.read(directory).best_epoch == 2


def test_history_has_a_row_an_epoch(
    checkpoint: TrainingCheckpoint, directory: Path
) -> None:
    end_epochs(checkpoint, 0.5, 0.25)
    with (directory.parent / HISTORY_FILE).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {"epoch": "1", "loss": "1.0", "val_loss": "0.5"},
        {"epoch": "2", "loss": "0.5", "val_loss": "0.25"},
    ]


def test_repeated_epoch_replaces_its_row(
    checkpoint: TrainingCheckpoint, directory: Path
) -> None:
    end_epochs(checkpoint, 0.5, 0.4, 0.3)
    checkpoint.on_epoch_end(1, {"loss": 0.1, "val_loss": 0.2})
    rows = TrainingState.read(directory).history
    assert [(row["epoch"], row["val_loss"]) for row in rows] == [(1, 0.5), (2, 0.2)]


def test_epoch_without_logs_is_saved(
    checkpoint: TrainingCheckpoint, directory: Path
) -> None:
    checkpoint.on_epoch_end(0)
    assert TrainingState.read(directory).epoch == 1


def test_optimiser_is_saved_with_the_network(
    checkpoint: TrainingCheckpoint, directory: Path
) -> None:
    checkpoint.model.optimizer.learning_rate.assign(1e-5)
    checkpoint.model.optimizer.iterations.assign(77)
    end_epochs(checkpoint, 0.5)
    loaded = keras.saving.load_model(directory / checkpoint.state.weights)
    assert float(loaded.optimizer.learning_rate) == pytest.approx(1e-5)
    assert int(loaded.optimizer.iterations) == 77


def watchers() -> list[keras.callbacks.Callback]:
    return [
        keras.callbacks.EarlyStopping(patience=9),
        keras.callbacks.ReduceLROnPlateau(patience=9, cooldown=3),
    ]


MEMORIES = {
    "EarlyStopping": {"wait": 4, "best": 0.25, "best_epoch": 2, "stopped_epoch": 0},
    "ReduceLROnPlateau": {"wait": 2, "best": 0.25, "cooldown_counter": 1},
}


def test_memories_of_the_other_callbacks_come_back(directory: Path) -> None:
    first = watchers()
    for watcher in first:
        watcher.on_train_begin()
        for name, value in MEMORIES[type(watcher).__name__].items():
            setattr(watcher, name, value)
    end_epochs(attached(directory, TrainingState(), *first), 0.5)

    second = watchers()
    resumed = attached(directory, TrainingState.read(directory), *second)
    for callback in [*second, resumed]:
        callback.on_train_begin()
    remembered = {
        type(watcher).__name__: {
            name: getattr(watcher, name) for name in MEMORIES[type(watcher).__name__]
        }
        for watcher in second
    }
    assert remembered == MEMORIES


def test_memories_in_numpy_numbers_are_saved(directory: Path) -> None:
    (early_stopping, _) = watchers()
    early_stopping.best = np.float32(0.25)
    early_stopping.wait = np.int64(3)
    end_epochs(attached(directory, TrainingState(), early_stopping), 0.5)
    memories = TrainingState.read(directory).memories["EarlyStopping"]
    assert (memories["best"], memories["wait"]) == (0.25, 3)


def test_fresh_run_leaves_the_other_callbacks_alone(directory: Path) -> None:
    (early_stopping, _) = watchers()
    early_stopping.wait = 5
    attached(directory, TrainingState(), early_stopping).on_train_begin()
    assert early_stopping.wait == 5


def cut_saving(checkpoint: TrainingCheckpoint, patch: pytest.MonkeyPatch) -> None:
    def save(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    patch.setattr(checkpoint.model, "save", save)


def cut_renaming(checkpoint: TrainingCheckpoint, patch: pytest.MonkeyPatch) -> None:
    def replace(self: Path, target: Path) -> None:
        raise OSError(5, "Input/output error")

    patch.setattr(Path, "replace", replace)


def cut_state(checkpoint: TrainingCheckpoint, patch: pytest.MonkeyPatch) -> None:
    def write_text(self: Path, text: str, **kwargs: Any) -> None:
        self.write_bytes(text[: len(text) // 2].encode())
        raise OSError(28, "No space left on device")

    patch.setattr(Path, "write_text", write_text)


@pytest.mark.parametrize("cut", [cut_saving, cut_renaming, cut_state])
def test_previous_checkpoint_survives_a_write_that_fails(
    cut: Callable[[TrainingCheckpoint, pytest.MonkeyPatch], None],
    checkpoint: TrainingCheckpoint,
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end_epochs(checkpoint, 0.5, 0.4)
    with monkeypatch.context() as patch:
        cut(checkpoint, patch)
        with pytest.raises(TrainingError, match="No space|Input/output"):
            end_epochs(checkpoint, 0.9)
    state = TrainingState.read(directory)
    assert state.epoch == 2
    assert weight_of(directory / state.weights) == 2
    assert weight_of(directory / BEST_FILE) == 2


def test_checkpoint_after_one_that_failed_is_whole(
    checkpoint: TrainingCheckpoint, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_epochs(checkpoint, 0.5)
    with monkeypatch.context() as patch:
        cut_state(checkpoint, patch)
        with pytest.raises(TrainingError, match="No space"):
            end_epochs(checkpoint, 0.4)
    resumed = attached(directory, TrainingState.read(directory))
    end_epochs(resumed, 0.4, 0.3)
    state = TrainingState.read(directory)
    assert (state.epoch, len(state.history)) == (3, 3)
    assert weight_of(directory / state.weights) == 3


def test_best_weights_of_a_cut_epoch_do_no_harm(
    checkpoint: TrainingCheckpoint, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best file may run ahead of the state: the repeated epoch writes it again."""
    end_epochs(checkpoint, 0.5)
    with monkeypatch.context() as patch:
        cut_saving(checkpoint, patch)
        with pytest.raises(TrainingError, match="No space"):
            end_epochs(checkpoint, 0.4)
    resumed = attached(directory, TrainingState.read(directory))
    end_epochs(resumed, 0.4)
    assert weight_of(directory / BEST_FILE) == 2
    assert resumed.state.best_epoch == 2


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '"done"', '{"epochs": 3}', "\udcff"],
)
def test_damaged_state_is_refused_with_what_to_do(text: str, directory: Path) -> None:
    directory.mkdir(parents=True)
    (directory / STATE_FILE).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(TrainingError, match=r"state\.json: .* start the run anew"):
        TrainingState.read(directory)


def test_state_is_plain_json(checkpoint: TrainingCheckpoint, directory: Path) -> None:
    end_epochs(checkpoint, 0.5)
    fields = json.loads((directory / STATE_FILE).read_text())
    assert fields["history"] == [{"epoch": 1, "loss": 1.0, "val_loss": 0.5}]
