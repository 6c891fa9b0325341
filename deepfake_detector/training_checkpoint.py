"""A checkpoint after every epoch, from which a killed run goes on as if never cut."""

import csv
import io
import json
import logging
import math
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import keras

from deepfake_detector.averaged_weights import averaged_weights
from deepfake_detector.config import WATCHED_METRICS
from deepfake_detector.exceptions import TrainingError
from deepfake_detector.whole_file import write_json, write_whole

logger = logging.getLogger(__name__)

STATE_FILE: Final = "state.json"
BEST_FILE: Final = "best.weights.h5"
HISTORY_FILE: Final = "history.csv"

#: What each watching callback remembers between epochs.
_MEMORIES: Final = {
    "EarlyStopping": ("wait", "best", "best_epoch", "stopped_epoch"),
    "ReduceLROnPlateau": ("wait", "best", "cooldown_counter"),
}


@dataclass
class TrainingState:
    """Where a run stands.

    Parameters
    ----------
    epoch : int, default 0
        Epochs done.
    weights : str or None, default None
        Name of the file with the network and the optimiser after that epoch.
    finished : bool, default False
        Whether training ended by itself.
    best_epoch : int or None, default None
        Epoch, from 1, with the best value of the watched metric.
    best_value : float or None, default None
        That value.
    history : list of dict, optional
        One row of metrics an epoch.
    memories : dict, optional
        What the other callbacks remember, by class name.
    random_states : list of list of int, optional
        Where dropout's random sequences stand, layer by layer.
    """

    epoch: int = 0
    weights: str | None = None
    finished: bool = False
    best_epoch: int | None = None
    best_value: float | None = None
    history: list[dict[str, float]] = field(default_factory=list)
    memories: dict[str, dict[str, Any]] = field(default_factory=dict)
    random_states: list[list[int]] = field(default_factory=list)

    @property
    def stopped_early(self) -> bool:
        """Whether the watched metric stayed without a better value for too long."""
        return bool(self.memories.get("EarlyStopping", {}).get("stopped_epoch"))

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read the state of a checkpoint folder.

        Parameters
        ----------
        directory : Path
            Folder of the checkpoint.

        Returns
        -------
        TrainingState
            The state; a fresh one where there is no checkpoint yet.

        Raises
        ------
        TrainingError
            If the state file is damaged.
        """
        path = directory / STATE_FILE
        if not path.is_file():
            return cls()
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            if "best_val_loss" in fields:  # as runs before other metrics called it
                fields["best_value"] = fields.pop("best_val_loss")
            return cls(**fields)
        except (ValueError, TypeError) as error:
            raise TrainingError(
                f"{STATE_FILE}: not a training state ({error}); start the run anew"
            ) from error


class TrainingCheckpoint(keras.callbacks.Callback):  # type: ignore[misc]
    """Saves network, optimiser and callbacks' memory; comes last in the list.

    Everything is written under a temporary name first. The state file names the weights
    it belongs to and is replaced last, so the two always fit.

    Parameters
    ----------
    directory : Path
        Folder of the checkpoint.
    state : TrainingState
        Where the run stands; changed as it goes on.
    watchers : sequence of keras.callbacks.Callback
        Callbacks whose memory is kept.
    metric : str, default 'val_loss'
        What picks the best epoch; one of `WATCHED_METRICS`.
    """

    def __init__(
        self,
        directory: Path,
        state: TrainingState,
        watchers: list[keras.callbacks.Callback],
        metric: str = "val_loss",
    ) -> None:
        super().__init__()
        self.directory = directory
        self.state = state
        self.watchers = watchers
        self.metric = metric

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Give the other callbacks and dropout back what they remembered."""
        for watcher in self.watchers:
            for name, value in self.state.memories.get(_name(watcher), {}).items():
                setattr(watcher, name, value)
        # Before the first checkpoint there are none to give back.
        for variable, value in zip(
            _random_variables(self.model), self.state.random_states, strict=False
        ):
            variable.assign(value)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Save the epoch that just ended.

        Raises
        ------
        TrainingError
            If it cannot be written; the checkpoint before it is kept.
        """
        row = {name: float(value) for name, value in (logs or {}).items()}
        self.state.epoch = epoch + 1
        self.state.history = [*self.state.history[:epoch], {"epoch": epoch + 1} | row]
        try:
            if self._is_best(row.get(self.metric, math.nan)):
                self.state.best_value = row[self.metric]
                self.state.best_epoch = epoch + 1
                self._write_best()
            self.save()
        except OSError as error:
            self._remove_halves()
            raise TrainingError(
                f"the checkpoint of epoch {epoch + 1} cannot be written "
                f"({_reason(error)}); that of epoch {epoch} is kept. Make room, then "
                f"go on with --resume and the folder {self.directory.parent.name}"
            ) from error

    def _is_best(self, value: float) -> bool:
        best = self.state.best_value
        if best is None or not math.isfinite(value):
            return math.isfinite(value)
        return value > best if WATCHED_METRICS[self.metric] == "max" else value < best

    def _remove_halves(self) -> None:
        """Give back the room that a file cut in the middle takes."""
        for path in self.directory.glob("writing-*"):
            path.unlink(missing_ok=True)

    def save(self) -> None:
        """Write the checkpoint of the state as it is."""
        self.directory.mkdir(parents=True, exist_ok=True)
        previous = self.state.weights
        self.state.weights = f"epoch-{self.state.epoch:04d}.keras"
        temporary = self.directory / f"writing-{self.state.weights}"
        self.model.save(temporary)
        temporary.replace(self.directory / self.state.weights)
        self.state.memories = {
            _name(watcher): {
                memory: _plain(getattr(watcher, memory))
                for memory in _MEMORIES[_name(watcher)]
                if hasattr(watcher, memory)
            }
            for watcher in self.watchers
        }
        self.state.random_states = [
            keras.ops.convert_to_numpy(variable).tolist()
            for variable in _random_variables(self.model)
        ]
        self.write_state()
        if previous and previous != self.state.weights:
            (self.directory / previous).unlink(missing_ok=True)

    def write_state(self) -> None:
        """Write the state and the history table, each under a temporary name first."""
        write_json(self.directory / STATE_FILE, asdict(self.state), indent=1)
        write_whole(self.directory.parent / HISTORY_FILE, _csv(self.state.history))

    def _write_best(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        temporary = self.directory / f"writing-{BEST_FILE}"
        # Without the optimiser: stages have different ones.
        plain = keras.Model(self.model.inputs, self.model.outputs)
        with averaged_weights(self.model):
            plain.save_weights(temporary)
        temporary.replace(self.directory / BEST_FILE)


def _name(callback: keras.callbacks.Callback) -> str:
    return type(callback).__name__


def _random_variables(network: keras.Model) -> list[Any]:
    """Where dropout keeps its place; Keras leaves it out of the files it saves."""
    weights = {id(weight) for weight in network.weights}
    return [v for v in network.variables if id(v) not in weights]


def _plain(value: Any) -> Any:
    """A JSON-ready number where Keras keeps a NumPy scalar."""
    return value.item() if hasattr(value, "item") else value


def _reason(error: OSError) -> str:
    """Why a file could not be written; HDF5 says it in a sentence of its own."""
    if error.errno is not None:
        return os.strerror(error.errno)
    return "No space left on device" if "No space" in str(error) else "write failed"


def _csv(rows: list[dict[str, float]]) -> str:
    buffer = io.StringIO()
    if rows:
        writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return buffer.getvalue()
