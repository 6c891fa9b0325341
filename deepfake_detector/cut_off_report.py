"""What the two cut-offs do to the reals and fakes of a set, with exact intervals."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.labels import FAKE, REAL

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]

#: What a reader calls each kind of answer, in the order of tables.
ANSWER_LABELS: Final = {
    "reals_called_fake": "reals called likely fake",
    "fakes_called_fake": "fakes called likely fake",
    "fakes_called_real": "fakes called likely real",
    "reals_called_real": "reals called likely real",
    "inconclusive": "inconclusive",
}


def cut_off_report(
    y_true: IntArray,
    p_fake: FloatArray,
    cut_offs: CutOffs,
    overturned: NDArray[np.bool_] | None = None,
) -> dict[str, Any]:
    """Count each kind of answer at the card's cut-offs.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    p_fake : ndarray of shape (n_samples,), float
        Calibrated P(fake) in [0, 1].
    cut_offs : CutOffs
        Below `likely_real` the answer is likely real, from `likely_fake` on likely
        fake, between them inconclusive.
    overturned : ndarray of shape (n_samples,), bool, optional
        Answers that another look overturned: they count as inconclusive.

    Returns
    -------
    dict
        The cut-offs, and what :func:`share_report` says of `reals_called_fake`,
        `fakes_called_fake`, `reals_called_real`, `fakes_called_real` and, of reals and
        fakes together, `inconclusive`.
    """
    held = np.ones(len(y_true), bool) if overturned is None else ~overturned
    called_fake = held & (p_fake >= cut_offs.likely_fake)
    called_real = held & (p_fake < cut_offs.likely_real)
    report: dict[str, Any] = {
        "likely_real": cut_offs.likely_real,
        "likely_fake": cut_offs.likely_fake,
    }
    for truth, label in (("reals", REAL), ("fakes", FAKE)):
        of_class = y_true == label
        for answer, called in (("fake", called_fake), ("real", called_real)):
            name = f"{truth}_called_{answer}"
            report[name] = share_report(int(called[of_class].sum()), int(sum(of_class)))
    unsure = int(np.sum(~called_fake & ~called_real))
    return report | {"inconclusive": share_report(unsure, len(y_true))}


def share_report(count: int, of: int) -> dict[str, Any]:
    """Report a share with its Clopper-Pearson interval.

    Parameters
    ----------
    count : int
        How many there are, from 0 to `of`.
    of : int
        Of how many.

    Returns
    -------
    dict
        `count`, `of`, `share` in [0, 1] and its exact 95 % `interval`; the last two are
        None of nothing.

    References
    ----------
    .. [1] Clopper and Pearson, "The use of confidence or fiducial limits illustrated in
       the case of the binomial", Biometrika 26, 1934.
    """
    from scipy.stats import binomtest

    if not of:
        return {"count": 0, "of": 0, "share": None, "interval": None}
    ends = binomtest(count, of).proportion_ci(0.95, method="exact")
    interval = [float(ends.low), float(ends.high)]
    return {"count": count, "of": of, "share": count / of, "interval": interval}


def share_text(share: Mapping[str, Any]) -> str:
    """Write a share and its interval in percent.

    Parameters
    ----------
    share : mapping
        What :func:`share_report` returns.

    Returns
    -------
    str
        Such as ``0.7 % [0.1, 1.9] (3 of 450)``.
    """
    if not share["of"]:
        return "- (of none)"
    low, high = (100 * end for end in share["interval"])
    counts = f"({share['count']:,} of {share['of']:,})"
    return f"{100 * share['share']:.1f} % [{low:.1f}, {high:.1f}] {counts}"
