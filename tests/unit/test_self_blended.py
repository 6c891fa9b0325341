"""A self-blended fake: the middle changes, the border stays, and nothing else."""

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector.augmentations.self_blended import blend
from deepfake_detector.datasets.face_drawing import draw_face

SEEDS = range(40)


def blended(crop: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    return blend(crop, np.random.default_rng(seed))


def difference(crop: NDArray[np.uint8], seed: int) -> NDArray[np.float64]:
    """Mean change of each pixel, grey levels, (h, w)."""
    changed = blended(crop, seed).astype(float) - crop
    return np.abs(changed).mean(axis=2)


@pytest.mark.parametrize("size", [(64, 64), (17, 33), (8, 8), (3, 5), (1, 1)])
def test_shape_and_type_are_kept(size: tuple[int, int]) -> None:
    crop = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    for seed in SEEDS:
        result = blended(crop, seed)
        assert result.shape == crop.shape
        assert result.dtype == np.uint8


def test_same_seed_gives_the_same_bytes_and_others_do_not() -> None:
    crop = draw_face(1, 64)
    assert blended(crop, 7).tobytes() == blended(crop, 7).tobytes()
    assert len({blended(crop, seed).tobytes() for seed in SEEDS}) == len(SEEDS)


def test_given_crop_stays_as_it_is() -> None:
    crop = draw_face(2, 64)
    before = crop.copy()
    crop.flags.writeable = False
    blended(crop, 0)
    assert (crop == before).all()


def test_two_sides_of_the_seam_differ() -> None:
    crop = draw_face(3, 96)
    inside = [difference(crop, seed)[40:56, 40:56].mean() for seed in SEEDS]
    corner = [difference(crop, seed)[:6, :6].mean() for seed in SEEDS]
    # One side of the seam is left as it was, and it is either as often.
    untouched = np.array(corner) < 0.5
    assert 0.3 < untouched.mean() < 0.7
    assert np.median(np.abs(np.array(inside) - corner)) > 3


def test_flat_picture_shows_nothing_but_colour() -> None:
    flat = np.full((48, 48, 3), 100, dtype=np.uint8)
    for seed in SEEDS:
        result = blended(flat, seed).astype(int)
        assert np.abs(result - 100).max() <= 80
