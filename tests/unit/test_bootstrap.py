"""Redrawn metrics against the plain metrics of redrawn pictures."""

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector import bootstrap, metrics
from deepfake_detector.bootstrap import (
    bootstrap_interval,
    interval,
    resampled_metrics,
)
from deepfake_detector.evaluation import score_metrics

Sample = tuple[NDArray[np.int64], NDArray[np.float64]]


def sample(decimals: int, n_real: int = 40, n_fake: int = 55) -> Sample:
    rng = np.random.default_rng(decimals)
    y_true = rng.permutation(np.repeat([0, 1], (n_real, n_fake)))
    scores = 0.25 * y_true + 0.75 * rng.random(len(y_true))
    return y_true, np.round(scores, decimals)


def slowly(y_true: NDArray[np.int64], count: int) -> list[NDArray[np.int64]]:
    """The rows of each redrawn set, class by class."""
    rng = np.random.default_rng(0)
    classes = [np.flatnonzero(y_true == label) for label in (0, 1)]
    return [
        np.concatenate([rng.choice(rows, len(rows)) for rows in classes])
        for _ in range(count)
    ]


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("decimals", [0, 1, 2, 12])
def test_every_value_is_that_of_the_redrawn_pictures(
    decimals: int, threshold: float
) -> None:
    y_true, p_fake = sample(decimals)
    found = resampled_metrics(y_true, p_fake, threshold, resamples=25)
    for i, rows in enumerate(slowly(y_true, 25)):
        expected = score_metrics(y_true[rows], p_fake[rows], threshold)
        assert set(found) == set(expected)
        assert {name: found[name][i] for name in found} == pytest.approx(
            expected, abs=1e-9
        )


def test_block_size_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    given = sample(12)
    whole = resampled_metrics(*given, resamples=23)
    monkeypatch.setattr(bootstrap, "_BLOCK", 5 * 95)
    parts = resampled_metrics(*given, resamples=23)
    for name, values in whole.items():
        assert values.shape == (23,)
        np.testing.assert_allclose(parts[name], values, atol=1e-12)


def test_two_scores_of_the_same_pictures_are_redrawn_alike() -> None:
    y_true, p_fake = sample(12)
    before = resampled_metrics(y_true, p_fake)["auc"]
    # Any monotone change keeps every rank, so that the difference has no spread.
    after = resampled_metrics(y_true, p_fake**3)["auc"]
    assert interval(before - after) == [0.0, 0.0]


def test_interval_holds_95_percent() -> None:
    assert interval(np.arange(1001) / 1000) == pytest.approx([0.025, 0.975])


def test_one_at_a_time_gives_the_same_interval() -> None:
    y_true, p_fake = sample(2)
    slow = bootstrap_interval(
        lambda rows: metrics.roc_auc_score(y_true[rows], p_fake[rows]), y_true
    )
    assert slow == interval(resampled_metrics(y_true, p_fake)["auc"])


@pytest.mark.parametrize("counts", [(1, 1), (1, 30), (30, 1)])
def test_single_picture_of_a_class_is_enough(counts: tuple[int, int]) -> None:
    found = resampled_metrics(*sample(12, *counts), resamples=10)
    assert all(np.isfinite(values).all() for values in found.values())
