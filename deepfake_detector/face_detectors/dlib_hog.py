"""dlib's frontal face detector: compiled in, so it needs no weights file.

The detector slides an 80-pixel window over histograms of oriented gradients [1]_.

References
----------
.. [1] Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection",
   CVPR 2005.
"""

import pickle
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.exceptions import MissingPackageError
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.face_search import Candidate, distinct_faces

#: Longest side of a copy that is searched, pixels; smaller pictures stay as they are.
#: Faces under a sixteenth of it are smaller than the window and not found.
SEARCH_PX: Final = 1280

#: Where nothing sure is found, a smaller copy is enlarged by this factor and searched
#: again.
SECOND_LOOK: Final = 1.5

#: The detector is five: frontal, looking left and right, tilted left and right.
_TILTED: Final = (3, 4)

#: Scores from which a find is a face: of the upright three, and of the tilted two, to
#: which folded cloth looks like a face too (docs/faces.md).
SURE: Final = (0.0, 0.5)

#: Scores from which the best find is taken where none is sure: nearly always a face
#: that is dark, blurred or turned.
LONE: Final = (-0.2, 0.0)


@dataclass(frozen=True)
class _Find(Candidate):
    """What dlib's five detectors found, and whether it was one of the tilted two."""

    is_tilted: bool

    def passes(self, least: tuple[float, float]) -> bool:
        return self.score >= least[self.is_tilted]


class DlibHog:
    """Upright frontal faces, one detector a thread: dlib's own is not thread-safe.

    Raises
    ------
    MissingPackageError
        If dlib is not installed.
    """

    def __init__(self) -> None:
        self._pickled = _pickled_detector()
        self._local = threading.local()

    def detect(self, image: NDArray[np.uint8]) -> list[FaceBox]:
        """Find upright frontal faces.

        Parameters
        ----------
        image : ndarray of shape (H, W, 3), uint8
            RGB picture.

        Returns
        -------
        list of FaceBox
            Boxes from the eyebrows to the chin, cut at the picture's border, largest
            first.
        """
        grey = Image.fromarray(image).convert("L")
        largest = SEARCH_PX / max(grey.size)
        finds = self._look(grey, min(1.0, largest))
        if not any(find.passes(SURE) for find in finds) and largest > 1.0:
            finds += self._look(grey, min(SECOND_LOOK, largest))
        return distinct_faces(_faces_among(finds), grey.size)

    def _look(self, grey: Image.Image, scale: float) -> list[_Find]:
        """Search a scaled copy; boxes come back in the original's pixels."""
        width, height = (max(1, round(side * scale)) for side in grey.size)
        copy = np.asarray(grey.resize((width, height), Image.Resampling.BILINEAR))
        found = self._detector().run(copy, 0, min(LONE))
        scales = grey.width / width, grey.height / height
        return [
            _Find(_box(rectangle, *scales), score, kind in _TILTED)
            for rectangle, score, kind in zip(*found, strict=True)
        ]

    def _detector(self) -> Any:
        """Return this thread's own dlib detector."""
        if not hasattr(self._local, "detector"):
            # Our own bytes, made in this process: unpickling takes 2 ms, making 400.
            self._local.detector = pickle.loads(self._pickled)  # noqa: S301
        return self._local.detector


@cache
def _pickled_detector() -> bytes:
    try:
        import dlib
    except ImportError as error:
        raise MissingPackageError(
            "the dlib_hog face detector needs dlib: pip install dlib-bin"
        ) from error
    return pickle.dumps(dlib.get_frontal_face_detector())


def _faces_among(finds: Sequence[_Find]) -> list[_Find]:
    """All that are sure to be faces, or else the best of those that may be."""
    sure = [find for find in finds if find.passes(SURE)]
    if sure:
        return sure
    likely = [find for find in finds if find.passes(LONE)]
    return sorted(likely, key=lambda find: find.score)[-1:]


def _box(rectangle: Any, x_scale: float, y_scale: float) -> FaceBox:
    """Turn a dlib rectangle of the copy into a box of the original picture."""
    left, top = rectangle.left() * x_scale, rectangle.top() * y_scale
    right, bottom = rectangle.right() * x_scale, rectangle.bottom() * y_scale
    return FaceBox(left, top, right - left, bottom - top)
