"""Scores -> a report of plain numbers, beside the baseline they must beat."""

import itertools
from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_detector import metrics
from deepfake_detector.bootstrap import (
    OPERATING_POINTS,
    interval,
    resampled_metrics,
)
from deepfake_detector.calibration_check import calibration_check
from deepfake_detector.labels import FAKE, REAL
from deepfake_detector.thumbnail_baseline import ThumbnailBaseline, thumbnails

#: Threshold of answers that are not calibrated, and of every second confusion matrix.
HALF: Final = 0.5

#: Metrics that are better when smaller.
ERRORS: Final = ("eer", "log_loss", "brier", "ece")

IntArray = NDArray[np.integer[Any]]
FloatArray = NDArray[np.floating[Any]]


def evaluate_scores(
    y_true: IntArray, p_fake: FloatArray, threshold: float = HALF
) -> dict[str, Any]:
    """Report every metric of one set of scores.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake; both must occur.
    p_fake : ndarray of shape (n_samples,), float
        Calibrated P(fake) in [0, 1].
    threshold : float, default 0.5
        P(fake) from which the answer is Fake.

    Returns
    -------
    dict
        Counts, the confusion matrix at the threshold and at 0.5, and what
        :func:`score_metrics` returns, each metric with a 95 % bootstrap interval
        under ``<name>_interval``, and `ece_chance_95` as
        `calibration_check.calibration_check` has it.

    Raises
    ------
    ValueError
        If `y_true` holds only one class, or a score is not finite.
    """
    values = score_metrics(y_true, p_fake, threshold)
    resampled = resampled_metrics(y_true, p_fake, threshold)
    report: dict[str, Any] = {
        "pictures": len(y_true),
        "real": int(np.sum(y_true == REAL)),
        "fake": int(np.sum(y_true == FAKE)),
        "threshold": threshold,
    }
    for name, value in values.items():
        report[name] = value
        report[f"{name}_interval"] = interval(resampled[name])
    return report | {
        "ece_chance_95": calibration_check(y_true, p_fake)["ece_chance_95"],
        "confusion": confusion_counts(y_true, _answers(p_fake, threshold)),
        "confusion_at_half": confusion_counts(y_true, _answers(p_fake, HALF)),
    }


def score_metrics(
    y_true: IntArray, p_fake: FloatArray, threshold: float = HALF
) -> dict[str, float]:
    """Compute every metric of one set of scores.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake; both must occur.
    p_fake : ndarray of shape (n_samples,), float
        Calibrated P(fake) in [0, 1].
    threshold : float, default 0.5
        P(fake) from which the answer is Fake.

    Returns
    -------
    dict of str to float
        Precision, recall and F1 of class Fake, and of class Real under ``*_real``;
        `docs/evaluation.md` says what each number means.

    Raises
    ------
    ValueError
        If `y_true` holds only one class, or a score is not finite.
    """
    auc = metrics.roc_auc_score(y_true, p_fake)
    y_pred = _answers(p_fake, threshold)
    return {
        "auc": auc,
        "accuracy": metrics.accuracy_score(y_true, y_pred),
        "balanced_accuracy": metrics.balanced_accuracy_score(y_true, y_pred),
        "average_precision": metrics.average_precision_score(y_true, p_fake),
        "precision": metrics.precision_score(y_true, y_pred, FAKE),
        "recall": metrics.recall_score(y_true, y_pred, FAKE),
        "f1": metrics.f1_score(y_true, y_pred, FAKE),
        "precision_real": metrics.precision_score(y_true, y_pred, REAL),
        "recall_real": metrics.recall_score(y_true, y_pred, REAL),
        "f1_real": metrics.f1_score(y_true, y_pred, REAL),
        **{
            name: metrics.true_positive_rate_at(y_true, p_fake, rate)
            for name, rate in OPERATING_POINTS.items()
        },
        "eer": metrics.equal_error_rate(y_true, p_fake),
        "ece": metrics.expected_calibration_error(y_true, p_fake),
        "brier": metrics.brier_score_loss(y_true, p_fake),
        "log_loss": metrics.log_loss(y_true, p_fake),
    }


def confusion_counts(y_true: IntArray, y_pred: IntArray) -> dict[str, int]:
    """Count each kind of answer, Fake being the positive class.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_samples,), int
        True and predicted labels, 0 = real, 1 = fake.

    Returns
    -------
    dict of str to int
        `real_as_real`, `real_as_fake` (false alarms), `fake_as_real` (misses),
        `fake_as_fake`.
    """
    names = {REAL: "real", FAKE: "fake"}
    return {
        f"{names[truth]}_as_{names[answer]}": int(
            np.sum((y_true == truth) & (y_pred == answer))
        )
        for truth in names
        for answer in names
    }


