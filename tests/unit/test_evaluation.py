"""Reports of scores: every number against a second path, and the honest baseline."""

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from deepfake_detector.evaluation import (
    confusion_counts,
    evaluate_scores,
    numbered,
    thumbnail_baseline_auc,
    thumbnail_baseline_scores,
    worst_mistakes,
)
from deepfake_detector.thumbnail_baseline import thumbnails

Sample = tuple[NDArray[np.int64], NDArray[np.float64]]


@pytest.fixture(scope="module")
def scored() -> Sample:
    rng = np.random.default_rng(0)
    y_true = np.repeat([0, 1], (70, 50))
    return y_true, np.clip(0.3 * y_true + rng.uniform(0, 0.7, 120), 0, 1)


@pytest.fixture(scope="module")
def report(scored: Sample) -> dict[str, Any]:
    return evaluate_scores(*scored)


def test_report_counts_the_pictures(report: dict[str, Any]) -> None:
    assert (report["pictures"], report["real"], report["fake"]) == (120, 70, 50)


def test_report_holds_the_metrics(scored: Sample, report: dict[str, Any]) -> None:
    y_true, p_fake = scored
    y_pred = p_fake >= 0.5
    expected = {
        "auc": sklearn_metrics.roc_auc_score(y_true, p_fake),
        "accuracy": sklearn_metrics.accuracy_score(y_true, y_pred),
        "balanced_accuracy": sklearn_metrics.balanced_accuracy_score(y_true, y_pred),
        "average_precision": sklearn_metrics.average_precision_score(y_true, p_fake),
        "precision": sklearn_metrics.precision_score(y_true, y_pred),
        "recall": sklearn_metrics.recall_score(y_true, y_pred),
        "f1": sklearn_metrics.f1_score(y_true, y_pred),
        "precision_real": sklearn_metrics.precision_score(y_true, y_pred, pos_label=0),
        "recall_real": sklearn_metrics.recall_score(y_true, y_pred, pos_label=0),
        "f1_real": sklearn_metrics.f1_score(y_true, y_pred, pos_label=0),
        "brier": sklearn_metrics.brier_score_loss(y_true, p_fake),
        "log_loss": sklearn_metrics.log_loss(y_true, p_fake),
    }
    assert {name: report[name] for name in expected} == pytest.approx(expected)
    assert 0 < report["eer"] < 0.5
    assert 0 < report["ece"] < 0.5


def test_report_goes_into_json_and_back(report: dict[str, Any]) -> None:
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_same_scores_give_the_same_report(
    scored: Sample, report: dict[str, Any]
) -> None:
    assert evaluate_scores(*scored) == report


def test_every_metric_has_an_interval_that_holds_it(report: dict[str, Any]) -> None:
    names = [name for name in report if f"{name}_interval" in report]
    assert len(names) == 16
    for name in names:
        low, high = report[f"{name}_interval"]
        assert 0 <= low < high <= 1
        assert high - low < 0.5
        # Redrawn sets are worse calibrated than the set itself, by chance alone.
        assert low <= report[name] <= high or name == "ece"


def test_true_positive_rates_rise_with_the_false_alarms_allowed(
    report: dict[str, Any],
) -> None:
    assert 0 < report["tpr_at_fpr_1"] <= report["tpr_at_fpr_5"] < 1


@pytest.mark.parametrize("name", ["auc", "accuracy"])
def test_interval_narrows_with_more_pictures(
    name: str, scored: Sample, report: dict[str, Any]
) -> None:
    more = evaluate_scores(*(np.tile(values, 16) for values in scored))
    widths = [np.ptp(r[f"{name}_interval"]) for r in (report, more)]
    # Sixteen times the pictures: a quarter of the width.
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.2)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.999, 1.0])
def test_threshold_decides_the_answers(threshold: float, scored: Sample) -> None:
    report = evaluate_scores(*scored, threshold=threshold)
    confusion = report["confusion"]
    answers = confusion["real_as_fake"] + confusion["fake_as_fake"]
    assert answers == np.sum(scored[1] >= threshold)
    assert report["threshold"] == threshold


def test_score_at_the_threshold_is_fake() -> None:
    report = evaluate_scores(np.array([0, 1]), np.array([0.2, 0.7]), threshold=0.7)
    assert report["accuracy"] == 1.0


def test_confusion_counts_every_kind_of_answer() -> None:
    y_true = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    y_pred = np.array([0, 1, 1, 0, 1, 1, 1, 1])
    assert confusion_counts(y_true, y_pred) == {
        "real_as_real": 1,
        "real_as_fake": 2,
        "fake_as_real": 1,
        "fake_as_fake": 4,
    }


