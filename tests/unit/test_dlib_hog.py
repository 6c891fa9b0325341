"""How pictures of every size are searched, with dlib's detector replaced by a fake."""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any, NamedTuple

import dlib
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector import images
from deepfake_detector.datasets.face_drawing import draw_face
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.face_detectors import dlib_hog
from deepfake_detector.face_detectors.dlib_hog import DlibHog
from deepfake_detector.face_search import Candidate


class Rectangle(NamedTuple):
    x: float
    y: float
    side: float

    def left(self) -> float:
        return self.x

    def top(self) -> float:
        return self.y

    def right(self) -> float:
        return self.x + self.side

    def bottom(self) -> float:
        return self.y + self.side


Find = tuple[Rectangle, float, int]


class FakeDetector:
    """Answers by the copy's size, and writes down which copies it saw."""

    def __init__(self, answer: Callable[[int, int], list[Find]]) -> None:
        self.answer = answer
        self.seen: list[tuple[int, int]] = []

    def run(self, copy: NDArray[np.uint8], upsample: int, least: float) -> Any:
        assert upsample == 0
        height, width = copy.shape
        self.seen.append((width, height))
        finds = [find for find in self.answer(width, height) if find[1] >= least]
        return tuple(map(list, zip(*finds, strict=True))) if finds else ([], [], [])


class FakeProposer:
    """Proposes what it was told to."""

    def __init__(self, proposals: list[Candidate]) -> None:
        self.proposals = proposals

    def propose(self, image: NDArray[np.uint8], most: int) -> list[Candidate]:
        return self.proposals[:most]


def search(
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[int, int], list[Find]],
    size: tuple[int, int],
    proposals: Sequence[FaceBox] = (),
) -> tuple[list[FaceBox], list[tuple[int, int]]]:
    """Boxes on a flat picture of a size, and the copies that were looked at."""
    fake = FakeDetector(answer)
    monkeypatch.setattr(DlibHog, "_detector", lambda self: fake)
    proposer = FakeProposer([Candidate(box, 1.0) for box in proposals])
    monkeypatch.setattr(dlib_hog, "FaceProposer", lambda: proposer)
    image = np.full((size[1], size[0], 3), 90, dtype=np.uint8)
    return DlibHog().detect(image), fake.seen


def at(score: float, kind: int = 0, x: float = 10) -> Find:
    return Rectangle(x, 20, 90), score, kind


def test_small_picture_is_looked_at_once_where_a_face_is_sure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, seen = search(monkeypatch, lambda w, h: [at(0.0)], (300, 200))
    assert seen == [(300, 200)]
    assert found == [FaceBox(10, 20, 90, 90)]


def test_second_look_maps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    found, seen = search(
        monkeypatch, lambda w, h: [at(1.0)] if w == 450 else [], (300, 200)
    )
    assert seen == [(300, 200), (450, 300)]
    (box,) = found
    assert astuple(box) == pytest.approx((10 / 1.5, 20 / 1.5, 60, 60))


@pytest.mark.parametrize(
    ("finds", "kept"),
    [
        ([at(1.2), at(0.1, x=150)], 2),
        ([at(1.2), at(-0.1, x=150)], 1),
        ([at(1.2), at(0.4, kind=3, x=150)], 1),
        ([at(1.2), at(0.6, kind=4, x=150)], 2),
        ([at(-0.1), at(-0.15, x=150)], 1),
        ([at(-0.21)], 0),
        ([at(0.1, kind=3)], 1),
        ([at(-0.1, kind=4)], 0),
        ([], 0),
    ],
)
def test_which_finds_count(
    monkeypatch: pytest.MonkeyPatch, finds: list[Find], kept: int
) -> None:
    found, _ = search(monkeypatch, lambda w, h: finds if w == 300 else [], (300, 200))
    assert len(found) == kept


def test_best_unsure_find_of_both_looks_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = {300: [at(-0.1)], 450: [at(-0.05, x=150)]}
    (box,), _ = search(monkeypatch, lambda w, h: answers[w], (300, 200))
    assert box.left == 100


def test_large_picture_is_looked_at_where_a_face_is_proposed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, seen = search(
        monkeypatch,
        lambda w, h: [at(1.0)],
        (4000, 3000),
        [FaceBox(1000, 500, 192, 192)],
    )
    assert seen == [(173, 173)]  # 1.8 sides, a side being 96 pixels
    left, top = 1000 + 96 - 173 + 2 * 10, 500 + 96 - 173 + 2 * 20
    assert astuple(found[0]) == pytest.approx((left, top, 180, 180), abs=1.5)
    assert len(found) == 1


def test_proposal_of_nothing_sure_is_looked_at_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, seen = search(
        monkeypatch,
        lambda w, h: [at(1.0)] if w == 202 else [at(-0.1)],
        (4000, 3000),
        [FaceBox(1000, 500, 192, 192)],
    )
    assert seen == [(173, 173), (202, 202)]
    assert len(found) == 1


