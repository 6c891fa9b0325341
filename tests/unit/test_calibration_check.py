"""The calibration error beside what chance makes of it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector.calibration_check import (
    calibration_check,
    perfectly_calibrated_errors,
)
from deepfake_detector.metrics import expected_calibration_error


def scores(count: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).beta(0.4, 0.4, count)


def drawn(p_fake: NDArray[np.float64], seed: int) -> NDArray[np.int64]:
    return (np.random.default_rng(seed).random(len(p_fake)) < p_fake).astype(int)


def test_draws_are_those_of_labels_drawn_one_by_one() -> None:
    p_fake = scores(200)
    slow = [expected_calibration_error(drawn(p_fake, i), p_fake) for i in range(1500)]
    quick = perfectly_calibrated_errors(p_fake)
    assert len(quick) == 2000
    for share in (5, 50, 95):
        assert np.percentile(quick, share) == pytest.approx(
            np.percentile(slow, share), rel=0.06
        )


def test_weights_are_those_of_pictures_that_come_up_as_often() -> None:
    p_fake, weight = scores(60), np.tile([1.0, 3.0], 30)
    slow = [
        expected_calibration_error(drawn(p_fake, i), p_fake, 15, weight)
        for i in range(1500)
    ]
    quick = perfectly_calibrated_errors(p_fake, weight)
    assert np.mean(quick) == pytest.approx(np.mean(slow), rel=0.05)


def test_many_pictures_are_drawn_in_blocks_to_the_same_end() -> None:
    p_fake = np.repeat(scores(40), 200)
    errors = perfectly_calibrated_errors(p_fake, draws=1003)
    assert errors.shape == (1003,)
    assert errors.max() < 0.05


@pytest.mark.parametrize("count", [30, 300, 3000])
def test_calibrated_model_is_below_in_about_95_of_100_sets(count: int) -> None:
    p_fake = scores(count, seed=count)
    checks = [calibration_check(drawn(p_fake, seed), p_fake) for seed in range(60)]
    below = sum(check["ece"] <= check["ece_chance_95"] for check in checks)
    assert 52 <= below <= 60


def test_overconfident_model_is_above() -> None:
    p_fake = scores(900)
    check = calibration_check(drawn(0.5 + 0.6 * (p_fake - 0.5), 1), p_fake)
    assert check["ece"] > 2 * check["ece_chance_95"]


def test_fewer_pictures_are_allowed_a_larger_error() -> None:
    limits = [
        calibration_check(drawn(scores(n), 1), scores(n))["ece_chance_95"]
        for n in (50, 500, 5000)
    ]
    assert limits[0] > 2 * limits[1] > 4 * limits[2]


def test_sources_weigh_the_same_however_many_pictures_they_have() -> None:
    # The large one is calibrated, the small one says 0.9 of what is always real.
    p_fake = np.concatenate([scores(900), np.full(100, 0.9)])
    y_true = np.concatenate([drawn(scores(900), 3), np.zeros(100, dtype=int)])
    check = calibration_check(y_true, p_fake, ["large"] * 900 + ["small"] * 100)
    assert check["ece"] < 0.13
    assert check["ece_sources_equal"] > 0.4
    assert 0 < check["ece_sources_equal_chance_95"] < 0.1


def test_sources_of_equal_size_change_nothing() -> None:
    p_fake = scores(100)
    check = calibration_check(drawn(p_fake, 1), p_fake, ["a", "b"] * 50)
    assert check["ece_sources_equal"] == pytest.approx(check["ece"])
    assert check["ece_sources_equal_chance_95"] == pytest.approx(check["ece_chance_95"])


@pytest.mark.parametrize("sure", [0.0, 1.0])
def test_sure_model_that_is_right_has_no_error_and_no_excuse(sure: float) -> None:
    check = calibration_check(np.full(5, int(sure)), np.full(5, sure))
    assert check == {"ece": 0.0, "ece_chance_95": 0.0}


def test_same_scores_give_the_same_limit() -> None:
    p_fake = scores(100)
    assert calibration_check(drawn(p_fake, 1), p_fake) == calibration_check(
        drawn(p_fake, 1), p_fake
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_no_numbers_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        calibration_check(np.array([0, 1]), np.array([0.5, bad]))


def test_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        calibration_check(np.zeros(0, dtype=int), np.zeros(0))
