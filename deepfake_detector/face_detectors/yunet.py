"""YuNet through OpenCV: also turned and small faces, given its weights file [1]_.

References
----------
.. [1] Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine
   Intelligence Research 20, 2023. The file is `face_detection_yunet_2023mar.onnx` of
   the OpenCV model zoo, MIT licence.
"""

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.config import ENV_PREFIX
from deepfake_detector.exceptions import ArtifactError, MissingPackageError
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.face_search import Candidate, distinct_faces
from deepfake_detector.picture import Picture

MODEL_VARIABLE: Final = ENV_PREFIX + "FACE_MODEL"

#: The file this class was written for: its size in bytes and its SHA-256.
MODEL_BYTES: Final = 232_589
MODEL_SHA256: Final = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"

#: Longer sides of the copies that are searched: large faces are found in the small one,
#: small faces in the large one. A small picture is searched as it is.
SEARCH_PX: Final = (320, 1280)

#: OpenCV's own defaults: least score in [0, 1], overlap of two boxes of one face, and
#: most boxes that are looked at.
_OPTIONS: Final = (0.9, 0.3, 5000)

#: Columns of an answer: left, top, width and height, five landmarks, the score.
_COLUMNS: Final = 15


class YuNet:
    """Faces by a small convolutional network, one OpenCV detector a thread.

    Parameters
    ----------
    model : Path, optional
        Its weights file; by default the one that ``DEEPFAKE_FACE_MODEL`` names.

    Raises
    ------
    ArtifactError
        If no file is named, or what is there is not the file by its SHA-256.
    MissingPackageError
        If OpenCV is not installed.
    """

    takes_model: ClassVar[bool] = True

    def __init__(self, model: Path | None = None) -> None:
        self._weights = np.frombuffer(_checked_model(model), dtype=np.uint8)
        self._cv2 = _opencv()
        self._local = threading.local()

    def detect(self, image: NDArray[np.uint8] | Picture) -> list[FaceBox]:
        """Find faces.

        Parameters
        ----------
        image : ndarray of shape (H, W, 3), uint8, or Picture
            RGB picture.

        Returns
        -------
        list of FaceBox
            Squares from the eyebrows to the chin, cut at the picture's border, largest
            first.
        """
        image = Picture.of(image).all_pixels
        size = image.shape[1], image.shape[0]
        scales = {min(1.0, side / max(size)) for side in SEARCH_PX}
        found = [one for scale in scales for one in self._look(image, scale)]
        return distinct_faces(found, size)

    def _look(self, image: NDArray[np.uint8], scale: float) -> Iterator[Candidate]:
        """Search a scaled copy; boxes come back in the picture's pixels."""
        size = image.shape[1], image.shape[0]
        width, height = (max(1, round(side * scale)) for side in size)
        copy = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
        blue_first = np.ascontiguousarray(np.asarray(copy)[..., ::-1])
        detector = self._detector()
        detector.setInputSize((width, height))
        _, rows = detector.detect(blue_first)
        for row in [] if rows is None else np.reshape(rows, (-1, _COLUMNS)).tolist():
            if np.isfinite(row).all():
                box = _eyebrows_to_chin(*row[:4])
                yield Candidate(
                    _scaled(box, size[0] / width, size[1] / height), row[-1]
                )

    def _detector(self) -> Any:
        """Return this thread's own detector: one holds the size it was last given."""
        if not hasattr(self._local, "detector"):
            no_config = np.zeros(0, dtype=np.uint8)
            try:
                self._local.detector = self._cv2.FaceDetectorYN.create(
                    "onnx", self._weights, no_config, (320, 320), *_OPTIONS
                )
            except self._cv2.error as error:
                raise ArtifactError(
                    "OpenCV cannot load the face model; update it: "
                    "pip install -U opencv-python-headless"
                ) from error
        return self._local.detector


def _checked_model(model: Path | None) -> bytes:
    """Read the weights file; messages do not say where it lies."""
    named = model or Path(os.environ.get(MODEL_VARIABLE, ""))
    if named == Path():
        raise ArtifactError(
            "the yunet face detector needs its weights file: set --face-model or "
            f"{MODEL_VARIABLE} to face_detection_yunet_2023mar.onnx"
        )
    try:
        size = named.stat().st_size
        data = named.read_bytes() if size == MODEL_BYTES else b""
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ArtifactError(
            "the face model cannot be read: expected a file at the path that "
            f"{MODEL_VARIABLE} names ({error.__class__.__name__})"
        ) from error
    if hashlib.sha256(data).hexdigest() != MODEL_SHA256:
        raise ArtifactError(
            f"the face model is another file or damaged: expected {MODEL_BYTES} bytes "
            f"with SHA-256 {MODEL_SHA256}, got {size} bytes; download "
            "face_detection_yunet_2023mar.onnx from the OpenCV model zoo again"
        )
    return data


def _opencv() -> Any:
    try:
        import cv2
    except ImportError as error:
        raise MissingPackageError(
            "the yunet face detector needs OpenCV: pip install opencv-python-headless"
        ) from error
    return cv2


def _eyebrows_to_chin(left: float, top: float, width: float, height: float) -> FaceBox:
    """The lower square of YuNet's box, which begins at the hairline."""
    side = min(width, height)
    return FaceBox(left + (width - side) / 2, top + height - side, side, side)


def _scaled(box: FaceBox, x_scale: float, y_scale: float) -> FaceBox:
    return FaceBox(
        box.left * x_scale, box.top * y_scale, box.width * x_scale, box.height * y_scale
    )