def thumbnail_baseline_auc(
    crops: NDArray[np.uint8],
    y_true: IntArray,
    train: tuple[NDArray[np.uint8], IntArray] | None = None,
) -> float | None:
    """AUC of a ridge regression on 16x16 grey thumbnails: what framing alone gives.

    Parameters
    ----------
    crops : ndarray of shape (n, h, w, 3), uint8
        Crops to score.
    y_true : ndarray of shape (n,), int
        Their labels.
    train : (ndarray, ndarray), optional
        Crops and labels to fit on. Without them each fifth of `crops` is scored by a
        fit on the other four.

    Returns
    -------
    float or None
        AUC in [0, 1]; 0.5 means that the thumbnail says nothing. None where a class
        has too few pictures to cross-validate.
    """
    scores = thumbnail_baseline_scores(
        thumbnails(crops),
        y_true,
        None if train is None else (thumbnails(train[0]), train[1]),
    )
    return None if scores is None else metrics.roc_auc_score(y_true, scores)


def thumbnail_baseline_scores(
    rows: NDArray[Any],
    y_true: IntArray,
    train: tuple[NDArray[Any], IntArray] | None = None,
) -> NDArray[np.float64] | None:
    """Score thumbnails by a ridge regression: larger where they look like fakes.

    Parameters
    ----------
    rows : ndarray of shape (n, 256)
        What `thumbnail_baseline.thumbnails` returns.
    y_true : ndarray of shape (n,), int
        Their labels.
    train : (ndarray, ndarray), optional
        Thumbnails and labels to fit on. Without them each fifth of `rows` is scored by
        a fit on the other four.

    Returns
    -------
    ndarray of shape (n,), float64, or None
        A score in (0, 1) each, one half between the classes; None where a class has
        too few pictures to cross-validate.
    """
    if train is None:
        baseline = ThumbnailBaseline.cross_fitted(rows, y_true)
    else:
        baseline = ThumbnailBaseline.fitted(*train, n_scored=len(rows))
    return None if baseline is None else baseline.p_fake(rows)


def worst_mistakes(
    names: Sequence[str],
    y_true: IntArray,
    p_fake: FloatArray,
    threshold: float = HALF,
    count: int = 12,
) -> dict[str, list[dict[str, Any]]]:
    """List the pictures that were judged most wrongly.

    Parameters
    ----------
    names : sequence of str
        File name of each picture.
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    p_fake : ndarray of shape (n_samples,), float
        Calibrated P(fake) in [0, 1].
    threshold : float, default 0.5
        P(fake) from which the answer is Fake.
    count : int, default 12
        Most pictures of each kind.

    Returns
    -------
    dict
        `false_alarms` (reals with the highest P(fake)) and `misses` (fakes with the
        lowest), each a list of `file`, `index` and `p_fake`, the worst first.
    """
    called = _answers(p_fake, threshold)
    kinds = {
        "false_alarms": ((y_true == REAL) & (called == FAKE), -p_fake),
        "misses": ((y_true == FAKE) & (called == REAL), p_fake),
    }
    report = {}
    for kind, (wrong, order) in kinds.items():
        rows = np.flatnonzero(wrong)
        worst = rows[np.argsort(order[rows], kind="stable")][:count].tolist()
        report[kind] = [
            {"file": names[i], "index": i, "p_fake": float(p_fake[i])} for i in worst
        ]
    return report


def numbered(names: Sequence[str], taken: Collection[str] = ()) -> list[str]:
    """Make names differ, so that no report stands in another's place.

    Parameters
    ----------
    names : sequence of str
        Names of sets or models, in their order.
    taken : collection of str, optional
        Names that none of them may bear.

    Returns
    -------
    list of str
        The names; a second `faces.zip` is called `faces.zip-2`.
    """
    used, different = set(taken), []
    for name in names:
        more = (f"{name}-{number}" for number in itertools.count(2))
        different.append(
            next(n for n in itertools.chain([name], more) if n not in used)
        )
        used.add(different[-1])
    return different


def _answers(p_fake: FloatArray, threshold: float) -> IntArray:
    return np.where(p_fake >= threshold, FAKE, REAL)