def test_face_that_two_proposals_lead_to_is_found_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twice = [FaceBox(1000, 500, 192, 192), FaceBox(1010, 505, 192, 192)]
    found, seen = search(monkeypatch, lambda w, h: [at(1.0)], (4000, 3000), twice)
    assert len(seen) == 2
    assert len(found) == 1


@pytest.mark.parametrize(
    "proposal",
    [
        FaceBox(-150, -150, 200, 200),
        FaceBox(3950, 2950, 200, 200),
        FaceBox(-500, -500, 6000, 6000),
        FaceBox(10, 10, 20, 20),
    ],
)
def test_proposal_that_leaves_the_picture_is_cut(
    monkeypatch: pytest.MonkeyPatch, proposal: FaceBox
) -> None:
    found, seen = search(monkeypatch, lambda w, h: [at(1)], (4000, 3000), [proposal])
    assert len(seen) == 1
    assert max(seen[0]) <= 174
    for box in found:
        assert 0 <= box.left <= box.left + box.width <= 4000
        assert 0 <= box.top <= box.top + box.height <= 3000


@pytest.mark.parametrize("proposals", [[], [FaceBox(1000, 500, 192, 192)]])
def test_large_picture_without_a_sure_face_is_searched_as_a_small_one(
    monkeypatch: pytest.MonkeyPatch, proposals: list[FaceBox]
) -> None:
    found, seen = search(monkeypatch, lambda w, h: [at(-0.1)], (1280, 960), proposals)
    assert seen[-2:] == [(640, 480), (960, 720)]
    assert len(seen) == 2 + 2 * len(proposals)
    (box,) = found
    assert box.width == pytest.approx(120)


def test_small_copy_alone_is_searched_where_no_more_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeDetector(lambda w, h: [at(1.0)])
    monkeypatch.setattr(DlibHog, "_detector", lambda self: fake)
    monkeypatch.setattr(dlib_hog, "FaceProposer", None)
    image = np.full((960, 1280, 3), 90, dtype=np.uint8)
    assert len(DlibHog(searches_large=False).detect(image)) == 1
    assert fake.seen == [(640, 480)]


@pytest.mark.parametrize("size", [(20_000, 200), (3, 4000), (641, 1)])
def test_strips_are_searched_in_few_looks(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    found, seen = search(monkeypatch, lambda w, h: [], size)
    assert found == []
    assert len(seen) <= 2


def group_photo() -> tuple[NDArray[np.uint8], list[FaceBox]]:
    """Drawn people on a wall of 12 megapixels, faces of 74 to 590 pixels."""
    image = np.full((3000, 4000, 3), (120, 150, 190), dtype=np.uint8)
    faces = []
    for seed, (left, top, side) in enumerate(
        [(200, 200, 1000), (1700, 300, 500), (3000, 200, 250), (3300, 2600, 125)]
    ):
        image[top : top + side, left : left + side] = draw_face(seed, side)
        (own,) = DlibHog().detect(draw_face(seed, 250))
        x, y, width = (v * side / 250 for v in (own.left, own.top, own.width))
        faces.append(FaceBox(left + x, top + y, width, width))
    return image, faces


def is_found(face: FaceBox, boxes: list[FaceBox]) -> bool:
    return any(
        box.centre == pytest.approx(face.centre, abs=0.2 * face.width)
        and box.width == pytest.approx(face.width, rel=0.35)
        for box in boxes
    )


def test_twelve_megapixels_that_exif_turns_give_each_face_once() -> None:
    image, faces = group_photo()
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side
    turned = Image.fromarray(image).transpose(Image.Transpose.ROTATE_90)
    turned.save(file, "JPEG", quality=92, exif=exif)
    upright = images.decode(file.getvalue())
    assert upright.shape == image.shape
    boxes = DlibHog().detect(upright)
    assert [is_found(face, boxes) for face in faces] == [True] * 4
    assert len(boxes) == 4


def test_file_is_what_dlib_makes(tmp_path: Path) -> None:
    """Also when a new dlib comes: `dlib.get_frontal_face_detector().save(...)`."""
    made = tmp_path / "made.svm"
    dlib.get_frontal_face_detector().save(str(made))
    assert dlib_hog.SAVED.read_bytes() == made.read_bytes()
    assert hashlib.sha256(made.read_bytes()).hexdigest() == dlib_hog.SAVED_SHA256


@pytest.mark.parametrize("content", [None, b"", b"another detector"])
def test_detector_is_made_where_the_file_is_not_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    read = dlib_hog._pickled_detector()
    file = tmp_path / "frontal_faces.svm"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setattr(dlib_hog, "SAVED", file)
    assert dlib_hog._pickled_detector.__wrapped__() == read
