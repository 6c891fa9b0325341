"""What is drawn of an augmentation, and under which words."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray

from deepfake_detector.augmentation_gallery import augmentation_gallery, steps_of
from deepfake_detector.augmentations import AUGMENTATIONS
from deepfake_detector.exceptions import UnknownNameError

#: The list of the issue that asked for it.
ROBUST_STEPS = ["JPEG quality", "blur", "noise", "down-up scaling", "tint", "contrast"]

DRAWS = [f"draw {number}" for number in range(1, 8)]


def pictures(figure: Figure) -> dict[str, NDArray[np.uint8]]:
    return {
        axes.get_title(): np.asarray(axes.images[0].get_array())
        for axes in figure.axes
        if axes.images
    }


@pytest.mark.parametrize("name", list(AUGMENTATIONS))
def test_original_comes_first_then_draws_then_steps(name: str) -> None:
    steps = (
        ROBUST_STEPS if name == "robust" else list(steps_of(AUGMENTATIONS.get(name)))
    )
    assert list(pictures(augmentation_gallery(name))) == ["original", *DRAWS, *steps]


def test_draws_and_steps_change_the_picture(portrait: NDArray[np.uint8]) -> None:
    shown = pictures(augmentation_gallery("robust", portrait))
    original = shown.pop("original")
    assert original.shape == (192, 192, 3)
    changed = [name for name, p in shown.items() if not np.array_equal(p, original)]
    assert set(ROBUST_STEPS) <= set(changed)
    assert len(changed) >= len(ROBUST_STEPS) + 5


def test_tint_moves_the_channels_apart_and_contrast_does_not() -> None:
    grey = np.full((8, 8, 3), 128, dtype=np.uint8)
    steps = steps_of(AUGMENTATIONS.get("robust"))
    tinted, contrasted = (
        steps[name](grey, np.random.default_rng(1))[0, 0].astype(int)
        for name in ("tint", "contrast")
    )
    assert np.ptp(tinted) > 3
    assert np.ptp(contrasted) == 0
    assert contrasted[0] != 128


def test_seed_decides_the_draws() -> None:
    first, again, other = (
        pictures(augmentation_gallery("standard", seed=seed))["draw 1"]
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 500, 3), (500, 3, 3)])
def test_odd_pictures_are_shown(shape: tuple[int, int, int]) -> None:
    picture = np.full(shape, 90, dtype=np.uint8)
    shown = pictures(augmentation_gallery("none", picture))
    assert max(shown["original"].shape[:2]) <= 192


def test_unknown_recipe_lists_choices() -> None:
    with pytest.raises(UnknownNameError, match="choose from: none, robust, standard"):
        augmentation_gallery("weak")