def test_confusion_is_told_at_one_half_too(scored: Sample) -> None:
    report = evaluate_scores(*scored, threshold=0.7)
    assert report["confusion_at_half"] == evaluate_scores(*scored)["confusion"]
    assert report["confusion"] != report["confusion_at_half"]


def test_worst_mistakes_come_first_and_right_answers_never() -> None:
    names = ["a", "b", "c", "d", "e", "f"]
    y_true = np.array([0, 0, 0, 1, 1, 1])
    p_fake = np.array([0.6, 0.2, 0.9, 0.1, 0.05, 0.7])
    assert worst_mistakes(names, y_true, p_fake) == {
        "false_alarms": [
            {"file": "c", "index": 2, "p_fake": 0.9},
            {"file": "a", "index": 0, "p_fake": 0.6},
        ],
        "misses": [
            {"file": "e", "index": 4, "p_fake": 0.05},
            {"file": "d", "index": 3, "p_fake": 0.1},
        ],
    }
    few = worst_mistakes(names, y_true, p_fake, threshold=0.8, count=1)
    assert [row["file"] for row in few["false_alarms"]] == ["c"]
    assert [row["file"] for row in few["misses"]] == ["e"]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_no_numbers_cannot_be_reported(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        evaluate_scores(np.array([0, 1, 1]), np.array([0.1, bad, 0.9]))


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_cannot_be_reported(label: int) -> None:
    with pytest.raises(ValueError, match="both classes"):
        evaluate_scores(np.full(4, label), np.linspace(0, 1, 4))


def crops_of(y_true: NDArray[np.int64], leak: int, seed: int) -> NDArray[np.uint8]:
    """Noise; what leaks is a fake's brighter left half, seen in any thumbnail."""
    rng = np.random.default_rng(seed)
    crops = rng.integers(0, 200, (len(y_true), 32, 32, 3))
    crops[y_true == 1, :, :16] += leak
    return crops.astype(np.uint8)


LABELS = np.tile([0, 1], 100)


@pytest.mark.parametrize("fitted_on", ["itself", "train"])
@pytest.mark.parametrize(("leak", "low", "high"), [(0, 0.35, 0.65), (50, 0.99, 1.0)])
def test_baseline_finds_what_thumbnails_give_away(
    leak: int, low: float, high: float, fitted_on: str
) -> None:
    train = (crops_of(LABELS, leak, 1), LABELS) if fitted_on == "train" else None
    assert (
        low <= thumbnail_baseline_auc(crops_of(LABELS, leak, 0), LABELS, train) <= high
    )


@pytest.mark.parametrize("fitted_on", ["itself", "train"])
def test_baseline_scores_give_the_baseline_auc(fitted_on: str) -> None:
    crops, other = crops_of(LABELS, 10, 0), crops_of(LABELS, 10, 1)
    pixels = (other, LABELS) if fitted_on == "train" else None
    rows = (thumbnails(other), LABELS) if fitted_on == "train" else None
    scores = thumbnail_baseline_scores(thumbnails(crops), LABELS, rows)
    assert scores is not None
    assert thumbnail_baseline_auc(crops, LABELS, pixels) == pytest.approx(
        sklearn_metrics.roc_auc_score(LABELS, scores)
    )


def test_baseline_sees_no_colour() -> None:
    crops = np.zeros((40, 32, 32, 3), dtype=np.uint8)
    # Both have a luma of 76 in ITU-R 601, Pillow's grey.
    crops[::2], crops[1::2] = (254, 0, 0), (0, 129, 4)
    assert thumbnail_baseline_auc(crops, LABELS[:40]) == 0.5


def test_too_few_pictures_have_no_baseline() -> None:
    # None and not NaN, which would make the report no JSON.
    assert thumbnail_baseline_auc(crops_of(LABELS[:8], 0, 0), LABELS[:8]) is None


@pytest.mark.parametrize(
    ("names", "taken", "expected"),
    [
        ([], (), []),
        (["a", "b", "a", "a"], (), ["a", "b", "a-2", "a-3"]),
        (["a", "a-2", "a"], (), ["a", "a-2", "a-3"]),
        (["a", "a", "a-2"], (), ["a", "a-2", "a-2-2"]),
        (["pooled", "a", "pooled"], ("pooled",), ["pooled-2", "a", "pooled-3"]),
    ],
)
def test_no_name_is_given_twice(
    names: list[str], taken: tuple[str, ...], expected: list[str]
) -> None:
    assert numbered(names, taken) == expected
