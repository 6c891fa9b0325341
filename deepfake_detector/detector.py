"""The library's front door: a picture in, an :class:`Analysis` out. No Flask here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from deepfake_detector import face_crops, images
from deepfake_detector.artifact import Artifact, ModelCard
from deepfake_detector.backends import BACKENDS, Backend
from deepfake_detector.config import ServeConfig
from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.exceptions import ArtifactError, ConfigError
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.face_detectors import FaceDetector, load_face_detector
from deepfake_detector.picture import Picture
from deepfake_detector.stability import CHECKS, PLAIN, Stability, check_crops
from deepfake_detector.stage_times import StageTimes
from deepfake_detector.verdict import (
    JUDGED,
    MIN_FACE_PX,
    Verdict,
    evidence_words,
    picture_verdict,
    verdict_of,
)

#: Most faces of one picture that are scored; the largest are taken.
MAX_FACES: Final = 20


@dataclass(frozen=True)
class FaceAnalysis:
    """What was found of one face.

    Parameters
    ----------
    box : FaceBox
        Where it is, in pixels of the picture.
    verdict : Verdict
        Likely fake, inconclusive, likely real or too small to judge.
    p_fake : float or None
        Calibrated P(fake) in [0, 1]; None where the face was not judged.
    stability : Stability, optional
        Its scores in re-encoded views; None where they were not asked for, or the
        face was not judged.
    crop : ndarray of shape (h, w, 3), uint8, optional
        What the network saw; None where the face was not judged.
    heatmap : ndarray of shape (h', w'), float32, optional
        The network's activation map of the face's crop, in logits; its mean is the
        logit. None where the network has none, or the face was not judged.
    """

    box: FaceBox
    verdict: Verdict
    p_fake: float | None
    stability: Stability | None = None
    crop: NDArray[np.uint8] | None = field(default=None, compare=False, repr=False)
    heatmap: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)

    @property
    def reason(self) -> str | None:
        """Why it is called inconclusive in spite of its score, in words, or None."""
        return self.stability.reason if self.stability else None

    def to_dict(self) -> dict[str, Any]:
        """Return what was found as JSON-ready fields."""
        return {
            "verdict": str(self.verdict),
            "p_fake": self.p_fake,
            "box": {
                "left": self.box.left,
                "top": self.box.top,
                "width": self.box.width,
                "height": self.box.height,
            },
            "stability": self.stability.to_dict() if self.stability else None,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Analysis:
    """What was found of one picture.

    Parameters
    ----------
    width, height : int
        Size of the picture in pixels, upright.
    verdict : Verdict
        Likely fake if any judged face is; likely real only if every face that is large
        enough is; else inconclusive. Or why nothing was judged.
    p_fake : float or None
        The highest calibrated P(fake) among the faces that have the picture's verdict
        (of all judged ones where none has), in [0, 1]; None where nothing could be
        judged.
    faces : tuple of FaceAnalysis
        The faces, largest first; of very many the 20 largest.
    faces_found : int
        How many faces were found, also those beyond the 20 largest.
    whole_picture : bool
        Whether the whole picture was scored instead of a face.
    cut_offs : CutOffs
        What the scores were read by.
    model_cut_offs : CutOffs
        The model's own, with what was measured of them; another where a threshold was
        given, and without measurements where the whole picture stood in for a face.
    model : str
        Name of the model that answered.
    """

    width: int
    height: int
    verdict: Verdict
    p_fake: float | None
    faces: tuple[FaceAnalysis, ...]
    faces_found: int
    whole_picture: bool
    cut_offs: CutOffs
    model_cut_offs: CutOffs
    model: str

    @property
    def words(self) -> tuple[str, ...]:
        """How far the verdict can be trusted, in sentences."""
        judged = sum(face.verdict in JUDGED for face in self.faces)
        return evidence_words(self.verdict, self.cut_offs, self.model_cut_offs, judged)

    def to_dict(self) -> dict[str, Any]:
        """Return the analysis as JSON-ready fields."""
        return {
            "verdict": str(self.verdict),
            "p_fake": self.p_fake,
            "cut_offs": {
                "likely_real": self.cut_offs.likely_real,
                "likely_fake": self.cut_offs.likely_fake,
            },
            "whole_picture": self.whole_picture,
            "width": self.width,
            "height": self.height,
            "faces_found": self.faces_found,
            "faces": [face.to_dict() for face in self.faces],
            "words": list(self.words),
            "model": self.model,
        }


class Detector:
    """Finds the faces of a picture and scores each; safe to call from many threads.

    Parameters
    ----------
    backend : Backend
        Runs the network.
    face_detector : FaceDetector
        Finds the faces.
    card : ModelCard
        How crops are made and scores are read.
    max_pixels : int, default 50 000 000
        Largest picture that is decoded.
    threshold : float, optional
        P(fake) in [0, 1] from which a face is likely fake; by default the card's.
    check_stability : bool, default True
        Score re-encoded views of each face too.

    Raises
    ------
    ArtifactError
        If the network's input is not the one that the card states.
    ConfigError
        If the threshold is not in [0, 1].
    """

    def __init__(
        self,
        backend: Backend,
        face_detector: FaceDetector,
        card: ModelCard,
        max_pixels: int = images.DEFAULT_MAX_PIXELS,
        *,
        threshold: float | None = None,
        check_stability: bool = True,
    ) -> None:
        if backend.input_shape != card.input_shape:
            raise ArtifactError(
                f"the card states an input of {card.input_shape} but the network takes "
                f"{backend.input_shape}; export the model again"
            )
        self.backend = backend
        self.face_detector = face_detector
        self.card = card
        self.max_pixels = max_pixels
        self.threshold = threshold
        self.cut_offs_for(threshold)  # one that cannot be is refused now
        self.check_stability = check_stability

    @classmethod
    def load(cls, config: ServeConfig) -> Self:
        """Load the model and the face detector that its card names.

        Parameters
        ----------
        config : ServeConfig
            Which model, which backend, which limits.

        Returns
        -------
        Detector
            Ready to answer: the first picture is not slower than the next.

        Raises
        ------
        ArtifactError
            If the model folder is missing, altered or does not fit its card.
        UnknownNameError
            If the backend or face detector is unknown.
        ConfigError
            If the face detector asked for does not fit what the model was trained on.
        """
        if config.keras_file is not None:
            keras_backend = BACKENDS.get("keras")
            backend, card = keras_backend.load_file(
                config.keras_file, config.keras_score
            )
        else:
            artifact = Artifact.load(config.model_dir)
            card = artifact.card
            backend = BACKENDS.get(config.backend).load(artifact)
        face_detector = _face_detector(config, card)
        if config.face_detector not in (None, card.crop.detector):
            # What was measured, was measured on the other detector's crops.
            card = replace(card, cut_offs=_unmeasured(card.cut_offs))
        detector = cls(
            backend,
            face_detector,
            card,
            config.max_pixels,
            threshold=config.threshold,
            check_stability=config.stability,
        )
        # A flat picture holds no face, so the network is made to run as well.
        flat = np.zeros((256, 256, 3), dtype=np.uint8)
        detector.analyse(flat, whole_picture_if_no_face=True)
        return detector

    def analyse(
        self,
        source: bytes | Path | NDArray[np.uint8] | Picture,
        whole_picture_if_no_face: bool = False,
        threshold: float | None = None,
        *,
        max_faces: int = MAX_FACES,
        times: StageTimes | None = None,
    ) -> Analysis:
        """Judge one picture.

        Parameters
        ----------
        source : bytes, Path, ndarray of shape (H, W, 3), uint8, or Picture
            Encoded picture, the file that holds it, decoded RGB pixels, or a picture
            that was opened already. Large faces in a JPEG of 8 megapixels or more are
            cut from a smaller copy, so that its pixels can be answered a little
            otherwise than its file.
        whole_picture_if_no_face : bool, default False
            Score the largest centred square where no face is found, if it is at least
            64 pixels wide.
        threshold : float, optional
            P(fake) in [0, 1] from which a face is likely fake, for this picture.
        max_faces : int, default 20
            Most faces that are judged, the largest first; more than 20 count as 20.
        times : StageTimes, optional
            Takes down how long each stage took.

        Returns
        -------
        Analysis
            Faces, scores and verdict.

        Raises
        ------
        ImageError
            If the picture cannot be decoded or is over the limit.
        ConfigError
            If the threshold is not in [0, 1].
        """
        cut_offs = self.cut_offs_for(threshold)
        max_faces = min(max_faces, MAX_FACES)
        times = times or StageTimes()
        with times.stage("decode"):
            picture = Picture.of(source, self.max_pixels)
        with times.stage("faces"):
            boxes = self.face_detector.detect(picture)
        faces_found = len(boxes)
        # What is too small to be judged as a face is too small as a picture.
        large_enough = min(picture.width, picture.height) >= MIN_FACE_PX
        judged_whole = not boxes and whole_picture_if_no_face and large_enough
        if judged_whole:
            boxes = [face_crops.centre_box(picture, self.card.crop)]
        least_px = 1 if judged_whole else MIN_FACE_PX
        judgeable = [max(box.width, box.height) >= least_px for box in boxes]
        model_cut_offs = self.card.cut_offs
        if judged_whole:
            # What was measured, was measured on found faces.
            cut_offs, model_cut_offs = map(_unmeasured, (cut_offs, model_cut_offs))
        with times.stage("model"):
            faces = self._judge(
                picture, boxes[:max_faces], judgeable[:max_faces], cut_offs
            )
        verdict = picture_verdict(
            [face.verdict for face in faces],
            all_judged=not any(judgeable[max_faces:]),
        )
        return Analysis(
            width=picture.width,
            height=picture.height,
            verdict=verdict,
            p_fake=_deciding_score(faces, verdict),
            faces=faces,
            faces_found=faces_found,
            whole_picture=judged_whole or not self.card.crop.square,
            cut_offs=cut_offs,
            model_cut_offs=model_cut_offs,
            model=self.card.name,
        )

    def cut_offs_for(self, threshold: float | None = None) -> CutOffs:
        """Return what scores are read by.

        Parameters
        ----------
        threshold : float, optional
            P(fake) in [0, 1] from which a face is likely fake; by default the
            detector's, and without one the card's.

        Returns
        -------
        CutOffs
            The card's cut-offs with that threshold.

        Raises
        ------
        ConfigError
            If the threshold is not in [0, 1].
        """
        if threshold is None:
            threshold = self.threshold
        if threshold is not None and not 0.0 <= threshold <= 1.0:
            raise ConfigError(
                f"threshold: expected a number from 0 to 1, got {threshold!r}"
            )
        return self.card.cut_offs.with_threshold(threshold)

    def score_crops(self, batch: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Score ready crops.

        Parameters
        ----------
        batch : ndarray of shape (n, h, w, 3), uint8
            Crops of the card's input size.

        Returns
        -------
        ndarray of shape (n,), float64
            Calibrated P(fake) in [0, 1].
        """
        return self.card.calibration.p_fake(self.backend.run(batch)["logit"])

    def views(self, picture: Picture, box: FaceBox) -> tuple[NDArray[np.uint8], ...]:
        """Cut a face out, and out of what checks it where that is asked for.

        Parameters
        ----------
        picture : Picture
            The picture.
        box : FaceBox
            The face in it.

        Returns
        -------
        tuple of ndarray of shape (h, w, 3), uint8
            The plain crop and, with `check_stability`, one for each of
            `stability.CHECKS`.
        """
        rule, size = self.card.crop, self.card.input_shape[:2]
        copy = picture.copy_for_crop(box, rule, size)
        box = copy.box(box)
        plain = face_crops.crop(copy.image, box, rule, size)
        if not self.check_stability:
            return (plain,)
        return (plain, *check_crops(copy.image, box, rule, size))

    def _judge(
        self,
        picture: Picture,
        boxes: Sequence[FaceBox],
        judgeable: Sequence[bool],
        cut_offs: CutOffs,
    ) -> tuple[FaceAnalysis, ...]:
        """Score all views of all judgeable boxes in one batch; skip the others."""
        large = [box for box, judged in zip(boxes, judgeable, strict=True) if judged]
        scored = iter(self._scored(picture, large))
        return tuple(
            _face(box, next(scored), cut_offs)
            if judged
            else FaceAnalysis(box, Verdict.TOO_SMALL, None)
            for box, judged in zip(boxes, judgeable, strict=True)
        )

    def _scored(
        self, picture: Picture, boxes: Sequence[FaceBox]
    ) -> Iterator["_Scored"]:
        """What the network says of each box; plain crops lead the batch."""
        if not boxes:
            return
        names = (PLAIN, *CHECKS) if self.check_stability else (PLAIN,)
        views = [self.views(picture, box) for box in boxes]
        rows = list(zip(*views, strict=True))
        batch = np.stack([crop for row in rows for crop in row])  # (views * n, h, w, 3)
        answer = self.backend.run(batch)
        p_fake = self.card.calibration.p_fake(answer["logit"])
        by_face = p_fake.reshape(len(names), len(boxes)).T.tolist()
        maps = answer.get("cam")
        for index, scores in enumerate(by_face):
            heatmap = None if maps is None else maps[index].copy()
            by_view = dict(zip(names, scores, strict=True))
            yield _Scored(by_view, rows[0][index], heatmap)


