"""A loss that is no number ends training there and then."""

import math

import pytest

from deepfake_detector.exceptions import TrainingError
from deepfake_detector.nan_guard import NanGuard

pytestmark = pytest.mark.tf

NO_NUMBERS = [math.nan, math.inf, -math.inf]


@pytest.mark.parametrize("loss", NO_NUMBERS)
def test_training_stops_at_the_step_and_says_what_to_try(loss: float) -> None:
    guard = NanGuard()
    guard.on_epoch_begin(2)
    guard.on_train_batch_end(10, {"loss": 0.5})
    with pytest.raises(
        TrainingError,
        match=r"from epoch 3, step 12 on: .*checkpoint of epoch 2 .* are kept\. Try a "
        "smaller --learning-rate, --clip-norm 1",
    ):
        guard.on_train_batch_end(11, {"loss": loss})


@pytest.mark.parametrize("loss", NO_NUMBERS)
def test_weights_of_the_last_step_show_in_validation(loss: float) -> None:
    guard = NanGuard()
    guard.on_epoch_begin(0)
    guard.on_train_batch_end(0, {"loss": 0.5})
    with pytest.raises(TrainingError, match="epoch 1, validation on: .*no epoch ended"):
        guard.on_epoch_end(0, {"loss": 0.5, "val_loss": loss})


@pytest.mark.parametrize("logs", [None, {}, {"loss": 1e30, "val_loss": 0.0}])
def test_numbers_are_let_through(logs: dict[str, float] | None) -> None:
    guard = NanGuard()
    guard.on_epoch_begin(0)
    guard.on_train_batch_end(0, logs)
    guard.on_epoch_end(0, logs)
    assert guard._epoch == 0
