"""A detector scored on a folder or archive with Real and Fake in it."""

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.artifact import ModelCard
from deepfake_detector.config import CACHE_DIR, SCORED_AT_ONCE
from deepfake_detector.crop_cache import LabelledPicture
from deepfake_detector.cut_off_report import cut_off_report
from deepfake_detector.dataset_handler import DatasetHandler
from deepfake_detector.detector import Analysis, Detector
from deepfake_detector.evaluation import evaluate_scores, score_metrics
from deepfake_detector.exceptions import ArtifactError, DatasetError, ImageError
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.labels import CLASS_NAMES
from deepfake_detector.picture import Picture
from deepfake_detector.thumbnail_baseline import ThumbnailBaseline, thumbnails
from deepfake_detector.verdict import MIN_FACE_PX

logger = logging.getLogger(__name__)

#: A larger training split is not cropped for the thumbnail baseline alone.
_MOST_TO_FIT: Final = 10_000


@dataclass(frozen=True)
class ScoredSet:
    """Every judged picture of a set with its label and its score.

    Parameters
    ----------
    name : str
        What the set is called in reports.
    split : str
        Which of its splits was scored.
    handler : DatasetHandler
        Where its pictures are.
    pictures : tuple of LabelledPicture
        The judged ones.
    p_fake : ndarray of shape (n,), float64
        Calibrated P(fake) of each.
    thumbnails : ndarray of shape (n, 256), uint8
        What the thumbnail baseline sees of each.
    notes : dict
        How pictures were scored and how many were not.
    boxes : tuple of FaceBox, optional
        The box that each score is of, where it was searched for scoring.
    to_fit : (ndarray of shape (m, 256), ndarray of shape (m,)), optional
        Thumbnails and labels of the set's own training split.
    """

    name: str
    split: str
    handler: DatasetHandler
    pictures: tuple[LabelledPicture, ...]
    p_fake: NDArray[np.float64]
    thumbnails: NDArray[np.uint8]
    notes: dict[str, Any]
    boxes: tuple[FaceBox, ...] | None = None
    to_fit: tuple[NDArray[np.uint8], NDArray[np.int64]] | None = None

    @cached_property
    def y_true(self) -> NDArray[np.int64]:
        """Ground truth of each picture, 0 = real, 1 = fake: (n,)."""
        return np.array([picture.label for picture in self.pictures], dtype=np.int64)

    @cached_property
    def baseline(self) -> ThumbnailBaseline | None:
        """The thumbnail baseline, fitted on the training split where there is one."""
        if self.to_fit is not None:
            return ThumbnailBaseline.fitted(*self.to_fit, n_scored=len(self.y_true))
        groups = [picture.group for picture in self.pictures]
        known = [group for group in groups if group is not None]
        return ThumbnailBaseline.cross_fitted(
            self.thumbnails, self.y_true, known if len(known) == len(groups) else None
        )

    @cached_property
    def baseline_scores(self) -> NDArray[np.float64] | None:
        """The baseline's scores, (n,); None where there are too few pictures."""
        if self.baseline is None:
            return None
        return self.baseline.p_fake(self.thumbnails)

    def report(self, card: ModelCard, threshold: float) -> dict[str, Any]:
        """Report the scores beside what thumbnails give away.

        Parameters
        ----------
        card : ModelCard
            That of the model that gave the scores.
        threshold : float
            P(fake) from which the answer is Fake.

        Returns
        -------
        dict
            What `evaluation.evaluate_scores` returns, with the data set's name, split
            and hash, the notes, the answers at the card's cut-offs, and every metric
            of the thumbnail baseline.
        """
        scores = self.baseline_scores
        baseline = None if scores is None else score_metrics(self.y_true, scores)
        return {
            "model": card.name,
            "data": self.name,
            "data_sha256": self.handler.data_hash,
            "split": self.split,
            **evaluate_scores(self.y_true, self.p_fake, threshold),
            **self.notes,
            "cut_offs": cut_off_report(self.y_true, self.p_fake, card.cut_offs),
            "thumbnail_baseline_auc": baseline and baseline["auc"],
            "thumbnail_baseline": baseline,
            "thumbnail_baseline_fitted_on": "folds" if self.to_fit is None else "train",
        }


