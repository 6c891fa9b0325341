"""Scores -> a report of plain numbers, beside the baseline they must beat."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector import metrics
from deepfake_detector.labels import FAKE, REAL

#: Side of the grey thumbnail that the baseline sees, pixels.
THUMBNAIL_PX: Final = 16

_BOOTSTRAPS: Final = 1000
_FOLDS: Final = 5

IntArray = NDArray[np.integer[Any]]
FloatArray = NDArray[np.floating[Any]]


def evaluate_scores(
    y_true: IntArray, p_fake: FloatArray, threshold: float = 0.5
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
        Counts, the confusion matrix at the threshold, and metrics in [0, 1]; AUC and
        accuracy each with a 95 % bootstrap interval.

    Raises
    ------
    ValueError
        If `y_true` holds only one class.
    """
    y_pred = (p_fake >= threshold).astype(int)

    def auc(rows: IntArray) -> float:
        return metrics.roc_auc_score(y_true[rows], p_fake[rows])

    def accuracy(rows: IntArray) -> float:
        return metrics.accuracy_score(y_true[rows], y_pred[rows])

    every = np.arange(len(y_true))
    return {
        "pictures": len(y_true),
        "real": int(np.sum(y_true == REAL)),
        "fake": int(np.sum(y_true == FAKE)),
        "threshold": threshold,
        "auc": auc(every),
        "auc_interval": bootstrap_interval(auc, y_true),
        "accuracy": accuracy(every),
        "accuracy_interval": bootstrap_interval(accuracy, y_true),
        "balanced_accuracy": metrics.balanced_accuracy_score(y_true, y_pred),
        "eer": metrics.equal_error_rate(y_true, p_fake),
        "ece": metrics.expected_calibration_error(y_true, p_fake),
        "brier": metrics.brier_score_loss(y_true, p_fake),
        "log_loss": metrics.log_loss(y_true, p_fake),
        "confusion": confusion_counts(y_true, y_pred),
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
    rows: FloatArray,
    y_true: IntArray,
    train: tuple[FloatArray, IntArray] | None = None,
) -> FloatArray | None:
    """Score thumbnails by a ridge regression: larger where they look like fakes.

    Parameters
    ----------
    rows : ndarray of shape (n, 256), float
        What :func:`thumbnails` returns.
    y_true : ndarray of shape (n,), int
        Their labels.
    train : (ndarray, ndarray), optional
        Thumbnails and labels to fit on. Without them each fifth of `rows` is scored by
        a fit on the other four.

    Returns
    -------
    ndarray of shape (n,), float, or None
        A score each; None where a class has too few pictures to cross-validate.
    """
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), Ridge(alpha=100.0))
    scores: FloatArray
    if train is not None:
        scores = model.fit(*train).predict(rows)
    elif min(np.sum(y_true == REAL), np.sum(y_true == FAKE)) < _FOLDS:
        return None
    else:
        folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
        scores = cross_val_predict(model, rows, y_true, cv=folds)
    return scores


def thumbnails(crops: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Make grey thumbnails of 16x16 pixels.

    Parameters
    ----------
    crops : ndarray of shape (n, h, w, 3), uint8
        RGB crops.

    Returns
    -------
    ndarray of shape (n, 256), float64
        One thumbnail a row, whole grey levels in [0, 255].
    """
    size = (THUMBNAIL_PX, THUMBNAIL_PX)
    return np.stack(
        [
            np.asarray(
                Image.fromarray(np.asarray(crop))
                .convert("L")
                .resize(size, Image.Resampling.BOX),
                dtype=np.float64,
            ).ravel()
            for crop in crops
        ]
    )


def bootstrap_interval(
    metric: Callable[[IntArray], float], y_true: IntArray
) -> list[float]:
    """Return a metric's 95 % percentile interval.

    Parameters
    ----------
    metric : callable
        Rows of a sample -> its value.
    y_true : ndarray of shape (n_samples,), int
        Ground truth; reals and fakes are resampled each on their own.

    Returns
    -------
    list of float
        Low and high end.
    """
    rng = np.random.default_rng(0)
    classes = [np.flatnonzero(y_true == label) for label in (REAL, FAKE)]
    values = [
        metric(np.concatenate([rng.choice(rows, len(rows)) for rows in classes]))
        for _ in range(_BOOTSTRAPS)
    ]
    return [float(value) for value in np.percentile(values, (2.5, 97.5))]
