"""NanGuard: training stops at the first loss that is no number."""

import math
from typing import Any

import keras

from deepfake_detector.exceptions import DivergenceError


class NanGuard(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends training before weights that are no numbers reach a checkpoint.

    It comes before the checkpoint in the list. Keras's own `TerminateOnNaN` would let
    that epoch be saved.
    """

    def __init__(self) -> None:
        super().__init__()
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep the number of the epoch."""
        self._epoch = epoch

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Look at the loss of the epoch so far."""
        self._require_number("loss", logs, f"step {batch + 1}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the validation loss: the last step's weights show only there."""
        self._require_number("val_loss", logs, "validation")

    def _require_number(
        self, name: str, logs: dict[str, Any] | None, place: str
    ) -> None:
        loss = float((logs or {}).get(name, 0.0))
        if math.isfinite(loss):
            return
        kept = (
            f"the checkpoint of epoch {self._epoch} and the best weights are kept"
            if self._epoch
            else "no epoch ended before it"
        )
        raise DivergenceError(
            f"the loss is no number ({loss}) from epoch {self._epoch + 1}, {place} on: "
            f"stopped; {kept}. Try a smaller --learning-rate, --clip-norm 1, or "
            "--no-mixed-precision"
        )
