"""Each face once, inside the picture, largest first."""

import pytest

from deepfake_detector.face_crops import FaceBox
from deepfake_detector.face_search import Candidate, distinct_faces

SIZE = (400, 300)


def face(left: float, top: float, side: float, score: float = 1.0) -> Candidate:
    return Candidate(FaceBox(left, top, side, side), score)


def test_nothing_found_is_no_face() -> None:
    assert distinct_faces([], SIZE) == []


def test_faces_apart_are_all_kept_largest_first() -> None:
    found = [face(0, 0, 50, 3), face(100, 100, 90, 1), face(300, 0, 70, 2)]
    assert [box.width for box in distinct_faces(found, SIZE)] == [90, 70, 50]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    "weaker",
    [face(105, 105, 100, 0.5), face(150, 150, 40, 0.5), face(60, 60, 190, 0.5)],
    ids=["shifted", "inside", "around"],
)
def test_of_one_face_the_surest_box_is_kept(weaker: Candidate, order: int) -> None:
    sure = face(100, 100, 100, 0.9)
    assert distinct_faces([sure, weaker][::order], SIZE) == [sure.box]


def test_neighbours_that_touch_are_two_faces() -> None:
    found = [face(100, 100, 80), face(170, 110, 80, 0.2)]
    assert len(distinct_faces(found, SIZE)) == 2


def test_dropped_box_does_not_drop_another() -> None:
    # A chain: the middle one goes for the first, so the last stays.
    found = [face(0, 0, 100, 3), face(45, 0, 100, 2), face(90, 0, 100, 1)]
    assert [box.left for box in distinct_faces(found, SIZE)] == [0, 90]


def test_box_is_cut_at_the_border() -> None:
    (box,) = distinct_faces([face(-20, 230, 100)], SIZE)
    assert box == FaceBox(0, 230, 80, 70)


@pytest.mark.parametrize(
    "outside",
    [
        face(-60, 100, 100),
        face(370, 270, 100),
        face(-500, 0, 100),
        face(100, 100, 0),
        Candidate(FaceBox(100, 100, -20, 50), 1.0),
    ],
)
def test_box_mostly_outside_or_empty_is_dropped(outside: Candidate) -> None:
    assert distinct_faces([outside], SIZE) == []
