"""The library's front door: a picture in, an :class:`Analysis` out. No Flask here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from deepfake_detector import face_crops, images
from deepfake_detector.artifact import Artifact, ModelCard
from deepfake_detector.backends import BACKENDS, Backend
from deepfake_detector.config import ServeConfig
from deepfake_detector.exceptions import ArtifactError
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.face_detectors import FACE_DETECTORS, FaceDetector
from deepfake_detector.verdict import MIN_FACE_PX, Verdict, verdict_of

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
        Fake, Real or too small to judge.
    p_fake : float or None
        Calibrated P(fake) in [0, 1]; None where the face was not judged.
    """

    box: FaceBox
    verdict: Verdict
    p_fake: float | None


@dataclass(frozen=True)
class Analysis:
    """What was found of one picture.

    Parameters
    ----------
    width, height : int
        Size of the picture in pixels, upright.
    verdict : Verdict
        That of the highest-scoring face that could be judged.
    p_fake : float or None
        Its calibrated P(fake) in [0, 1]; None where nothing could be judged.
    faces : tuple of FaceAnalysis
        The faces, largest first; of very many the 20 largest.
    faces_found : int
        How many faces were found, also those beyond the 20 largest.
    whole_picture : bool
        Whether the whole picture was scored instead of a face.
    threshold : float
        P(fake) from which the answer is Fake.
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
    threshold: float
    model: str

    def to_dict(self) -> dict[str, Any]:
        """Return the analysis as JSON-ready fields."""
        return {
            "verdict": str(self.verdict),
            "p_fake": self.p_fake,
            "threshold": self.threshold,
            "whole_picture": self.whole_picture,
            "width": self.width,
            "height": self.height,
            "faces_found": self.faces_found,
            "faces": [
                {
                    "verdict": str(face.verdict),
                    "p_fake": face.p_fake,
                    "box": {
                        "left": face.box.left,
                        "top": face.box.top,
                        "width": face.box.width,
                        "height": face.box.height,
                    },
                }
                for face in self.faces
            ],
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

    Raises
    ------
    ArtifactError
        If the network's input is not the one that the card states.
    """

    def __init__(
        self,
        backend: Backend,
        face_detector: FaceDetector,
        card: ModelCard,
        max_pixels: int = images.DEFAULT_MAX_PIXELS,
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
        face_detector = FACE_DETECTORS.get(card.crop.detector)()
        detector = cls(backend, face_detector, card, config.max_pixels)
        # A flat picture holds no face, so the network is made to run as well.
        flat = np.zeros((256, 256, 3), dtype=np.uint8)
        detector.analyse(flat, whole_picture_if_no_face=True)
        return detector

    def analyse(
        self,
        source: bytes | Path | NDArray[np.uint8],
        whole_picture_if_no_face: bool = False,
    ) -> Analysis:
        """Judge one picture.

        Parameters
        ----------
        source : bytes, Path or ndarray of shape (H, W, 3), uint8
            Encoded picture, the file that holds it, or decoded RGB pixels.
        whole_picture_if_no_face : bool, default False
            Score the largest centred square where no face is found, if it is at least
            64 pixels wide.

        Returns
        -------
        Analysis
            Faces, scores and verdict.

        Raises
        ------
        ImageError
            If the picture cannot be decoded or is over the limit.
        """
        if isinstance(source, np.ndarray):
            image = source
        else:
            image = images.decode(source, self.max_pixels)
        boxes = self.face_detector.detect(image)
        faces_found = len(boxes)
        # What is too small to be judged as a face is too small as a picture.
        large_enough = min(image.shape[:2]) >= MIN_FACE_PX
        judged_whole = not boxes and whole_picture_if_no_face and large_enough
        if judged_whole:
            boxes = [face_crops.centre_box(image, self.card.crop)]
        faces = self._judge(
            image, boxes[:MAX_FACES], min_face_px=1 if judged_whole else MIN_FACE_PX
        )
        top = _highest_scoring(faces)
        return Analysis(
            width=image.shape[1],
            height=image.shape[0],
            verdict=top.verdict if top else Verdict.NO_FACE,
            p_fake=top.p_fake if top else None,
            faces=faces,
            faces_found=faces_found,
            whole_picture=judged_whole or not self.card.crop.square,
            threshold=self.card.threshold,
            model=self.card.name,
        )

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

    def _judge(
        self, image: NDArray[np.uint8], boxes: Sequence[FaceBox], min_face_px: int
    ) -> tuple[FaceAnalysis, ...]:
        """Score all judgeable boxes in one batch; the others are too small."""
        large = [max(box.width, box.height) >= min_face_px for box in boxes]
        size = self.card.input_shape[:2]
        crops = [
            face_crops.crop(image, box, self.card.crop, size)
            for box, judgeable in zip(boxes, large, strict=True)
            if judgeable
        ]
        batch = np.stack(crops) if crops else np.zeros((0, *size, 3), dtype=np.uint8)
        scores = iter(self.score_crops(batch).tolist())
        return tuple(
            self._face(box, next(scores) if judgeable else None)
            for box, judgeable in zip(boxes, large, strict=True)
        )

    def _face(self, box: FaceBox, p_fake: float | None) -> FaceAnalysis:
        if p_fake is None:
            return FaceAnalysis(box, Verdict.TOO_SMALL, None)
        return FaceAnalysis(box, verdict_of(p_fake, self.card.threshold), p_fake)


def _highest_scoring(faces: Sequence[FaceAnalysis]) -> FaceAnalysis | None:
    """The judged face with the highest P(fake); an unjudged one only if none was."""
    judged = [face for face in faces if face.p_fake is not None]
    if not judged:
        return faces[0] if faces else None
    return max(judged, key=lambda face: face.p_fake or 0.0)
