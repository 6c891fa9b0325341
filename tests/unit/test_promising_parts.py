"""Parts of a large picture where small faces may be: around them, and not elsewhere."""

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector.datasets.face_drawing import draw_face
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.promising_parts import promising_parts

FACE_PX = 64


def holds(part: FaceBox, face: FaceBox) -> bool:
    return (
        part.left <= face.left
        and part.top <= face.top
        and part.left + part.width >= face.left + face.width
        and part.top + part.height >= face.top + face.height
    )


def scene(*places: tuple[int, int], grey: bool = False) -> NDArray[np.uint8]:
    """Drawn heads 120 pixels high on a blue wall."""
    image = np.full((1200, 1600, 3), (90, 120, 200), dtype=np.uint8)
    for seed, (left, top) in enumerate(places):
        image[top : top + 120, left : left + 120] = draw_face(seed, 120)
    if grey:
        image[:] = image.mean(axis=2, keepdims=True).astype(np.uint8)
    return image


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("place", [(0, 0), (700, 500), (1480, 1080), (250, 1000)])
def test_part_holds_the_face_and_little_else(
    place: tuple[int, int], grey: bool
) -> None:
    parts = promising_parts(scene(place, grey=grey), FACE_PX, [])
    face = FaceBox(place[0] + 30, place[1] + 40, 60, 60)
    assert any(holds(part, face) for part in parts)
    assert sum(part.width * part.height for part in parts) < 0.25 * 1600 * 1200


def test_parts_lie_inside_the_picture() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    for part in promising_parts(noise, FACE_PX, []):
        assert min(part.left, part.top) >= 0
        assert part.left + part.width <= 900
        assert part.top + part.height <= 700


def test_nothing_is_looked_for_inside_a_known_face() -> None:
    image = scene((700, 500))
    assert promising_parts(image, FACE_PX, [FaceBox(600, 400, 320, 320)]) == []


def test_strongest_part_comes_first() -> None:
    image = scene((100, 100), (1200, 800))
    faint = image[100:220, 100:220] // 4 + np.uint8(100)
    image[100:220, 100:220] = faint
    assert promising_parts(image, FACE_PX, [])[0].left > 800


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (900, 900), (7, 641)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_picture_promises_nothing(size: tuple[int, int], level: int) -> None:
    image = np.full((*size, 3), level, dtype=np.uint8)
    assert promising_parts(image, FACE_PX, []) == []


def test_blue_pattern_is_no_skin() -> None:
    image = np.full((900, 900, 3), (20, 40, 120), dtype=np.uint8)
    image[::40, :, 2] = 255
    image[::41] = (10, 10, 60)
    assert promising_parts(image, FACE_PX, []) == []
