"""EpochLog: one line an epoch on how it went and how fast."""

import logging
import time
from typing import Any

import keras

logger = logging.getLogger(__name__)


class EpochLog(keras.callbacks.Callback):  # type: ignore[misc]
    """Logs time, speed and the watched metric of every epoch.

    Speed is that of training alone, validation left out. None of it is written into
    the history: a resumed run's must equal the uncut one's.

    Parameters
    ----------
    pictures : int
        Pictures shown in an epoch.
    epochs : int
        Number of the last epoch.
    metric : str, default 'val_loss'
        Metric to show.
    """

    def __init__(self, pictures: int, epochs: int, metric: str = "val_loss") -> None:
        super().__init__()
        self.pictures = pictures
        self.epochs = epochs
        self.metric = metric
        self.images_per_second: list[float] = []
        self._began = self._trained = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self._began = self._trained = time.perf_counter()

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Keep when the last step ended."""
        self._trained = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Say how the epoch went."""
        seconds = time.perf_counter() - self._began
        speed = self.pictures / max(self._trained - self._began, 1e-9)
        self.images_per_second.append(speed)
        values = logs or {}
        logger.info(
            "epoch %d of %d: %.1f s, %.0f images/s, loss %.4f, %s %.4f",
            epoch + 1,
            self.epochs,
            seconds,
            speed,
            values.get("loss", float("nan")),
            self.metric,
            values.get(self.metric, float("nan")),
        )
