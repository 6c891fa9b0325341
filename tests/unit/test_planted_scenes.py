"""Scenes: the size asked for, faces apart from each other and where they are stated."""

import numpy as np
import pytest

from deepfake_detector.planted_scenes import FACE_PX, drawn_heads, plant_faces


@pytest.mark.parametrize("megapixels", [0.1, 1.0, 3.0])
def test_scene_has_its_size_and_faces_inside(megapixels: float) -> None:
    scene = plant_faces(drawn_heads(3), megapixels, np.random.default_rng(1))
    height, width, _ = scene.image.shape
    assert width * height == pytest.approx(megapixels * 1e6, rel=0.02)
    assert scene.image.dtype == np.uint8
    assert scene.faces
    for face in scene.faces:
        assert FACE_PX[0] - 1 <= face.width <= FACE_PX[1]
        assert min(face.left, face.top) >= 0
        assert face.left + face.width <= width
        assert face.top + face.height <= height


def test_no_face_lies_on_another() -> None:
    scene = plant_faces(drawn_heads(3), 1.0, np.random.default_rng(4))
    for index, one in enumerate(scene.faces):
        for other in scene.faces[:index]:
            apart_across = abs(one.centre[0] - other.centre[0]) * 2
            apart_down = abs(one.centre[1] - other.centre[1]) * 2
            assert (
                apart_across >= one.width + other.width
                or apart_down >= one.height + other.height
            )


def test_generator_decides_the_scene() -> None:
    heads = drawn_heads(2)
    one, same, other = (
        plant_faces(heads, 0.2, np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    assert one.faces == same.faces
    np.testing.assert_array_equal(one.image, same.image)
    assert one.faces != other.faces
