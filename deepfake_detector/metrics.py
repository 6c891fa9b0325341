"""Metrics of a detector: y_true and y_score in, one float out. NumPy only.

A ``*_score`` is better when larger, an ``*_error`` or ``*_loss`` when smaller.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.curves import ThresholdCounts

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


def precision_score(y_true: IntArray, y_pred: IntArray, pos_label: int = 1) -> float:
    """Share of the answers `pos_label` that are right.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    y_pred : ndarray of shape (n_samples,), int
        Predicted labels.
    pos_label : int, default 1
        The class asked about.

    Returns
    -------
    float
        In [0, 1]; 0 where nothing was called `pos_label`.

    Raises
    ------
    ValueError
        If there are no samples, or not one finite answer for each label.
    """
    _require_samples(y_true, y_pred)
    called = y_pred == pos_label
    return _share(np.sum(called & (y_true == pos_label)), np.sum(called))


def recall_score(y_true: IntArray, y_pred: IntArray, pos_label: int = 1) -> float:
    """Share of the pictures of class `pos_label` that were called so.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    y_pred : ndarray of shape (n_samples,), int
        Predicted labels.
    pos_label : int, default 1
        The class asked about.

    Returns
    -------
    float
        In [0, 1]; 0 where there is no picture of that class.

    Raises
    ------
    ValueError
        If there are no samples, or not one finite answer for each label.
    """
    _require_samples(y_true, y_pred)
    of_class = y_true == pos_label
    return _share(np.sum(of_class & (y_pred == pos_label)), np.sum(of_class))


def f1_score(y_true: IntArray, y_pred: IntArray, pos_label: int = 1) -> float:
    """Harmonic mean of precision and recall.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    y_pred : ndarray of shape (n_samples,), int
        Predicted labels.
    pos_label : int, default 1
        The class asked about.

    Returns
    -------
    float
        In [0, 1]; 0 where nothing of that class was found.

    Raises
    ------
    ValueError
        If there are no samples, or not one finite answer for each label.
    """
    _require_samples(y_true, y_pred)
    of_class, called = y_true == pos_label, y_pred == pos_label
    return _share(2 * np.sum(of_class & called), np.sum(of_class) + np.sum(called))


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
    counts = ThresholdCounts.of(y_true, y_score)
    hits, false_alarms = counts.true_positive_rate, counts.false_positive_rate
    gap = false_alarms - (1 - hits)  # rises from -1 to 1
    right = int(np.argmax(gap >= 0))
    left = max(right - 1, 0)
    width = gap[right] - gap[left]
    share = -gap[left] / width if width > 0 else 0.0
    return float(
        false_alarms[left] + share * (false_alarms[right] - false_alarms[left])
    )


def average_precision_score(y_true: IntArray, y_score: FloatArray) -> float:
    """Precision, averaged over the steps in which recall rises with the threshold.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    y_score : ndarray of shape (n_samples,), float
        P(fake) or any monotone score.

    Returns
    -------
    float
        In [0, 1]; the share of fakes is chance, larger is better.

    Raises
    ------
    ValueError
        If `y_true` holds only one class, or not one finite answer for each label.

    References
    ----------
    .. [1] Davis and Goadrich, "The relationship between Precision-Recall and ROC
       curves", ICML 2006; the sum is scikit-learn's, without interpolation.
    """
    _require_both_classes(y_true, y_score)
    counts = ThresholdCounts.of(y_true, y_score)
    precision = counts.hits[1:] / (counts.hits + counts.false_alarms)[1:]
    return float(np.sum(np.diff(counts.true_positive_rate) * precision))


def true_positive_rate_at(
    y_true: IntArray, y_score: FloatArray, max_false_positive_rate: float
) -> float:
    """Largest share of fakes found while no more reals than that are called fake.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    y_score : ndarray of shape (n_samples,), float
        P(fake) or any monotone score.
    max_false_positive_rate : float
        Largest share of reals called fake, in [0, 1].

    Returns
    -------
    float
        In [0, 1]; larger is better. Of a threshold that exists: nothing is
        interpolated, so below ``1 / max_false_positive_rate`` reals none may be
        called fake.

    Raises
    ------
    ValueError
        If `y_true` holds only one class, or not one finite answer for each label.
    """
    _require_both_classes(y_true, y_score)
    counts = ThresholdCounts.of(y_true, y_score)
    allowed = counts.false_positive_rate <= max_false_positive_rate
    return float(np.max(counts.true_positive_rate[allowed]))


def expected_calibration_error(
    y_true: IntArray,
    y_score: FloatArray,
    n_bins: int = 15,
    sample_weight: FloatArray | None = None,
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
    sample_weight : ndarray of shape (n_samples,), float, optional
        What each sample weighs, not negative; all the same where not given.

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
    weight = np.ones(len(y_true)) if sample_weight is None else sample_weight
    bins = np.minimum((np.asarray(y_score) * n_bins).astype(int), n_bins - 1)
    gaps = np.bincount(bins, weights=weight * (y_true - y_score), minlength=n_bins)
    return float(np.sum(np.abs(gaps)) / np.sum(weight))


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


def _share(part: Any, whole: Any) -> float:
    return float(part / whole) if whole else 0.0


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
