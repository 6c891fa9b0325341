"""Metrics of a detector: y_true and y_score in, one float out. NumPy only.

A ``*_score`` is better when larger, an ``*_error`` or ``*_loss`` when smaller.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.integer[Any]]
FloatArray = NDArray[np.floating[Any]]


def accuracy_score(y_true: IntArray, y_pred: IntArray) -> float:
    """Share of pictures whose label was predicted.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    y_pred : ndarray of shape (n_samples,), int
        Predicted labels.

    Returns
    -------
    float
        In [0, 1]; larger is better.

    Raises
    ------
    ValueError
        If there are no samples, or not one finite answer for each label.
    """
    _require_samples(y_true, y_pred)
    return float(np.mean(np.asarray(y_true) == np.asarray(y_pred)))


def balanced_accuracy_score(y_true: IntArray, y_pred: IntArray) -> float:
    """Mean of the shares of reals and of fakes that were predicted right.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    y_pred : ndarray of shape (n_samples,), int
        Predicted labels.

    Returns
    -------
    float
        In [0, 1]; 0.5 is chance, larger is better.

    Raises
    ------
    ValueError
        If `y_true` holds only one class, or not one finite answer for each label.
    """
    _require_both_classes(y_true, y_pred)
    # By mask, never by position: the order of samples means nothing.
    return float(
        np.mean([np.mean(y_pred[y_true == c] == c) for c in np.unique(y_true)])
    )


def roc_auc_score(y_true: IntArray, y_score: FloatArray) -> float:
    """Chance that a random fake scores above a random real, ties counting half.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    y_score : ndarray of shape (n_samples,), float
        P(fake) or any monotone score.

    Returns
    -------
    float
        In [0, 1]; 0.5 is chance, larger is better.

    Raises
    ------
    ValueError
        If `y_true` holds only one class, or not one finite answer for each label.

    References
    ----------
    .. [1] Hanley and McNeil, "The meaning and use of the area under a receiver
       operating characteristic (ROC) curve", Radiology 143, 1982.
    """
    _require_both_classes(y_true, y_score)
    _, inverse, counts = np.unique(y_score, return_inverse=True, return_counts=True)
    last_rank = np.cumsum(counts)
    ranks = (last_rank - (counts - 1) / 2)[inverse]  # mean rank of tied scores
    n_fake = int(np.sum(y_true == 1))
    n_real = len(y_true) - n_fake
    rank_sum = float(np.sum(ranks[y_true == 1]))
    return (rank_sum - n_fake * (n_fake + 1) / 2) / (n_fake * n_real)


def equal_error_rate(y_true: IntArray, y_score: FloatArray) -> float:
    """Error rate at the threshold where misses equal false alarms.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    y_score : ndarray of shape (n_samples,), float
        P(fake) or any monotone score.

    Returns
    -------
    float
        In [0, 1]; 0 is perfect, 0.5 is chance. Between two thresholds the curve is
        taken as straight.

    Raises
    ------
    ValueError
        If `y_true` holds only one class, or not one finite answer for each label.

    References
    ----------
    .. [1] Rossler et al., "FaceForensics++", ICCV 2019, arXiv:1901.08971.

    Examples
    --------
    >>> equal_error_rate(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.5
    """
    _require_both_classes(y_true, y_score)
    order = np.argsort(-np.asarray(y_score), kind="stable")
    score, truth = np.asarray(y_score)[order], np.asarray(y_true)[order]
    ends = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
    hits = np.append(0, np.cumsum(truth == 1)[ends]) / np.sum(truth == 1)
    false_alarms = np.append(0, np.cumsum(truth == 0)[ends]) / np.sum(truth == 0)
    gap = false_alarms - (1 - hits)  # rises from -1 to 1
    right = int(np.argmax(gap >= 0))
    left = max(right - 1, 0)
    width = gap[right] - gap[left]
    share = -gap[left] / width if width > 0 else 0.0
    return float(
        false_alarms[left] + share * (false_alarms[right] - false_alarms[left])
    )


def expected_calibration_error(
    y_true: IntArray, y_score: FloatArray, n_bins: int = 15
) -> float:
    """Mean gap between P(fake) and the share of fakes, over equal-width bins.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    y_score : ndarray of shape (n_samples,), float
        P(fake) in [0, 1].
    n_bins : int, default 15
        Number of bins.

    Returns
    -------
    float
        In [0, 1]; 0 is perfectly calibrated.

    Raises
    ------
    ValueError
        If there are no samples, or not one finite answer for each label.

    References
    ----------
    .. [1] Guo et al., "On Calibration of Modern Neural Networks", ICML 2017,
       arXiv:1706.04599, equation 3, with P(fake) in place of confidence.
    """
    _require_samples(y_true, y_score)
    bins = np.minimum((np.asarray(y_score) * n_bins).astype(int), n_bins - 1)
    gaps = np.bincount(bins, weights=y_true - y_score, minlength=n_bins)
    return float(np.sum(np.abs(gaps)) / len(y_true))


def brier_score_loss(y_true: IntArray, y_score: FloatArray) -> float:
    """Mean squared gap between P(fake) and the truth.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    y_score : ndarray of shape (n_samples,), float
        P(fake) in [0, 1].

    Returns
    -------
    float
        In [0, 1]; 0 is perfect, 0.25 is what 0.5 for everything gets.

    Raises
    ------
    ValueError
        If there are no samples, or not one finite answer for each label.
    """
    _require_samples(y_true, y_score)
    return float(np.mean((np.asarray(y_score) - y_true) ** 2))


def log_loss(y_true: IntArray, y_score: FloatArray) -> float:
    """Mean negative log-likelihood of the truth.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    y_score : ndarray of shape (n_samples,), float
        P(fake) in [0, 1]; clipped by float64's epsilon.

    Returns
    -------
    float
        In nats, from 0 (perfect).

    Raises
    ------
    ValueError
        If there are no samples, or not one finite answer for each label.
    """
    _require_samples(y_true, y_score)
    epsilon = np.finfo(np.float64).eps
    p_fake = np.clip(np.asarray(y_score, dtype=np.float64), epsilon, 1 - epsilon)
    return float(-np.mean(np.where(y_true == 1, np.log(p_fake), np.log1p(-p_fake))))


def _require_samples(y_true: IntArray, answers: IntArray | FloatArray) -> None:
    """Refuse what would broadcast or spread into a number that means nothing."""
    if len(y_true) == 0:
        raise ValueError("expected at least one sample, got none")
    if np.shape(answers) != np.shape(y_true):
        raise ValueError(
            f"expected one answer for each of the {len(y_true)} labels, got an array "
            f"of shape {np.shape(answers)}"
        )
    if not np.isfinite(answers).all():
        raise ValueError("expected finite scores, got NaN or infinity")


def _require_both_classes(y_true: IntArray, answers: IntArray | FloatArray) -> None:
    _require_samples(y_true, answers)
    if not np.array_equal(np.unique(y_true), [0, 1]):
        raise ValueError(
            f"expected both classes 0 and 1 in y_true, got {np.unique(y_true).tolist()}"
        )
