"""Drawn portraits: stable, different from each other, and faces to a detector."""

import numpy as np
import pytest

from deepfake_detector.datasets.face_drawing import draw_face, draw_portrait, quantised
from deepfake_detector.face_detectors.dlib_hog import DlibHog


@pytest.mark.parametrize("size", [32, 150, 256])
def test_face_is_a_square_rgb_picture(size: int) -> None:
    image = draw_face(0, size)
    assert image.shape == (size, size, 3)
    assert image.dtype == np.uint8


def test_seed_decides_the_face() -> None:
    assert np.array_equal(draw_face(3, 64), draw_face(3, 64))
    assert not np.array_equal(draw_face(3, 64), draw_face(4, 64))


def test_same_seed_is_the_same_person_at_every_size() -> None:
    small = draw_face(1, 128).astype(float)
    large = draw_face(1, 256).astype(float)
    halved = large.reshape(128, 2, 128, 2, 3).mean((1, 3))
    assert np.abs(halved - small).mean() < 4


@pytest.mark.parametrize("seed", range(8))
def test_dlib_finds_the_one_face_where_it_is_stated(seed: int) -> None:
    stated = draw_portrait(np.random.default_rng(seed), 256, 256).box
    (found,) = DlibHog().detect(draw_face(seed))
    assert found.centre == pytest.approx(stated.centre, abs=0.15 * stated.width)
    assert found.width == pytest.approx(stated.width, rel=0.25)


def test_portrait_may_be_oblong() -> None:
    portrait = draw_portrait(np.random.default_rng(0), 90, 120)
    assert portrait.planes.shape == (3, 90, 120)
    assert portrait.x.shape == portrait.y.shape == (90, 120)


def test_rounding_clips_and_puts_channels_last() -> None:
    planes = np.array([-3.0, 0.4, 0.6, 300.0], dtype=np.float32).reshape(1, 2, 2)
    assert quantised(planes).tolist() == [[[0], [0]], [[1], [255]]]
