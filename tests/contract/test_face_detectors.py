"""What holds for every face detector of the table; a new one is tested by existing."""

import io
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector import images
from deepfake_detector.exceptions import MissingPackageError
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.face_detectors import (
    FACE_DETECTORS,
    dlib_hog,
    load_face_detector,
)

#: Left, top and side of the portrait's face, pixels.
FACE = (179, 83, 87)

#: Detectors that search for nothing: they answer the picture itself.
DO_NOT_SEARCH = {"whole_picture"}
SEARCHING = sorted(set(FACE_DETECTORS) - DO_NOT_SEARCH)


@pytest.fixture(params=list(FACE_DETECTORS))
def detector(request: pytest.FixtureRequest) -> Any:
    return loaded(request.param)


@pytest.fixture(params=SEARCHING)
def searching_detector(request: pytest.FixtureRequest) -> Any:
    return loaded(request.param)


def loaded(name: str) -> Any:
    """The detector; skips where a weights file it needs is not named."""
    takes_model = getattr(FACE_DETECTORS.get(name), "takes_model", False)
    if takes_model and not os.environ.get("DEEPFAKE_FACE_MODEL"):
        pytest.skip(f"{name} needs DEEPFAKE_FACE_MODEL")
    return load_face_detector(name)


def scaled(image: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    height, width = (round(side * factor) for side in image.shape[:2])
    return np.asarray(Image.fromarray(image).resize((width, height)))


def two_portraits(portrait: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The portrait twice: small on the left, large on the right."""
    face = portrait[20:276, 90:346]
    canvas = np.full((420, 720, 3), 90, dtype=np.uint8)
    canvas[20:276, 20:276] = face
    canvas[20:404, 310:694] = scaled(face, 1.5)
    return canvas


def varied_crops(portrait: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Forty pictures of several sizes, faces in other places, some without any."""
    rng = np.random.default_rng(3)
    for _ in range(40):
        side = int(rng.integers(90, 300))
        left, top = rng.integers(0, 512 - side, 2)
        part = portrait[top : top + side, left : left + side]
        yield np.ascontiguousarray(part[:, :: rng.choice([-1, 1])])


def is_inside(box: FaceBox, image: NDArray[np.uint8]) -> bool:
    height, width = image.shape[:2]
    return (
        min(box.left, box.top) >= 0
        and min(box.width, box.height) > 0
        and box.left + box.width <= width + 1e-6
        and box.top + box.height <= height + 1e-6
    )


def holds(box: FaceBox, x: float, y: float) -> bool:
    is_across = box.left < x < box.left + box.width
    return is_across and box.top < y < box.top + box.height


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.0, 2.5])
def test_planted_face_is_found(
    detector: Any, portrait: NDArray[np.uint8], factor: float
) -> None:
    left, top, side = (factor * value for value in FACE)
    boxes = detector.detect(scaled(portrait, factor))
    assert any(holds(box, left + side / 2, top + side / 2) for box in boxes)


def test_found_box_is_the_faces_own(
    searching_detector: Any, portrait: NDArray[np.uint8]
) -> None:
    (box,) = searching_detector.detect(portrait)
    found = (box.left, box.top, max(box.width, box.height))
    np.testing.assert_allclose(found, FACE, atol=0.2 * FACE[2])


def test_largest_face_comes_first(
    searching_detector: Any, portrait: NDArray[np.uint8]
) -> None:
    first, second = searching_detector.detect(two_portraits(portrait))
    assert first.width * first.height > second.width * second.height
    assert first.left > second.left


def test_boxes_lie_inside_the_picture(
    detector: Any, portrait: NDArray[np.uint8]
) -> None:
    pictures = [portrait, portrait[:, 200:], portrait[110:], *varied_crops(portrait)]
    for image in pictures:
        assert all(is_inside(box, image) for box in detector.detect(image))


FLAT_SIZES = [(1, 1), (1, 3000), (3000, 1), (64, 64), (300, 500)]


@pytest.mark.parametrize("level", [0, 127, 255])
@pytest.mark.parametrize("size", FLAT_SIZES)
def test_nothing_is_found_on_a_flat_picture(
    searching_detector: Any, size: tuple[int, int], level: int
) -> None:
    image = np.full((*size, 3), level, dtype=np.uint8)
    assert searching_detector.detect(image) == []


@pytest.mark.parametrize("name", DO_NOT_SEARCH)
@pytest.mark.parametrize("size", FLAT_SIZES)
def test_detector_that_does_not_search_answers_the_picture(
    name: str, size: tuple[int, int]
) -> None:
    image = np.zeros((*size, 3), dtype=np.uint8)
    assert FACE_DETECTORS.get(name)().detect(image) == [FaceBox(0, 0, size[1], size[0])]


def test_picture_is_left_as_it_is(detector: Any, portrait: NDArray[np.uint8]) -> None:
    image = portrait.copy()
    detector.detect(image)
    np.testing.assert_array_equal(image, portrait)


def test_four_threads_give_the_answers_of_one(
    detector: Any, portrait: NDArray[np.uint8]
) -> None:
    pictures = list(varied_crops(portrait))
    expected = [detector.detect(image) for image in pictures]
    assert any(expected)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detector.detect, pictures)) == expected


def test_missing_dlib_names_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    monkeypatch.setattr(
        dlib_hog, "_pickled_detector", dlib_hog._pickled_detector.__wrapped__
    )
    with pytest.raises(MissingPackageError, match="pip install dlib-bin$"):
        FACE_DETECTORS.get("dlib_hog")()


@pytest.mark.parametrize("quality", [95, 75, 50])
@pytest.mark.parametrize("factor", [0.7, 0.75, 0.9, 1.0, 2.0])
def test_folded_cloth_is_no_second_face(
    searching_detector: Any,
    portrait: NDArray[np.uint8],
    factor: float,
    quality: int,
) -> None:
    file = io.BytesIO()
    Image.fromarray(scaled(portrait, factor)).save(file, "JPEG", quality=quality)
    assert len(searching_detector.detect(images.decode(file.getvalue()))) == 1
