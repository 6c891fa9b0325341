"""dlib's frontal face detector: compiled in, so it needs no weights file.

A file of it ships all the same, which dlib reads much faster than it makes it.

The detector slides an 80-pixel window over histograms of oriented gradients [1]_.

References
----------
.. [1] Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection",
   CVPR 2005.
"""

import hashlib
import pickle
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.config import REPOSITORY
from deepfake_detector.exceptions import MissingPackageError
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.face_proposals import FaceProposer, thinned
from deepfake_detector.face_search import Candidate, distinct_faces
from deepfake_detector.picture import Picture, PictureCopy

#: What `dlib.get_frontal_face_detector().save(...)` writes, and its SHA-256.
SAVED: Final = REPOSITORY / "models" / "dlib_hog" / "frontal_faces.svm"
SAVED_SHA256: Final = "f3f7aa833fb4a14a46fc48689f45b98d85ef72d6dfaf8bdc012b7d3c522a5426"

#: Longer side of a small picture, which is searched as it is; of a larger one a copy of
#: this size is searched last, where nothing sure is found at a larger size.
SMALL_PX: Final = 640

#: Where nothing sure is found, a small picture is enlarged by this factor and searched
#: again.
SECOND_LOOK: Final = 1.5

#: Most places in a large picture that are looked at.
MOST_PROPOSALS: Final = 48

#: Side of what is cut out around a proposal, in sides of the face, and how many pixels
#: the face has there: the second where nothing was sure at the first, because dlib
#: misses some faces at a size at which it sees others (docs/faces.md).
_WINDOW_FACES: Final = 1.8
_FACE_PX: Final = (96, 112)

#: Logit from which a place is worth the second of these looks.
_SECOND_LOOK_LOGIT: Final = 1.0

#: A part is thinned first as long as this many of its pixels become one.
_OVERSAMPLED: Final = 0.5

#: The detector is five: frontal, looking left and right, tilted left and right.
TILTED: Final = (3, 4)

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
    searches_large : bool, default True
        Whether large pictures are searched for small faces too; else a small copy of
        them is searched alone, and no network is loaded.

    Raises
    ------
    ArtifactError
        If the network that proposes faces is missing or altered.
    MissingPackageError
        If dlib or openvino is not installed.
    """

    def __init__(self, searches_large: bool = True) -> None:
        self._pickled = _pickled_detector()
        self._proposer = FaceProposer() if searches_large else None
        self._local = threading.local()

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
        picture = Picture.of(image)
        size = picture.width, picture.height
        finds: list[_Find] = []
        if self._proposer and max(size) > SMALL_PX:
            finds = self._search_proposals(picture, self._proposer)
        if not _sure(finds):
            finds = self._search_small(picture)
        return distinct_faces(finds, size)

    def _search_small(self, picture: Picture) -> list[_Find]:
        """Sure faces of a small copy, or else the best of those that may be one."""
        size = picture.width, picture.height
        scale = min(1.0, SMALL_PX / max(size))
        whole = FaceBox(0, 0, *size)
        source = picture.first_copy()
        finds = self._look(source, whole, scale)
        if not _sure(finds):
            finds += self._look(source, whole, scale * SECOND_LOOK)
        likely = sorted(
            (find for find in finds if find.passes(LONE)), key=lambda find: find.score
        )
        return _sure(finds) or likely[-1:]

    def _search_proposals(
        self, picture: Picture, proposer: FaceProposer
    ) -> list[_Find]:
        """Sure faces where the proposing network saw any."""
        finds: list[_Find] = []
        for proposal in proposer.propose(picture, MOST_PROPOSALS):
            side = proposal.box.width
            window = _window(proposal.box.centre, _WINDOW_FACES * side, picture)
            # What is unsure is not worth decoding a large picture more finely for.
            found = _sure(self._look(picture.first_copy(), window, _FACE_PX[0] / side))
            if not found and proposal.score >= _SECOND_LOOK_LOGIT:
                scale = _FACE_PX[1] / side
                found = _sure(self._look(picture.copy_for(1.0, scale), window, scale))
            finds += found
        return finds

    def _look(self, source: PictureCopy, part: FaceBox, scale: float) -> list[_Find]:
        """Search a scaled grey copy of a part; boxes come back in picture's pixels."""
        width = max(1, round(part.width * scale))
        height = max(1, round(part.height * scale))
        near = source.box(part)
        left, top = int(near.left), int(near.top)
        right, bottom = ceil(near.left + near.width), ceil(near.top + near.height)
        cut = source.image[top:bottom, left:right]
        factor = max(1, int(_OVERSAMPLED * source.across / scale))
        factor = min(factor, *cut.shape[:2])
        cut = thinned(cut, factor)
        grey = Image.fromarray(cut).convert("L")
        copy = grey.resize((width, height), Image.Resampling.BILINEAR)
        found = self._detector().run(np.asarray(copy), 0, min(LONE))
        scales = (
            cut.shape[1] * factor / width / source.across,
            cut.shape[0] * factor / height / source.down,
        )
        at = left / source.across, top / source.down
        return [
            _Find(_box(rectangle, scales, at), score, kind in TILTED)
            for rectangle, score, kind in zip(*found, strict=True)
        ]

    def _detector(self) -> Any:
        """Return this thread's own dlib detector."""
        if not hasattr(self._local, "detector"):
            # Our own bytes, made in this process.
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
    detector = (
        dlib.fhog_object_detector(str(SAVED))
        if _is_whole(SAVED)
        else dlib.get_frontal_face_detector()  # the same one
    )
    return pickle.dumps(detector)


def _is_whole(saved: Path) -> bool:
    """Whether the file is there and what dlib wrote."""
    try:
        return hashlib.sha256(saved.read_bytes()).hexdigest() == SAVED_SHA256
    except OSError:
        return False


def _sure(finds: Sequence[_Find]) -> list[_Find]:
    return [find for find in finds if find.passes(SURE)]


def _box(
    rectangle: Any, scales: tuple[float, float], at: tuple[float, float]
) -> FaceBox:
    """Turn a dlib rectangle of a part's copy into a box of the picture."""
    left, right = (x * scales[0] for x in (rectangle.left(), rectangle.right()))
    top, bottom = (y * scales[1] for y in (rectangle.top(), rectangle.bottom()))
    return FaceBox(at[0] + left, at[1] + top, right - left, bottom - top)


def _window(centre: tuple[float, float], side: float, picture: Picture) -> FaceBox:
    """A square around a place, in whole pixels, cut at the picture's border."""
    edges = []
    for at, length in zip(centre, picture.shape[1::-1], strict=True):
        edges += [max(0, round(at - side / 2)), min(length, round(at + side / 2))]
    left, right, top, bottom = edges
    return FaceBox(left, top, right - left, bottom - top)
