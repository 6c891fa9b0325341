"""Curves against scikit-learn's, on scores that tie and scores that do not."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from deepfake_detector import curves

Sample = tuple[NDArray[np.int64], NDArray[np.float64]]


@pytest.fixture(params=[1, 2, 12], ids=lambda d: f"{d} decimals")
def sample(request: pytest.FixtureRequest) -> Sample:
    rng = np.random.default_rng(request.param)
    y_true = np.repeat([0, 1], (60, 45))
    return y_true, np.round(0.3 * y_true + 0.7 * rng.random(105), request.param)


def test_roc_curve_is_scikit_learns(sample: Sample) -> None:
    fpr, tpr, _ = sklearn_metrics.roc_curve(*sample, drop_intermediate=False)
    np.testing.assert_allclose(curves.roc_curve(*sample), (fpr, tpr), atol=1e-12)


def test_precision_recall_curve_is_scikit_learns(sample: Sample) -> None:
    precision, recall, _ = sklearn_metrics.precision_recall_curve(*sample)
    found = curves.precision_recall_curve(*sample)
    np.testing.assert_allclose(found, (precision[::-1], recall[::-1]), atol=1e-12)


def test_det_curve_is_scikit_learns(sample: Sample) -> None:
    expected = sklearn_metrics.det_curve(*sample, drop_intermediate=False)
    points = set(zip(*np.round(curves.det_curve(*sample), 9), strict=True))
    # Theirs leaves out the ends at which nothing changes any more.
    assert set(zip(*np.round(expected[:2], 9), strict=True)) <= points


@pytest.mark.parametrize("curve", [curves.roc_curve, curves.det_curve])
def test_curve_runs_from_everything_real_to_everything_fake(
    curve: Callable[..., tuple[NDArray[np.float64], ...]], sample: Sample
) -> None:
    false_alarms, other = curve(*sample)
    assert (false_alarms[0], false_alarms[-1]) == (0, 1)
    assert {other[0], other[-1]} == {0, 1}
    assert (np.diff(false_alarms) >= 0).all()


def test_counts_are_of_scores_at_or_above_the_threshold(sample: Sample) -> None:
    y_true, y_score = sample
    counts = curves.ThresholdCounts.of(y_true, y_score)
    assert counts.threshold[0] == np.inf
    for threshold, hits, alarms in zip(
        counts.threshold, counts.hits, counts.false_alarms, strict=True
    ):
        called = y_score >= threshold
        assert hits == np.sum(called & (y_true == 1))
        assert alarms == np.sum(called & (y_true == 0))


def test_one_score_for_everything_makes_one_threshold() -> None:
    counts = curves.ThresholdCounts.of(np.array([0, 1, 1]), np.full(3, 0.5))
    assert counts.threshold.tolist() == [np.inf, 0.5]
    assert (counts.hits.tolist(), counts.false_alarms.tolist()) == ([0, 2], [0, 1])