def _deciding_score(faces: Sequence[FaceAnalysis], verdict: Verdict) -> float | None:
    """The highest P(fake) among the faces of the picture's verdict, or of all judged.

    A score that the stability check has withdrawn is no reason for "likely fake".
    """
    judged = [(face.p_fake, face.verdict) for face in faces if face.p_fake is not None]
    deciding = [score for score, of_face in judged if of_face is verdict]
    return max(deciding or [score for score, _ in judged], default=None)


class _Scored(NamedTuple):
    """One face as the network saw it: P(fake) by view, the plain crop, and its map."""

    p_fake: dict[str, float]
    crop: NDArray[np.uint8]
    heatmap: NDArray[np.float32] | None


def _face(box: FaceBox, scored: _Scored, cut_offs: CutOffs) -> FaceAnalysis:
    """Read the scores of one face's views."""
    p_fake, crop, heatmap = scored
    plain = p_fake[PLAIN]
    verdict = verdict_of(plain, cut_offs)
    if len(p_fake) == 1:
        return FaceAnalysis(box, verdict, plain, None, crop, heatmap)
    stability = Stability.of(p_fake, cut_offs)
    verdict = verdict if stability.stable else Verdict.INCONCLUSIVE
    return FaceAnalysis(box, verdict, plain, stability, crop, heatmap)


def _unmeasured(cut_offs: CutOffs) -> CutOffs:
    return replace(cut_offs, false_alarms=None, hits=None)


def _face_detector(config: ServeConfig, card: ModelCard) -> FaceDetector:
    """The face detector asked for, or else the one the model was trained with."""
    trained, asked = card.crop.detector, config.face_detector
    if asked not in (None, trained) and "whole_picture" in (asked, trained):
        raise ConfigError(
            f"face_detector: this model was trained with {trained}, so {asked} would "
            "show it what it never saw; leave the setting out"
        )
    return load_face_detector(asked or trained, config.face_model)
