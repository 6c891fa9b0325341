"""Table of face detectors: an RGB picture in, face boxes in its own pixels out.

A new detector is one file with a class that has :meth:`FaceDetector.detect`, and one
line here. One instance may be used from many threads at once.
"""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

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
    takes_model = getattr(detector, "takes_model", False)
    made: FaceDetector = detector(model) if takes_model else detector()
    return made
