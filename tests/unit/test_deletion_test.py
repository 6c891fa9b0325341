"""The deletion test tells a true heatmap from a wrong one."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector.deletion_test import BLANKS, deletion_test

SIDE = 20

#: The evidence: the square that the score is read from.
ROWS, COLUMNS = slice(2, 10), slice(4, 12)


def noise(n: int = 12) -> NDArray[np.uint8]:
    """Crops with a bright, rough square."""
    rng = np.random.default_rng(n)
    crops = rng.integers(0, 60, (n, SIDE, SIDE, 3), dtype=np.uint8)
    crops[:, ROWS, COLUMNS] += rng.integers(0, 180, (n, 8, 8, 3), dtype=np.uint8)
    return crops


def roughness(crops: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What differs from pixel to pixel in the square, (n,)."""
    square = crops[:, ROWS, COLUMNS].astype(float)
    return np.abs(np.diff(square, axis=1)).mean(axis=(1, 2, 3))


def heatmaps(rows: slice, columns: slice, n: int = 12) -> NDArray[np.float32]:
    maps = np.zeros((n, SIDE, SIDE), dtype=np.float32)
    maps[:, rows, columns] = 1
    return maps


every_blank = pytest.mark.parametrize("blank", BLANKS)


@every_blank
def test_true_heatmap_passes(blank: str) -> None:
    report = deletion_test(roughness, noise(), heatmaps(ROWS, COLUMNS), blank=blank)
    low, high = report["difference_interval"]
    assert report["passed"]
    assert 0 < low <= report["difference"] <= high
    assert report["drop_important"] > 2 * report["drop_random"]
    assert (report["crops"], report["share"], report["blank"]) == (12, 0.2, blank)


@every_blank
def test_heatmap_of_another_place_fails(blank: str) -> None:
    elsewhere = heatmaps(slice(12, 20), slice(12, 20))
    report = deletion_test(roughness, noise(), elsewhere, blank=blank)
    assert not report["passed"]
    assert report["difference"] < 0


def test_flat_heatmap_is_no_better_than_chance() -> None:
    flat = np.zeros((60, SIDE, SIDE))
    low, high = deletion_test(roughness, noise(60), flat)["difference_interval"]
    assert low < 0 < high


def test_only_the_order_within_a_crop_counts() -> None:
    rng = np.random.default_rng(1)
    signed = rng.normal(size=(12, SIDE, SIDE))
    first = deletion_test(roughness, noise(), signed)
    assert deletion_test(roughness, noise(), np.exp(signed) * 7) == first


def test_same_seed_gives_the_same_report() -> None:
    maps = heatmaps(ROWS, COLUMNS)
    reports = [deletion_test(roughness, noise(), maps, seed) for seed in (3, 3, 4)]
    assert reports[0] == reports[1] != reports[2]


def test_a_fifth_is_blanked_and_the_crops_stay_as_they_are() -> None:
    crops = noise()
    before = crops.copy()
    crops.flags.writeable = False
    seen = []

    def record(batch: NDArray[np.uint8]) -> NDArray[np.float64]:
        seen.append((batch != before).any(axis=3).mean(axis=(1, 2)))
        return np.zeros(len(batch))

    deletion_test(record, crops, np.random.default_rng(0).random((12, SIDE, SIDE)))
    assert seen[0].max() == 0
    for shares in seen[1:]:
        np.testing.assert_allclose(shares, 0.2, atol=0.01)
    np.testing.assert_array_equal(crops, before)


@pytest.mark.parametrize(
    ("crops", "maps", "blank", "told"),
    [
        (noise()[:0], np.zeros((0, SIDE, SIDE)), "mean", "at least one crop"),
        (noise(), np.zeros((11, SIDE, SIDE)), "mean", "a heatmap .* of each"),
        (noise(), np.zeros((12, SIDE, 5)), "mean", "a heatmap .* of each"),
        (noise(), np.full((12, SIDE, SIDE), np.nan), "mean", "finite"),
        (noise(), np.full((12, SIDE, SIDE), np.inf), "blur", "finite"),
        (noise(), np.zeros((12, SIDE, SIDE)), "black", "mean, blur"),
    ],
)
def test_what_cannot_be_tested_is_refused(
    crops: Any, maps: Any, blank: str, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        deletion_test(roughness, crops, maps, blank=blank)


def test_crop_of_one_pixel_is_tested() -> None:
    one = np.full((1, 1, 1, 3), 9, dtype=np.uint8)
    report = deletion_test(lambda c: c.mean(axis=(1, 2, 3)), one, np.zeros((1, 1, 1)))
    assert report["difference_interval"] == [0, 0]