def score_dataset(
    detector: Detector, path: Path, split: str | None = None, by_picture: bool = False
) -> dict[str, Any]:
    """Score every picture of a folder or archive and report it.

    Parameters
    ----------
    detector : Detector
        What is scored.
    path : Path
        Folder or zip with Real and Fake, or with splits that hold them.
    split : {'train', 'val', 'test'}, optional
        Which split; by default `test` where there are splits, else every picture.
    by_picture : bool, default False
        Score a picture by its highest-scoring judgeable face, as serving does, instead
        of by the face nearest its centre, which the label is of.

    Returns
    -------
    dict
        What :meth:`ScoredSet.report` returns at the card's threshold.

    Raises
    ------
    DatasetError
        If the pictures cannot be had, or too few of them can be judged.
    ArtifactError
        If the model answers with something other than numbers.
    """
    scored = score_set(detector, path, split, by_picture)
    return scored.report(detector.card, detector.card.threshold)


def score_set(
    detector: Detector,
    path: Path,
    split: str | None = None,
    by_picture: bool = False,
    name: str | None = None,
) -> ScoredSet:
    """Score every picture of a folder or archive.

    Parameters
    ----------
    detector : Detector
        What is scored.
    path : Path
        Folder or zip with Real and Fake, or with splits that hold them; or a name in
        the `datasets` table, where there is no such file.
    split : {'train', 'val', 'test'}, optional
        Which split; by default `test` where there are splits, else every picture.
    by_picture : bool, default False
        Score a picture by its highest-scoring judgeable face instead of by the face
        nearest its centre.
    name : str, optional
        What to call the set; by default its file or folder name. A name in the
        `datasets` table also says how the set is laid out.

    Returns
    -------
    ScoredSet
        Labels and scores, in the handler's order.

    Raises
    ------
    DatasetError
        If the pictures cannot be had, or too few of them can be judged.
    ArtifactError
        If the model answers with something other than numbers.
    """
    card = detector.card
    handler = DatasetHandler.for_path(
        path, card.crop, card.input_shape[:2], CACHE_DIR, name
    )
    split = handler.split_to_score(split)
    score = _by_picture if by_picture else _by_centre_face
    scored = score(detector, handler, (name or path.resolve().name, split))
    _require_numbers(scored.p_fake)
    return replace(scored, to_fit=_training_thumbnails(handler, split))


def answers_to_pictures(detector: Detector, scored: ScoredSet) -> list[dict[str, Any]]:
    """Judge each scored picture as serving does: every face, box and view.

    Parameters
    ----------
    detector : Detector
        What judges.
    scored : ScoredSet
        Whose pictures; they could be read once.

    Returns
    -------
    list of dict
        For each picture its `file` and `label`, and what `Analysis.to_dict` returns.
    """

    def answer(picture: LabelledPicture) -> dict[str, Any]:
        return _answer(picture, detector.analyse(scored.handler.path_of(picture)))

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(answer, scored.pictures))


def score_in_batches(
    detector: Detector, crops: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """Score crops without loading them all at once.

    Parameters
    ----------
    detector : Detector
        What scores them.
    crops : ndarray of shape (n, h, w, 3), uint8
        At least one crop, possibly mapped from disk.

    Returns
    -------
    ndarray of shape (n,), float64
        Calibrated P(fake).
    """
    starts = range(0, len(crops), SCORED_AT_ONCE)
    batches = (np.asarray(crops[s : s + SCORED_AT_ONCE]) for s in starts)
    return np.concatenate([detector.score_crops(batch) for batch in batches])


def _training_thumbnails(
    handler: DatasetHandler, split: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64]] | None:
    """What the baseline is fitted on, as in training; None where there is no such."""
    if split not in ("val", "test"):
        return None
    try:
        if len(handler.pictures("train")) > _MOST_TO_FIT:
            return None
        crops = handler.get_image_dataset_from_directory("train")
    except DatasetError as error:
        logger.warning("thumbnail baseline: fitted on the split itself (%s)", error)
        return None
    return thumbnails(crops.crops), crops.y_true


