"""Parts of a set that a model may judge better or worse: which picture is in which.

A slicing is a name for each part and a mask over the pictures, in a sensible order and
without empty parts; parts are then reported as sets are.
"""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_detector import metrics
from deepfake_detector.bootstrap import interval, resampled_metrics
from deepfake_detector.cut_off_report import share_report
from deepfake_detector.labels import FAKE, REAL

#: Edges between face sizes, pixels of the source picture; the server judges from the
#: first on.
FACE_EDGES_PX: Final = (64, 128, 192, 256, 512)

#: Name of the part in which no face was found.
NO_FACE: Final = "no face found"

_QUARTERS: Final = ("lowest quarter", "second quarter", "third quarter", "top quarter")

IntArray = NDArray[np.integer[Any]]
FloatArray = NDArray[np.floating[Any]]
Masks = dict[str, NDArray[np.bool_]]


def by_face_size(face_px: FloatArray) -> Masks:
    """Slice by the longer side of the face's box.

    Parameters
    ----------
    face_px : ndarray of shape (n,), float
        Pixels of the source picture; NaN where no face was found.

    Returns
    -------
    dict of str to ndarray of shape (n,), bool
        Parts such as ``64 to 127 px``.
    """
    first, last = FACE_EDGES_PX[0], FACE_EDGES_PX[-1]
    masks = {f"under {first} px": face_px < first}
    for low, high in zip(FACE_EDGES_PX, FACE_EDGES_PX[1:], strict=False):
        masks[f"{low} to {high - 1} px"] = (face_px >= low) & (face_px < high)
    masks[f"{last} px and more"] = face_px >= last
    return _filled(masks | {NO_FACE: np.isnan(face_px)})


def by_quarter(values: FloatArray) -> Masks:
    """Slice into four parts of about equal size; equal values stay together.

    Parameters
    ----------
    values : ndarray of shape (n,), float
        One number a picture.

    Returns
    -------
    dict of str to ndarray of shape (n,), bool
        From the lowest quarter to the top one.
    """
    edges = np.quantile(values, (0.25, 0.5, 0.75))
    quarter = np.searchsorted(edges, values, side="left")
    return _filled({name: quarter == i for i, name in enumerate(_QUARTERS)})


def by_source(names: Sequence[str], class_folders: Sequence[str]) -> Masks:
    """Slice by the folder below its class's that a picture lies in.

    Parameters
    ----------
    names : sequence of str
        Paths below the set's folder, with forward slashes.
    class_folders : sequence of str
        Names of the class folders, whatever their case.

    Returns
    -------
    dict of str to ndarray of shape (n,), bool
        By the folder's name; empty where pictures lie right in their class's folder.
    """
    return by_label([_source(name, class_folders) for name in names])


def by_label(labels: Sequence[str | None]) -> Masks:
    """Slice by what each picture is labelled with.

    Parameters
    ----------
    labels : sequence of str or None
        One for each picture; those without one are in no part.

    Returns
    -------
    dict of str to ndarray of shape (n,), bool
        By the label, in alphabetical order.
    """
    of = np.array([label or "" for label in labels])
    return {label: of == label for label in sorted(set(of.tolist())) if label}


def slice_report(
    masks: Mapping[str, NDArray[np.bool_]],
    y_true: IntArray,
    p_fake: FloatArray,
    threshold: float,
    baseline: FloatArray | None = None,
) -> dict[str, dict[str, Any]]:
    """Report accuracy and AUC of each part of a set.

    Parameters
    ----------
    masks : mapping of str to ndarray of shape (n,), bool
        The parts; none is empty.
    y_true : ndarray of shape (n,), int
        Ground truth, 0 = real, 1 = fake.
    p_fake : ndarray of shape (n,), float
        Calibrated P(fake) in [0, 1].
    threshold : float
        P(fake) from which the answer is Fake.
    baseline : ndarray of shape (n,), float, optional
        The thumbnail baseline's scores.

    Returns
    -------
    dict
        For each part `pictures`, `real`, `fake`, `accuracy` with its exact
        `accuracy_interval`, and `auc`, `auc_interval` and `thumbnail_baseline_auc`,
        which are None where the part holds one class.
    """
    return {
        name: _part_report(
            y_true[rows],
            p_fake[rows],
            threshold,
            None if baseline is None else baseline[rows],
        )
        for name, rows in masks.items()
    }


def _part_report(
    y_true: IntArray,
    p_fake: FloatArray,
    threshold: float,
    baseline: FloatArray | None,
) -> dict[str, Any]:
    answers = np.where(p_fake >= threshold, FAKE, REAL)
    right = share_report(int(np.sum(answers == y_true)), len(y_true))
    report: dict[str, Any] = {
        "pictures": len(y_true),
        "real": int(np.sum(y_true == REAL)),
        "fake": int(np.sum(y_true == FAKE)),
        "accuracy": right["share"],
        "accuracy_interval": right["interval"],
        "auc": None,
        "auc_interval": None,
        "thumbnail_baseline_auc": None,
    }
    if min(report["real"], report["fake"]) > 0:
        report["auc"] = metrics.roc_auc_score(y_true, p_fake)
        report["auc_interval"] = interval(resampled_metrics(y_true, p_fake)["auc"])
        if baseline is not None:
            auc = metrics.roc_auc_score(y_true, baseline)
            report["thumbnail_baseline_auc"] = auc
    return report


def _source(name: str, class_folders: Sequence[str]) -> str:
    folders = PurePosixPath(name).parts[:-1]
    known = {folder.lower() for folder in class_folders}
    at = [i for i, folder in enumerate(folders) if folder.lower() in known]
    return "/".join(folders[at[-1] + 1 :]) if at else ""


def _filled(masks: Masks) -> Masks:
    return {name: mask for name, mask in masks.items() if mask.any()}
