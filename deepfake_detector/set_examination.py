"""A second look at a scored set: its pictures' facts, and their perturbed copies.

Pictures are decoded a second time, as no crop remembers how large its face was; a few
at a time, so that a set of any size fits into memory.
"""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from deepfake_detector import face_crops, slices
from deepfake_detector.cut_off_report import cut_off_report, share_report
from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.dataset_scoring import ScoredSet, score_in_batches
from deepfake_detector.detector import Detector
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.labels import CLASS_NAMES
from deepfake_detector.picture import Picture
from deepfake_detector.picture_facts import sharpness
from deepfake_detector.robustness import (
    PERTURBATIONS,
    perturbed_crops,
    robustness_report,
)
from deepfake_detector.stability import CHECKS, PLAIN, Stability, check_crops
from deepfake_detector.thumbnail_baseline import thumbnails

#: Pictures that are decoded before their perturbed copies are scored together.
_CHUNK: Final = 64

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Examination:
    """What a second look at a scored set found, picture by picture.

    Parameters
    ----------
    boxes : tuple of FaceBox
        The box that each score is of.
    face_px : ndarray of shape (n,), float64
        Its longer side in pixels of the picture; NaN where no face was found.
    sharpness : ndarray of shape (n,), float64
        Variance of the Laplacian of the crop.
    perturbed : dict of str to ndarray of shape (n,), float64
        P(fake) after each perturbation; empty where none was asked for.
    perturbed_baseline : dict of str to ndarray of shape (n,), float64
        The thumbnail baseline's scores of the same; empty where it has none.
    views : dict of str to ndarray of shape (n,), float64
        P(fake) in each of the views by which serving checks its answers.
    """

    boxes: tuple[FaceBox, ...]
    face_px: FloatArray
    sharpness: FloatArray
    perturbed: dict[str, FloatArray]
    perturbed_baseline: dict[str, FloatArray]
    views: dict[str, FloatArray]

    def of_picture(self, index: int) -> tuple[float | None, float]:
        """Return what was found of one picture.

        Parameters
        ----------
        index : int
            Its place in the set.

        Returns
        -------
        (float or None, float)
            Size of its face in pixels, None where none was found, and sharpness.
        """
        side = float(self.face_px[index])
        return None if np.isnan(side) else side, float(self.sharpness[index])

    def slices(self, scored: ScoredSet, threshold: float) -> dict[str, Any]:
        """Report the set part by part.

        Parameters
        ----------
        scored : ScoredSet
            The set that was looked at.
        threshold : float
            P(fake) from which the answer is Fake.

        Returns
        -------
        dict
            What `slices.slice_report` returns for `face size`, `sharpness` and, where
            sets were merged or the class folders have folders, `source`.
        """
        spec = scored.handler.spec
        names = [picture.name for picture in scored.pictures]
        folders = (*CLASS_NAMES, spec.real_folder, spec.fake_folder)
        origins = slices.by_label([picture.origin for picture in scored.pictures])
        slicings = {
            "face size": slices.by_face_size(self.face_px),
            "sharpness": slices.by_quarter(self.sharpness),
            "source": origins or slices.by_source(names, folders),
        }
        return {
            slicing: slices.slice_report(
                masks, scored.y_true, scored.p_fake, threshold, scored.baseline_scores
            )
            for slicing, masks in slicings.items()
            if masks
        }

    def stability(self, scored: ScoredSet, cut_offs: CutOffs) -> dict[str, Any]:
        """Report what becomes of the answers when serving checks them.

        Parameters
        ----------
        scored : ScoredSet
            The set that was looked at.
        cut_offs : CutOffs
            The card's.

        Returns
        -------
        dict
            What :func:`stability_report` returns.
        """
        return stability_report(scored.y_true, scored.p_fake, self.views, cut_offs)

    def robustness(self, scored: ScoredSet, threshold: float) -> dict[str, Any] | None:
        """Report what each perturbation costs.

        Parameters
        ----------
        scored : ScoredSet
            The set that was looked at.
        threshold : float
            P(fake) from which the answer is Fake.

        Returns
        -------
        dict or None
            What `robustness.robustness_report` returns; None where nothing was
            perturbed.
        """
        if not self.perturbed:
            return None
        baseline = None
        if scored.baseline_scores is not None:
            baseline = {"clean": scored.baseline_scores, **self.perturbed_baseline}
        return robustness_report(
            scored.y_true, scored.p_fake, self.perturbed, threshold, baseline
        )


