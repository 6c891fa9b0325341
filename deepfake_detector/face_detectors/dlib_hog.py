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
from deepfake_detector.picture import Picture
from deepfake_detector.promising_parts import promising_parts

#: Longer side of a small picture, which is searched as it is; of a larger one a copy of
#: this size is searched last, where nothing sure is found at a larger size.
SMALL_PX: Final = 640

#: Where nothing sure is found, a small picture is enlarged by this factor and searched
#: again.
SECOND_LOOK: Final = 1.5

#: Side of dlib's window, and of the smallest faces that large pictures are searched
#: for: smaller ones are not judged.
_WINDOW_PX: Final = 80
LEAST_FACE_PX: Final = 64

#: Pixels of a large picture's copy that is searched whole, and of the parts of it that
#: are searched at full size besides: 0.1 s a million on one core (docs/faces.md).
WHOLE_PIXELS: Final = 6e6
PART_PIXELS: Final = 6e6

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

    Parameters
    ----------
    whole_pixels : float, default 6e6
        Most pixels of a large picture that are searched as a whole.
    part_pixels : float, default 6e6
        Most pixels that are searched at full size, where small faces may be.

    Raises
    ------
    MissingPackageError
        If dlib is not installed.
    """

    def __init__(
        self, whole_pixels: float = WHOLE_PIXELS, part_pixels: float = PART_PIXELS
    ) -> None:
        self._pickled = _pickled_detector()
        self._local = threading.local()
        self._whole_pixels = whole_pixels
        self._part_pixels = part_pixels

    def detect(self, image: NDArray[np.uint8] | Picture) -> list[FaceBox]:
        """Find upright frontal faces.

        Parameters
        ----------
        image : ndarray of shape (H, W, 3), uint8, or Picture
            RGB picture.

        Returns
        -------
        list of FaceBox
            Boxes from the eyebrows to the chin, cut at the picture's border, largest
            first.
        """
        image = Picture.of(image).all_pixels
        grey = Image.fromarray(image).convert("L")
        scale = min(1.0, SMALL_PX / max(grey.size))
        finds = self._search_large(image, grey) if scale < 1.0 else []
        if not _sure(finds):
            finds = self._search_small(grey, scale)
        return distinct_faces(finds, grey.size)

    def _search_small(self, grey: Image.Image, scale: float) -> list[_Find]:
        """Sure faces of a small copy, or else the best of those that may be one."""
        whole = FaceBox(0, 0, *grey.size)
        finds = self._look(grey, whole, scale)
        if not _sure(finds):
            finds += self._look(grey, whole, scale * SECOND_LOOK)
        likely = sorted(
            (find for find in finds if find.passes(LONE)), key=lambda find: find.score
        )
        return _sure(finds) or likely[-1:]

    def _search_large(self, image: NDArray[np.uint8], grey: Image.Image) -> list[_Find]:
        """Sure faces of a large picture: two looks at all of it, then at parts."""
        full = _WINDOW_PX / LEAST_FACE_PX
        pixels = grey.width * grey.height
        scale = min(full, (self._whole_pixels / pixels) ** 0.5)
        whole = FaceBox(0, 0, *grey.size)
        # dlib misses some large faces at a size at which it sees small ones.
        looks = (self._look(grey, whole, one) for one in (scale, scale / 2))
        finds = [find for look in looks for find in _sure(look)]
        left = self._part_pixels
        if scale < full and left > 0:
            known = distinct_faces(finds, grey.size)
            for part in promising_parts(image, LEAST_FACE_PX, known):
                left -= part.width * part.height * full**2
                if left < 0:
                    break
                finds += _sure(self._look(grey, part, full))
        return finds

    def _look(self, grey: Image.Image, part: FaceBox, scale: float) -> list[_Find]:
        """Search a scaled copy of a part; boxes come back in the picture's pixels."""
        width = max(1, round(part.width * scale))
        height = max(1, round(part.height * scale))
        edges = part.left, part.top, part.left + part.width, part.top + part.height
        copy = grey.resize((width, height), Image.Resampling.BILINEAR, box=edges)
        found = self._detector().run(np.asarray(copy), 0, min(LONE))
        scales = part.width / width, part.height / height
        return [
            _Find(_box(rectangle, scales, part), score, kind in _TILTED)
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


def _sure(finds: Sequence[_Find]) -> list[_Find]:
    return [find for find in finds if find.passes(SURE)]


def _box(rectangle: Any, scales: tuple[float, float], part: FaceBox) -> FaceBox:
    """Turn a dlib rectangle of a part's copy into a box of the picture."""
    left, right = (x * scales[0] for x in (rectangle.left(), rectangle.right()))
    top, bottom = (y * scales[1] for y in (rectangle.top(), rectangle.bottom()))
    return FaceBox(part.left + left, part.top + top, right - left, bottom - top)
