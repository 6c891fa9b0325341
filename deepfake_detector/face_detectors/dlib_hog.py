"""dlib's frontal face detector: compiled in, so it needs no weights file.

The detector slides an 80-pixel window over histograms of oriented gradients [1]_.

References
----------
.. [1] Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection",
   CVPR 2005.
"""

import pickle
import threading
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.exceptions import MissingPackageError
from deepfake_detector.face_crops import FaceBox

#: Longest side of a copy that is searched, pixels; smaller pictures stay as they are.
#: Faces under a sixteenth of it are smaller than the window and not found.
SEARCH_PX: Final = 1280

#: Where nothing is found, a smaller copy is enlarged by this factor and searched again.
SECOND_LOOK: Final = 1.5


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
        boxes = self._search(grey, min(1.0, largest))
        if not boxes and largest > 1.0:
            boxes = self._search(grey, min(SECOND_LOOK, largest))
        return sorted(boxes, key=lambda box: box.width * box.height, reverse=True)

    def _search(self, grey: Image.Image, scale: float) -> list[FaceBox]:
        """Search a scaled copy; boxes come back in the original's pixels."""
        width, height = (max(1, round(side * scale)) for side in grey.size)
        copy = np.asarray(grey.resize((width, height), Image.Resampling.BILINEAR))
        boxes = (
            _box(rectangle, grey.width / width, grey.height / height, grey.size)
            for rectangle in self._detector()(copy)
        )
        return [box for box in boxes if box.width > 0 and box.height > 0]

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


def _box(
    rectangle: Any, x_scale: float, y_scale: float, size: tuple[int, int]
) -> FaceBox:
    """Turn a dlib rectangle of the copy into a box inside the original picture."""
    left = max(0.0, rectangle.left() * x_scale)
    top = max(0.0, rectangle.top() * y_scale)
    right = min(float(size[0]), rectangle.right() * x_scale)
    bottom = min(float(size[1]), rectangle.bottom() * y_scale)
    return FaceBox(left, top, right - left, bottom - top)
