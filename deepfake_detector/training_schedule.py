"""The stages of a training run, and its learning rate step by step.

Both follow from the settings and the number of the step alone, so that a resumed run
goes on exactly where it was cut.
"""

import math
from dataclasses import dataclass
from typing import Any

import keras

from deepfake_detector.config import TrainConfig
from deepfake_detector.exceptions import ConfigError


@dataclass(frozen=True)
class Stage:
    """Epochs that are trained with one optimiser.

    Parameters
    ----------
    first : int
        Epochs before it.
    last : int
        Epochs at its end.
    learning_rate : float
        Its full learning rate.
    schedule : {'plateau', 'cosine', 'constant'}, default 'plateau'
        How the rate goes on after the warm-up.
    warmup_epochs : int, default 0
        Epochs at its start in which the rate climbs.
    frozen : bool, default False
        Whether the network's body stays as it is.
    """

    first: int
    last: int
    learning_rate: float
    schedule: str = "plateau"
    warmup_epochs: int = 0
    frozen: bool = False

    def rate_at(self, step: int, steps_per_epoch: int) -> float | None:
        """Return the learning rate of a step, where the schedule says one.

        Parameters
        ----------
        step : int
            Steps since training began, those of the stages before included.
        steps_per_epoch : int
            Steps in an epoch.

        Returns
        -------
        float or None
            The rate; None where it stays what it is.
        """
        done = step - self.first * steps_per_epoch
        warmup = self.warmup_epochs * steps_per_epoch
        if done < warmup:
            return self.learning_rate * (done + 1) / warmup
        if self.schedule != "cosine":
            return None
        whole = (self.last - self.first) * steps_per_epoch - warmup
        progress = (done - warmup) / whole
        return self.learning_rate * (1 + math.cos(math.pi * progress)) / 2


def training_stages(config: TrainConfig) -> tuple[Stage, ...]:
    """Return the stages of a run: the head alone, then all of the network.

    Each warms up and, on a cosine, falls on its own.

    Parameters
    ----------
    config : TrainConfig
        Settings with nothing left open.

    Returns
    -------
    tuple of Stage
        One or two.

    Raises
    ------
    ConfigError
        If the warm-up is longer than a stage.
    """
    rate, head = config.learning_rate or 0.0, config.head_epochs or 0
    parts = [(0, min(head, config.epochs), rate, True)] if head else []
    if head < config.epochs:
        factor = config.fine_tune_factor if head else 1.0
        parts.append((head, config.epochs, rate * factor, False))
    for first, last, _, _ in parts:
        if config.warmup_epochs and config.warmup_epochs >= last - first:
            raise ConfigError(
                f"warmup_epochs: {config.warmup_epochs} leave nothing of the epochs "
                f"{first + 1} to {last}, which are trained in one go; use fewer, or "
                "more --epochs or --head-epochs"
            )
    return tuple(
        Stage(first, last, rate, config.schedule, config.warmup_epochs, frozen)
        for first, last, rate, frozen in parts
    )


class StepSchedule(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets the learning rate of every step of a stage, and logs that of each epoch.

    Parameters
    ----------
    stage : Stage
        What is trained.
    steps_per_epoch : int
        Steps in an epoch.
    """

    def __init__(self, stage: Stage, steps_per_epoch: int) -> None:
        super().__init__()
        self.stage = stage
        self.steps_per_epoch = steps_per_epoch
        self._epoch = stage.first

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep the number of the epoch."""
        self._epoch = epoch

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Set the rate of this step."""
        step = self._epoch * self.steps_per_epoch + batch
        rate = self.stage.rate_at(step, self.steps_per_epoch)
        if rate is not None:
            self.model.optimizer.learning_rate = rate

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add the rate of the epoch's last step to its row."""
        if logs is not None:
            rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
            logs["learning_rate"] = float(rate)
