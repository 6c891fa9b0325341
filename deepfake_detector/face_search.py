"""What a face detector's raw finds become: boxes that can be faces, each face once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from deepfake_detector.face_crops import FaceBox

#: Two boxes are of one face where their overlap is this share of their union, ...
SAME_FACE_UNION: Final = 0.3

#: ... or this share of the smaller one, which then lies mostly inside the other.
SAME_FACE_INSIDE: Final = 0.6

#: Share of a box that must lie in the picture: of less there is no face to judge.
LEAST_VISIBLE: Final = 0.5


@dataclass(frozen=True)
class Candidate:
    """A place where a detector saw a face.

    Parameters
    ----------
    box : FaceBox
        Where, in pixels of the picture; may leave it.
    score : float
        How sure the detector is; of two boxes of one face the higher is kept.
    """

    box: FaceBox
    score: float


def distinct_faces(
    candidates: Iterable[Candidate], size: tuple[int, int]
) -> list[FaceBox]:
    """Keep one box a face, cut at the picture's border.

    Parameters
    ----------
    candidates : iterable of Candidate
        What was found, also twice or mostly outside.
    size : (int, int)
        Width and height of the picture, pixels.

    Returns
    -------
    list of FaceBox
        Boxes inside the picture, largest first.
    """
    kept: list[FaceBox] = []
    for candidate in sorted(candidates, key=lambda c: c.score, reverse=True):
        box = candidate.box
        if _visible_share(box, size) < LEAST_VISIBLE:
            continue
        if not any(_is_same_face(box, other) for other in kept):
            kept.append(box)
    cut = (_cut(box, size) for box in kept)
    return sorted(cut, key=lambda box: box.width * box.height, reverse=True)


def _is_same_face(one: FaceBox, other: FaceBox) -> bool:
    shared = overlap(one, other)
    areas = one.width * one.height, other.width * other.height
    return shared > SAME_FACE_UNION * (
        sum(areas) - shared
    ) or shared > SAME_FACE_INSIDE * min(areas)


def overlap(one: FaceBox, other: FaceBox) -> float:
    """Return the area that two boxes share.

    Parameters
    ----------
    one, other : FaceBox
        Boxes in the same picture.

    Returns
    -------
    float
        Square pixels; 0 where they do not meet.
    """
    width = min(one.left + one.width, other.left + other.width) - max(
        one.left, other.left
    )
    height = min(one.top + one.height, other.top + other.height) - max(
        one.top, other.top
    )
    return max(0.0, width) * max(0.0, height)


def _visible_share(box: FaceBox, size: tuple[int, int]) -> float:
    """Share of a box that lies in the picture; 0 of a box without area."""
    area = box.width * box.height
    return overlap(box, FaceBox(0, 0, *size)) / area if area > 0 else 0.0


def _cut(box: FaceBox, size: tuple[int, int]) -> FaceBox:
    """Cut a box at the picture's border."""
    left, top = max(0.0, box.left), max(0.0, box.top)
    right = min(float(size[0]), box.left + box.width)
    bottom = min(float(size[1]), box.top + box.height)
    return FaceBox(left, top, right - left, bottom - top)
