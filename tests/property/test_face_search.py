"""Whatever a detector saw: one box a face, inside the picture, largest first."""

from hypothesis import assume, given
from hypothesis import strategies as st

from deepfake_detector.face_crops import FaceBox
from deepfake_detector.face_search import Candidate, distinct_faces, overlap

SIZE = (100, 80)

places = st.integers(-150, 200)
lengths = st.integers(0, 150)
boxes = st.builds(FaceBox, places, places, lengths, lengths)
inside = st.builds(
    FaceBox, st.integers(0, 60), st.integers(0, 40), *[st.integers(1, 40)] * 2
)


def candidates(
    of: st.SearchStrategy[FaceBox],
) -> st.SearchStrategy[list[Candidate]]:
    """Finds of which no two are equally sure."""
    pairs = st.tuples(of, st.integers(-50, 50))
    found = st.lists(pairs, max_size=12, unique_by=lambda pair: pair[1])
    return found.map(lambda pairs: [Candidate(box, score) for box, score in pairs])


@given(candidates(boxes))
def test_boxes_lie_in_the_picture_largest_first(found: list[Candidate]) -> None:
    faces = distinct_faces(found, SIZE)
    areas = [box.width * box.height for box in faces]
    assert areas == sorted(areas, reverse=True)
    assert len(faces) <= len(found)
    for box in faces:
        assert box.width > 0 and box.height > 0
        assert box.left >= 0 and box.left + box.width <= SIZE[0]
        assert box.top >= 0 and box.top + box.height <= SIZE[1]


@given(candidates(boxes), st.randoms(use_true_random=False))
def test_order_of_the_finds_does_not_matter(found: list[Candidate], rng) -> None:  # type: ignore[no-untyped-def]
    mixed = found.copy()
    rng.shuffle(mixed)
    areas = [box.width * box.height for box in distinct_faces(found, SIZE)]
    assume(len(set(areas)) == len(areas))
    assert distinct_faces(mixed, SIZE) == distinct_faces(found, SIZE)


@given(candidates(boxes))
def test_each_box_is_what_the_picture_shows_of_a_find(found: list[Candidate]) -> None:
    for face in distinct_faces(found, SIZE):
        area = face.width * face.height
        assert any(
            overlap(face, find.box) == area >= find.box.width * find.box.height / 2
            for find in found
        )


@given(candidates(inside))
def test_surest_find_is_kept_and_twins_are_not(found: list[Candidate]) -> None:
    faces = distinct_faces(found, SIZE)
    if found:
        assert max(found, key=lambda find: find.score).box in faces
    for number, one in enumerate(faces):
        for other in faces[number + 1 :]:
            shared = overlap(one, other)
            smaller = other.width * other.height
            assert shared <= 0.6 * smaller
            assert shared <= 0.3 * (one.width * one.height + smaller - shared)


@given(candidates(inside))
def test_searching_again_among_the_faces_changes_nothing(
    found: list[Candidate],
) -> None:
    faces = distinct_faces(found, SIZE)
    again = [Candidate(box, -number) for number, box in enumerate(faces)]
    assert distinct_faces(again, SIZE) == faces


@given(boxes, boxes)
def test_overlap_is_mutual_and_no_more_than_either(
    one: FaceBox, other: FaceBox
) -> None:
    shared = overlap(one, other)
    assert shared == overlap(other, one)
    assert 0 <= shared <= min(one.width * one.height, other.width * other.height)