def _by_centre_face(
    detector: Detector, handler: DatasetHandler, label: tuple[str, str]
) -> ScoredSet:
    """Score the crops that training would see, from their cache."""
    crops = handler.get_image_dataset_from_directory(label[1])
    if detector.card.crop.square and not crops.face_found.any():
        raise DatasetError(
            f"no face was found in any of the {len(crops)} pictures, so there is "
            "nothing to judge; give larger or more frontal faces, or a model that was "
            "trained on whole pictures"
        )
    readable = set(crops.names)
    return ScoredSet(
        *label,
        handler,
        tuple(p for p in handler.pictures(label[1]) if p.name in readable),
        score_in_batches(detector, crops.crops),
        thumbnails(crops.crops),
        {
            "scored_by": "centre face",
            "face_found_share": crops.face_found_share(),
            "unreadable": len(crops.unreadable),
        },
    )


@dataclass(frozen=True)
class _TopFace:
    """The face that a picture's score is of."""

    picture: LabelledPicture
    p_fake: float
    box: FaceBox
    thumbnail: NDArray[np.uint8]  # (256,)


def _by_picture(
    detector: Detector, handler: DatasetHandler, label: tuple[str, str]
) -> ScoredSet:
    """Score the pictures that serving would judge, as it would."""
    pictures = handler.pictures(label[1])
    answers: dict[str, Analysis] = {}

    def analyse(picture: LabelledPicture) -> _TopFace | None:
        try:
            opened = Picture.of(handler.path_of(picture), detector.max_pixels)
        except (ImageError, OSError) as error:
            logger.warning("%s: skipped (%s)", picture.name, error)
            return None
        analysis = detector.analyse(opened)
        answers[picture.name] = analysis
        return _top_face(picture, analysis)

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        faces = [face for face in pool.map(analyse, pictures) if face is not None]
    if len({face.picture.label for face in faces}) < 2:
        raise DatasetError(
            f"{len(faces)} of {len(pictures)} pictures could be judged, and not of "
            "both classes; give more pictures with faces of at least "
            f"{MIN_FACE_PX} pixels"
        )
    return ScoredSet(
        *label,
        handler,
        tuple(face.picture for face in faces),
        np.array([face.p_fake for face in faces]),
        np.stack([face.thumbnail for face in faces]),
        {
            "scored_by": "picture",
            "unreadable": len(pictures) - len(answers),
            "not_judged": len(answers) - len(faces),
            # In the order of the pictures, whichever thread was done first.
            "answers": [
                _answer(picture, answers[picture.name])
                for picture in pictures
                if picture.name in answers
            ],
        },
        tuple(face.box for face in faces),
    )


def _answer(picture: LabelledPicture, analysis: Analysis) -> dict[str, Any]:
    label = CLASS_NAMES[picture.label]
    return {"file": picture.name, "label": label, **analysis.to_dict()}


def _top_face(picture: LabelledPicture, analysis: Analysis) -> _TopFace | None:
    """The highest-scoring face of a picture; None where none was judged."""
    judged = [
        (face.p_fake, face.box, face.crop)
        for face in analysis.faces
        if face.p_fake is not None and face.crop is not None
    ]
    if not judged:
        return None
    # Unlike max, argmax lets a score through that is no number.
    p_fake, box, crop = judged[int(np.argmax([score for score, *_ in judged]))]
    return _TopFace(picture, p_fake, box, thumbnails([crop])[0])


def _require_numbers(p_fake: NDArray[np.float64]) -> None:
    bad = int(np.sum(~np.isfinite(p_fake)))
    if bad:
        raise ArtifactError(
            f"the model's answer to {bad} of {len(p_fake)} pictures is not a number; "
            "its weights are damaged: train or export it again"
        )
