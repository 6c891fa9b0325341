"""Stages and rates: functions of the settings and the step alone."""

from typing import Any

import keras
import numpy as np
import pytest

from deepfake_detector.config import TrainConfig
from deepfake_detector.exceptions import ConfigError
from deepfake_detector.training_schedule import Stage, StepSchedule, training_stages

pytestmark = pytest.mark.tf

STEPS = 4


def stages_of(**settings: Any) -> list[tuple[int, int, float, bool]]:
    config = TrainConfig(**{"learning_rate": 0.1, "head_epochs": 0} | settings)
    return [
        (stage.first, stage.last, pytest.approx(stage.learning_rate), stage.frozen)
        for stage in training_stages(config)
    ]


def rates_of(stage: Stage) -> list[float | None]:
    steps = range(stage.first * STEPS, stage.last * STEPS)
    return [stage.rate_at(step, STEPS) for step in steps]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"epochs": 5}, [(0, 5, 0.1, False)]),
        ({"epochs": 5, "head_epochs": 2}, [(0, 2, 0.1, True), (2, 5, 0.01, False)]),
        (
            {"epochs": 5, "head_epochs": 2, "fine_tune_factor": 0.5},
            [(0, 2, 0.1, True), (2, 5, 0.05, False)],
        ),
        ({"epochs": 5, "head_epochs": 5}, [(0, 5, 0.1, True)]),
        ({"epochs": 3, "head_epochs": 5}, [(0, 3, 0.1, True)]),
    ],
)
def test_head_comes_first_and_then_everything_at_a_lower_rate(
    settings: dict[str, Any], expected: list[Any]
) -> None:
    assert stages_of(**settings) == expected


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 3, "warmup_epochs": 3}, "3 leave nothing of the epochs 1 to 3"),
        (
            {"epochs": 9, "head_epochs": 2, "warmup_epochs": 2},
            "2 leave nothing of the epochs 1 to 2",
        ),
    ],
)
def test_warmup_that_fills_a_stage_is_refused(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        stages_of(**settings)


@pytest.mark.parametrize("schedule", ["plateau", "constant"])
def test_rate_is_left_alone_without_warmup(schedule: str) -> None:
    assert set(rates_of(Stage(0, 3, 0.1, schedule))) == {None}


@pytest.mark.parametrize("schedule", ["plateau", "constant", "cosine"])
@pytest.mark.parametrize("first", [0, 7])
def test_rate_climbs_evenly_to_its_full_value(schedule: str, first: int) -> None:
    rates = rates_of(Stage(first, first + 4, 0.1, schedule, warmup_epochs=2))
    warmup = 2 * STEPS
    expected = 0.1 * np.arange(1, warmup + 1) / warmup
    np.testing.assert_allclose(rates[:warmup], expected)


@pytest.mark.parametrize("first", [0, 7])
def test_cosine_falls_from_the_full_rate_to_almost_nothing(first: int) -> None:
    rates = rates_of(Stage(first, first + 5, 0.1, "cosine", warmup_epochs=1))
    falling = np.array(rates[STEPS:])
    assert falling[0] == pytest.approx(0.1)
    assert np.all(np.diff(falling) < 0)
    assert falling[len(falling) // 2] == pytest.approx(0.05)
    assert 0 < falling[-1] < 0.002


def test_cosine_equals_that_of_keras() -> None:
    keras_cosine = keras.optimizers.schedules.CosineDecay(0.1, 3 * STEPS)
    expected = [float(keras_cosine(step)) for step in range(3 * STEPS)]
    np.testing.assert_allclose(
        rates_of(Stage(0, 3, 0.1, "cosine")), expected, rtol=1e-5
    )


def test_every_step_of_a_resumed_epoch_gets_its_own_rate() -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(9.0), "mse")
    stage = Stage(0, 3, 0.1, "cosine", warmup_epochs=1)
    schedule = StepSchedule(stage, STEPS)
    schedule.set_model(model)
    schedule.on_epoch_begin(1)
    schedule.on_train_batch_begin(2)
    assert float(model.optimizer.learning_rate) == pytest.approx(
        stage.rate_at(STEPS + 2, STEPS)
    )
    logs: dict[str, Any] = {}
    schedule.on_epoch_end(1, logs)
    assert logs["learning_rate"] == pytest.approx(stage.rate_at(STEPS + 2, STEPS))


def test_plateau_keeps_the_rate_that_it_chose() -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.003), "mse")
    schedule = StepSchedule(Stage(0, 9, 0.1), STEPS)
    schedule.set_model(model)
    schedule.on_epoch_begin(4)
    schedule.on_train_batch_begin(0)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.003)
