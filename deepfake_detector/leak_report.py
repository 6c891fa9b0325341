"""How well trivial signals tell fakes from reals, each on its own.

A network takes the cheapest way to the label. Where file size, framing or brightness
lead there, a high score says nothing of faces.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_detector import metrics
from deepfake_detector.bootstrap import bootstrap_interval
from deepfake_detector.labels import FAKE, REAL
from deepfake_detector.thumbnail_baseline import ThumbnailBaseline

IntArray = NDArray[np.integer[Any]]
FloatArray = NDArray[np.floating[Any]]
TextArray = NDArray[np.str_]

#: AUC from which a trivial signal is called a leak.
LEAK_AUC: Final = 0.6

#: Pictures of a class below which luck parts the classes too often to speak of a leak.
FEWEST: Final = 20

#: What a signal may be: it tells the classes apart, it may, it does not, nobody knows.
LEAK, UNCLEAR, CLEAR, UNKNOWN = "leak", "perhaps", "no leak", "not measured"

#: It seems to tell them apart, but a class has fewer than `FEWEST` pictures.
TOO_FEW: Final = "too few pictures"

_FITTED: Final = "fitted"


def measured_row(
    values: FloatArray, y_true: IntArray, splits: TextArray
) -> dict[str, Any]:
    """Report how one number a picture tells the classes apart.

    Parameters
    ----------
    values : ndarray of shape (n,), float
        The number; NaN where a picture has none.
    y_true : ndarray of shape (n,), int
        Labels.
    splits : ndarray of shape (n,), str
        Each picture's split.

    Returns
    -------
    dict
        `auc` in [0.5, 1] with its 95 % interval and which class has the larger values,
        the same AUC split by split, the class medians, how many pictures have the
        number, and the verdict. None where a class has no number.
    """
    known = np.isfinite(values)
    auc = _auc(values[known], y_true[known])
    smaller = auc is not None and auc < 0.5
    direction = "smaller in fakes" if smaller else "larger in fakes"
    row = _row(-values if smaller else values, y_true, splits)
    return row | {
        "direction": None if auc is None or auc == 0.5 else direction,
        "median_real": _median(values[known & (y_true == REAL)]),
        "median_fake": _median(values[known & (y_true == FAKE)]),
    }


def thumbnail_row(
    thumbnails: NDArray[np.uint8], y_true: IntArray, splits: TextArray
) -> dict[str, Any]:
    """Report how a ridge regression on 16x16 grey thumbnails tells the classes apart.

    Parameters
    ----------
    thumbnails : ndarray of shape (n, 256), uint8
        What `thumbnail_baseline.thumbnails` makes.
    y_true : ndarray of shape (n,), int
        Labels.
    splits : ndarray of shape (n,), str
        Each picture's split. The regression is fitted on `train` and scored on the
        others; in a set without splits, each fifth is scored by a fit on the rest.

    Returns
    -------
    dict
        As of :func:`measured_row`, without medians. Its AUC may lie below 0.5, which
        says no more than 0.5 does.
    """
    train = splits == "train"
    scored = ~train
    baseline = None
    if not train.any():
        baseline = ThumbnailBaseline.cross_fitted(thumbnails, y_true)
    elif _has_both(y_true[train]):
        baseline = ThumbnailBaseline.fitted(
            thumbnails[train], y_true[train], int(scored.sum())
        )
    scores = np.full(len(y_true), np.nan)
    if baseline is not None and scored.any():
        scores[scored] = baseline.p_fake(thumbnails[scored])
    return _row(scores, y_true, splits) | {"direction": _FITTED}


def category_row(
    categories: Sequence[str], y_true: IntArray, splits: TextArray
) -> dict[str, Any]:
    """Report how a category tells the classes apart.

    Every picture is scored with the share of fakes among the training pictures of its
    category, and a category that does not occur there with one half.

    Parameters
    ----------
    categories : sequence of str
        Each picture's category.
    y_true : ndarray of shape (n,), int
        Labels.
    splits : ndarray of shape (n,), str
        Each picture's split; the shares are of `train`, and the others are scored. In
        a set without splits both are done on all pictures, which flatters rare ones.

    Returns
    -------
    dict
        As of :func:`thumbnail_row`.
    """
    names = np.asarray(categories)
    train = splits == "train"
    fitted_on = train if train.any() else np.ones_like(train)
    scores = np.full(len(y_true), 0.5)
    for name in np.unique(names[fitted_on]):
        shown = names == name
        scores[shown] = np.mean(y_true[fitted_on & shown] == FAKE)
    if not train.all():
        scores[train] = np.nan
    return _row(scores, y_true, splits) | {"direction": _FITTED}


def table_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write a leak report for a terminal.

    Parameters
    ----------
    rows : sequence of mapping
        Rows with `signal` and `of` beside what :func:`measured_row` returns.

    Returns
    -------
    str
        One line a signal under a line of headings.
    """
    lines = [("signal", "of", "AUC [95 %]", "direction", "verdict")]
    lines += [
        (
            row["signal"],
            row["of"],
            auc_text(row),
            row["direction"] or "",
            row["verdict"],
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (
        "  ".join(f"{word:{width}}" for word, width in zip(line, widths, strict=True))
        for line in lines
    )
    return "\n".join(line.rstrip() for line in padded)


def auc_text(row: Mapping[str, Any]) -> str:
    """Write a row's AUC with its interval.

    Parameters
    ----------
    row : mapping
        What :func:`measured_row` returns.

    Returns
    -------
    str
        For example `0.831 [0.822, 0.839]`, or `not measured`.
    """
    if row["auc"] is None:
        return UNKNOWN
    low, high = row["auc_interval"]
    return f"{row['auc']:.3f} [{low:.3f}, {high:.3f}]"


def _row(scores: FloatArray, y_true: IntArray, splits: TextArray) -> dict[str, Any]:
    """The part of a row that measured and fitted signals share."""
    known = np.isfinite(scores)
    score, truth = scores[known], y_true[known]
    auc = _auc(score, truth)
    interval = None
    if auc is not None:
        interval = bootstrap_interval(
            lambda rows: metrics.roc_auc_score(truth[rows], score[rows]), truth
        )
    by_split = {
        str(split): _auc(scores[known & (splits == split)], y_true[of_split])
        for split in dict.fromkeys(splits)
        for of_split in [known & (splits == split)]
    }
    return {
        "auc": auc,
        "auc_interval": interval,
        "auc_by_split": by_split,
        "pictures": int(known.sum()),
        "verdict": _verdict(auc, interval, truth),
    }


def _verdict(auc: float | None, interval: list[float] | None, y_true: IntArray) -> str:
    """A leak must be more than the luck of a few pictures."""
    if auc is None or interval is None:
        return UNKNOWN
    if auc <= LEAK_AUC:
        return CLEAR
    if interval[0] <= 0.5:
        return UNCLEAR
    return (
        LEAK
        if min((y_true == REAL).sum(), (y_true == FAKE).sum()) >= FEWEST
        else TOO_FEW
    )


def _auc(scores: FloatArray, y_true: IntArray) -> float | None:
    return metrics.roc_auc_score(y_true, scores) if _has_both(y_true) else None


def _has_both(y_true: IntArray) -> bool:
    return bool((y_true == REAL).any() and (y_true == FAKE).any())


def _median(values: FloatArray) -> float | None:
    return float(np.median(values)) if len(values) else None