def stability_report(
    y_true: NDArray[np.int64],
    p_fake: FloatArray,
    views: Mapping[str, FloatArray],
    cut_offs: CutOffs,
) -> dict[str, Any]:
    """Report what becomes of answers that a re-encoding may overturn.

    Parameters
    ----------
    y_true : ndarray of shape (n,), int64
        Ground truth, 0 = real, 1 = fake.
    p_fake : ndarray of shape (n,), float64
        P(fake) of the faces as they are.
    views : mapping of str to ndarray of shape (n,), float64
        P(fake) of the same faces in the views of `stability.CHECKS`.
    cut_offs : CutOffs
        What scores are read by.

    Returns
    -------
    dict
        `overturned`, how many of the answers likely real and likely fake do not hold;
        `overturned_by` each view; and what `cut_off_report.cut_off_report` says when
        those are called inconclusive.
    """
    columns = {PLAIN: p_fake, **views}
    found = [
        Stability.of(dict(zip(columns, map(float, scores), strict=True)), cut_offs)
        for scores in zip(*columns.values(), strict=True)
    ]
    overturned = np.array([not stability.stable for stability in found])
    answers = cut_off_report(y_true, p_fake, cut_offs)
    likely = len(y_true) - answers["inconclusive"]["count"]
    return {
        "overturned": share_report(int(overturned.sum()), likely),
        "overturned_by": {
            view: share_report(sum(view in s.overturned_by for s in found), likely)
            for view in views
        },
        **cut_off_report(y_true, p_fake, cut_offs, overturned),
    }


def examine(detector: Detector, scored: ScoredSet, perturb: bool) -> Examination:
    """Look at every scored picture again.

    Parameters
    ----------
    detector : Detector
        What scored them.
    scored : ScoredSet
        The set.
    perturb : bool
        Whether to score perturbed copies too.

    Returns
    -------
    Examination
        In the set's order.
    """
    looks: list[_Look] = []
    scores: list[FloatArray] = []
    seen: list[NDArray[np.uint8]] = []
    checked: list[FloatArray] = []
    for chunk in _chunks(detector, scored, perturb):
        looks += [_Look(look.box, look.found, look.sharpness) for look in chunk]
        views = np.concatenate([look.views for look in chunk])
        scores_of_views = score_in_batches(detector, views)
        checked.append(scores_of_views.reshape(len(chunk), len(CHECKS)))
        if perturb:
            crops = np.concatenate([look.perturbed for look in chunk])
            shape = (len(chunk), len(PERTURBATIONS))
            scores.append(score_in_batches(detector, crops).reshape(shape))
            seen.append(thumbnails(crops).reshape(*shape, -1))
    found = np.array([look.found for look in looks])
    sides = np.array([max(look.box.width, look.box.height) for look in looks])
    return Examination(
        tuple(look.box for look in looks),
        np.where(found, sides, np.nan),
        np.array([look.sharpness for look in looks]),
        _by_perturbation(np.concatenate(scores)) if perturb else {},
        _baseline_scores(scored, np.concatenate(seen)) if perturb else {},
        dict(zip(CHECKS, np.concatenate(checked).T, strict=True)),
    )


@dataclass(frozen=True)
class _Look:
    """What is kept of one picture."""

    box: FaceBox
    found: bool
    sharpness: float
    views: Any = None  # (n_checks, h, w, 3), uint8
    perturbed: Any = None  # (n_perturbations, h, w, 3), uint8


def _chunks(detector: Detector, scored: ScoredSet, perturb: bool) -> Any:
    """Looks at a few pictures at a time, in order."""
    card, size = detector.card, detector.card.input_shape[:2]

    def look(index: int) -> _Look:
        picture, box, found = _located(detector, scored, index)
        copy = picture.copy_for_crop(box, card.crop, size)
        face = copy.image, copy.box(box), card.crop, size
        copies = perturbed_crops(*face, index) if perturb else None
        views = np.stack(check_crops(*face))
        return _Look(box, found, sharpness(face_crops.crop(*face)), views, copies)

    count = len(scored.pictures)
    with (
        ThreadPoolExecutor(max_workers=os.cpu_count()) as pool,
        tqdm(total=count, desc=f"examine {scored.name}", disable=None) as bar,
    ):
        for start in range(0, count, _CHUNK):
            chunk = list(pool.map(look, range(start, min(start + _CHUNK, count))))
            bar.update(len(chunk))
            yield chunk


def _located(
    detector: Detector, scored: ScoredSet, index: int
) -> tuple[Picture, FaceBox, bool]:
    """A picture, the box that its score is of, and whether a face was found there."""
    picture = scored.pictures[index]
    if scored.boxes is None:
        return scored.handler.locate(picture, detector.face_detector)
    path = scored.handler.path_of(picture)
    return Picture.of(path, detector.max_pixels), scored.boxes[index], True


def _by_perturbation(columns: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {name: columns[:, i] for i, name in enumerate(PERTURBATIONS)}


def _baseline_scores(
    scored: ScoredSet, seen: NDArray[np.uint8]
) -> dict[str, FloatArray]:
    if scored.baseline is None:
        return {}
    return {
        name: scored.baseline.p_fake(rows)
        for name, rows in _by_perturbation(seen).items()
    }
