"""What every augmentation must do: pixels change, nothing else does."""

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector.augmentations import AUGMENTATIONS, Augmentation

#: Height and width; odd, thin and tiny ones too.
SIZES = [(64, 64), (17, 33), (33, 17), (128, 16), (8, 8), (3, 5), (1, 1)]

#: Enough that every step of a recipe that comes by chance comes.
SEEDS = range(40)

#: Recipes that leave every crop as it is.
UNCHANGING = ("none",)

every_recipe = pytest.mark.parametrize("name", list(AUGMENTATIONS))


def smooth(height: int, width: int) -> NDArray[np.uint8]:
    """A crop that brightens to the right and reddens downwards."""
    across = np.broadcast_to(np.linspace(30, 220, width), (height, width))
    down = np.broadcast_to(np.linspace(40, 200, height)[:, None], (height, width))
    return np.stack([down, across, across], axis=2).astype(np.uint8)


def noise(height: int, width: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(height * 1000 + width)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def augmented(name: str, crop: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    augment: Augmentation = AUGMENTATIONS.get(name)
    return augment(crop, np.random.default_rng(seed))


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@every_recipe
def test_shape_and_type_are_kept(name: str, size: tuple[int, int]) -> None:
    for seed in SEEDS:
        changed = augmented(name, noise(*size), seed)
        assert changed.shape == (*size, 3)
        assert changed.dtype == np.uint8


@pytest.mark.parametrize("level", [0, 255])
@every_recipe
def test_black_and_white_do_not_wrap_round(name: str, level: int) -> None:
    flat = np.full((24, 24, 3), level, dtype=np.uint8)
    for seed in SEEDS:
        assert abs(augmented(name, flat, seed).mean() - level) < 128


@every_recipe
def test_same_seed_gives_the_same_bytes(name: str) -> None:
    crop = noise(24, 24)
    for seed in SEEDS:
        first, second = (augmented(name, crop, seed) for _ in range(2))
        assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("name", sorted(set(AUGMENTATIONS) - set(UNCHANGING)))
def test_other_seeds_give_other_crops(name: str) -> None:
    results = {augmented(name, noise(24, 24), seed).tobytes() for seed in SEEDS}
    assert len(results) > len(SEEDS) * 3 // 4


@pytest.mark.parametrize("name", UNCHANGING)
def test_recipe_that_changes_nothing_changes_nothing(name: str) -> None:
    crop = noise(17, 33)
    for seed in SEEDS:
        assert augmented(name, crop, seed).tobytes() == crop.tobytes()


@every_recipe
def test_crop_that_was_given_stays_as_it_is(name: str) -> None:
    crop = noise(24, 24)
    before = crop.copy()
    crop.flags.writeable = False  # as the crops mapped from disk are
    for seed in SEEDS:
        augmented(name, crop, seed)
    np.testing.assert_array_equal(crop, before)


@every_recipe
def test_global_randomness_is_left_alone(name: str) -> None:
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    augmented(name, noise(24, 24), 0)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("size", [(96, 32), (32, 96)], ids=["tall", "wide"])
@every_recipe
def test_content_stays_in_its_place(name: str, size: tuple[int, int]) -> None:
    """A face must not be torn, turned upside down or squeezed beyond knowing."""
    crop = smooth(*size)
    for seed in SEEDS:
        changed = augmented(name, crop, seed).astype(float)
        rows = changed[..., 0].mean(axis=1)
        columns = changed[..., 1].mean(axis=0)
        assert np.corrcoef(rows, crop[:, 0, 0])[0, 1] > 0.8
        assert abs(np.corrcoef(columns, crop[0, :, 1])[0, 1]) > 0.8


@pytest.mark.parametrize("size", [(96, 24), (24, 96)], ids=["tall", "wide"])
@every_recipe
def test_both_directions_lose_the_same_detail(name: str, size: tuple[int, int]) -> None:
    """A recipe made for squares shrinks the longer side of others too far."""
    crop = noise(*size)
    detail = [
        [np.abs(np.diff(a, axis=axis)).mean() for axis in (0, 1)]
        for a in (augmented(name, crop, seed).astype(float) for seed in SEEDS)
    ]
    down, across = np.array(detail).T
    np.testing.assert_allclose(np.log(down / across), 0, atol=0.35)
