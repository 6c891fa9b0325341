"""Table of face detectors: an RGB picture in, face boxes in its own pixels out.

A new detector is one file with a class that has :meth:`FaceDetector.detect`, and one
line here. One instance may be used from many threads at once.
"""

import hashlib
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.exceptions import ArtifactError
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.picture import Picture
from deepfake_detector.registry import Registry


class FaceDetector(Protocol):
    """What every face detector does."""

    def detect(self, image: NDArray[np.uint8] | Picture) -> list[FaceBox]:
        """Find the faces of a picture.

        Parameters
        ----------
        image : ndarray of shape (H, W, 3), uint8, or Picture
            RGB picture.

        Returns
        -------
        list of FaceBox
            Boxes in pixels of the picture, largest first; empty if no face was found.
        """
        ...


FACE_DETECTORS = Registry(
    "face detector",
    [
        ("dlib_hog", "deepfake_detector.face_detectors.dlib_hog:DlibHog"),
        (
            "whole_picture",
            "deepfake_detector.face_detectors.whole_picture:WholePicture",
        ),
        ("yunet", "deepfake_detector.face_detectors.yunet:YuNet"),
    ],
)


def load_face_detector(name: str, model: Path | None = None) -> FaceDetector:
    """Make the face detector of that name.

    Parameters
    ----------
    name : str
        A name of the table.
    model : Path, optional
        Weights file for a detector that takes one; the others leave it unread.

    Returns
    -------
    FaceDetector
        Ready to use from many threads.

    Raises
    ------
    ArtifactError
        If its weights file is missing or another.
    MissingPackageError
        If its package is not installed.
    UnknownNameError
        If the table has no such name.
    """
    detector = FACE_DETECTORS.get(name)
    made: FaceDetector = detector(model) if _takes_model(name) else detector()
    return made


def face_model_hash(name: str, model: Path | None) -> str | None:
    """Hash the weights file of a face detector.

    Parameters
    ----------
    name : str
        A name of the table.
    model : Path or None
        Weights file for a detector that takes one.

    Returns
    -------
    str or None
        Its SHA-256 in hex; None where no file is given, or the detector takes none.

    Raises
    ------
    ArtifactError
        If the file cannot be read.
    UnknownNameError
        If the table has no such name.
    """
    if model is None or not _takes_model(name):
        return None
    try:
        # Reading a pipe that nobody writes to would wait for ever.
        data = model.read_bytes() if model.is_file() else None
    except OSError:
        data = None
    if data is None:
        raise ArtifactError(
            f"the face model cannot be read: the {name} face detector expects a file "
            "with its weights, found none that may be read; check --face-model"
        )
    return hashlib.sha256(data).hexdigest()


def _takes_model(name: str) -> bool:
    return getattr(FACE_DETECTORS.get(name), "takes_model", False)
