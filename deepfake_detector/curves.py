"""Curves of a detector over every threshold: from y_true and y_score to points.

Fake is the positive class. Equal scores cannot be told apart by any threshold, so they
make one point. NumPy only.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.integer[Any]]
FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class ThresholdCounts:
    """How many fakes and reals score at least each threshold.

    Parameters
    ----------
    threshold : ndarray of shape (n_thresholds + 1,), float
        Infinity, then every score that occurs, falling.
    hits : ndarray of shape (n_thresholds + 1,), float
        Fakes at or above the threshold; the last is their number.
    false_alarms : ndarray of shape (n_thresholds + 1,), float
        Reals at or above the threshold; the last is their number.
    """

    threshold: NDArray[np.float64]
    hits: NDArray[np.float64]
    false_alarms: NDArray[np.float64]

    @classmethod
    def of(cls, y_true: IntArray, y_score: FloatArray) -> Self:
        """Count at every threshold that answers differently.

        Parameters
        ----------
        y_true : ndarray of shape (n_samples,), int
            Ground truth, 0 = real, 1 = fake; both must occur.
        y_score : ndarray of shape (n_samples,), float
            P(fake) or any monotone score, finite.

        Returns
        -------
        ThresholdCounts
            From "everything is real" to "everything is fake".
        """
        order = np.argsort(-np.asarray(y_score), kind="stable")
        score = np.asarray(y_score, dtype=np.float64)[order]
        fake = np.asarray(y_true)[order] == 1
        ends = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
        return cls(
            np.append(np.inf, score[ends]),
            np.append(0.0, np.cumsum(fake)[ends]),
            np.append(0.0, np.cumsum(~fake)[ends]),
        )

    @property
    def true_positive_rate(self) -> NDArray[np.float64]:
        """Share of the fakes that are found, from 0 to 1."""
        return self.hits / float(self.hits[-1])

    @property
    def false_positive_rate(self) -> NDArray[np.float64]:
        """Share of the reals that are called fake, from 0 to 1."""
        return self.false_alarms / float(self.false_alarms[-1])


def roc_curve(
    y_true: IntArray, y_score: FloatArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the receiver operating characteristic.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake; both must occur.
    y_score : ndarray of shape (n_samples,), float
        P(fake) or any monotone score, finite.

    Returns
    -------
    (ndarray, ndarray)
        False and true positive rate, both rising from 0 to 1.

    References
    ----------
    .. [1] Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27,
       2006.
    """
    counts = ThresholdCounts.of(y_true, y_score)
    return counts.false_positive_rate, counts.true_positive_rate


def precision_recall_curve(
    y_true: IntArray, y_score: FloatArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what share of the answers "fake" is right, and what share of fakes found.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake; both must occur.
    y_score : ndarray of shape (n_samples,), float
        P(fake) or any monotone score, finite.

    Returns
    -------
    (ndarray, ndarray)
        Precision, and recall rising from 0 to 1; the first precision is 1, by
        convention, where nothing is called fake.
    """
    counts = ThresholdCounts.of(y_true, y_score)
    called = counts.hits + counts.false_alarms
    precision = np.divide(
        counts.hits, called, out=np.ones_like(called), where=called > 0
    )
    return precision, counts.true_positive_rate


def det_curve(
    y_true: IntArray, y_score: FloatArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the detection error tradeoff: both error rates over every threshold.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake; both must occur.
    y_score : ndarray of shape (n_samples,), float
        P(fake) or any monotone score, finite.

    Returns
    -------
    (ndarray, ndarray)
        False positive rate rising from 0 to 1, and false negative rate falling from 1
        to 0.

    References
    ----------
    .. [1] Martin et al., "The DET curve in assessment of detection task performance",
       Eurospeech 1997.
    """
    false_alarms, hits = roc_curve(y_true, y_score)
    return false_alarms, 1 - hits
