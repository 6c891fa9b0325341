"""The deletion test: blanking what a heatmap marks must lower the score.

A heatmap that marks what the score rests on must name pixels whose loss costs more than
the loss of as many others [1]_. The others are the same pixels moved: the mask is
shifted round the crop, over its edges, so that both masks have the same size, shape
and grain. Single random pixels would not do: they tear a crop up far more than one
patch does, whatever lies under them.

A pixel is blanked by the crop's mean colour, which adds no colour that was not there;
or by a blurred copy, which leaves no edges around what was blanked.

References
----------
.. [1] Petsiuk et al., "RISE: Randomized Input Sampling for Explanation of Black-box
   Models", BMVC 2018, arXiv:1806.07421, section 4.1 (deletion).
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from deepfake_detector.bootstrap import RESAMPLES, interval

UInt8Array = NDArray[np.uint8]
FloatArray = NDArray[np.floating[Any]]

#: Share of a crop's pixels that is blanked.
SHARE: Final = 0.2

#: How a pixel can be blanked.
BLANKS: Final = ("mean", "blur")

#: Places that a mask is moved to; their mean is the crop's random drop.
_MOVES: Final = 4

#: Radius of the blur as a share of the crop's shorter side.
_BLUR_SHARE: Final = 1 / 12


def deletion_test(
    score_crops: Callable[[UInt8Array], FloatArray],
    crops: UInt8Array,
    heatmaps: FloatArray,
    seed: int = 0,
    blank: str = "mean",
) -> dict[str, Any]:
    """Blank the most important fifth of each crop, then a random fifth.

    Parameters
    ----------
    score_crops : callable
        Takes crops (n, h, w, 3), uint8, and returns a score of each, (n,). Give
        logits where you can: a saturated P(fake) hardly moves.
    crops : ndarray of shape (n, h, w, 3), uint8
        Crops that are not blanked yet.
    heatmaps : ndarray of shape (n, h, w), float
        Importance of each pixel, larger for more; only the order within a crop
        counts, so signed evidence is as good. Equal pixels are taken in random order.
    seed : int, default 0
        Seed of the random fifths, of the order of equal pixels and of the bootstrap.
    blank : {'mean', 'blur'}, default 'mean'
        What stands in for a blanked pixel: the crop's mean colour, or its blurred copy.

    Returns
    -------
    dict
        `crops`, `share` and `blank`; `drop_important` and `drop_random`, by how much
        the score falls on average; their `difference` with its 95 % bootstrap interval
        over crops, `difference_interval`; and whether the whole interval lies above 0,
        `passed`.

    Raises
    ------
    ValueError
        If there are no crops, the heatmaps are not one for each crop or not finite, or
        the way of blanking is unknown.
    """
    _check(crops, heatmaps, blank)
    rng = np.random.default_rng(seed)
    scores = np.asarray(score_crops(np.asarray(crops)), dtype=np.float64)  # (n,)
    blanked = [_blanked_crop(np.asarray(crop), blank) for crop in crops]
    masks = [_top_mask(heatmap, rng) for heatmap in heatmaps]

    def drop(fifths: list[NDArray[np.bool_]]) -> NDArray[np.float64]:
        changed = [
            np.where(fifth[..., None], empty, crop)
            for crop, empty, fifth in zip(crops, blanked, fifths, strict=True)
        ]
        return scores - np.asarray(score_crops(np.stack(changed)), dtype=np.float64)

    important = drop(masks)
    random = np.mean(
        [drop([_moved(mask, rng) for mask in masks]) for _ in range(_MOVES)], axis=0
    )
    difference = important - random  # (n,)
    rows = rng.integers(len(difference), size=(RESAMPLES, len(difference)))
    low, high = interval(difference[rows].mean(axis=1))
    return {
        "crops": len(crops),
        "share": SHARE,
        "blank": blank,
        "drop_important": float(important.mean()),
        "drop_random": float(random.mean()),
        "difference": float(difference.mean()),
        "difference_interval": [low, high],
        "passed": low > 0,
    }


def _check(crops: UInt8Array, heatmaps: FloatArray, blank: str) -> None:
    if blank not in BLANKS:
        raise ValueError(f"blank must be one of {', '.join(BLANKS)}, not {blank!r}")
    if not len(crops) or crops.shape[:3] != heatmaps.shape:
        raise ValueError(
            "expected at least one crop (n, h, w, 3) and a heatmap (n, h, w) of each, "
            f"got shapes {crops.shape} and {heatmaps.shape}"
        )
    if not np.isfinite(heatmaps).all():
        raise ValueError("expected heatmaps of finite numbers")


def _top_mask(heatmap: FloatArray, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mark the fifth of the pixels with the largest values."""
    flat = heatmap.ravel()
    order = np.lexsort((rng.random(flat.size), -flat))  # by value, then by chance
    mask = np.zeros(flat.size, dtype=bool)
    mask[order[: max(1, round(SHARE * flat.size))]] = True
    return mask.reshape(heatmap.shape)


def _moved(mask: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Shift a mask to a random place; what leaves on one side enters on the other."""
    height, width = mask.shape
    return np.roll(mask, (rng.integers(height), rng.integers(width)), axis=(0, 1))


def _blanked_crop(crop: UInt8Array, blank: str) -> UInt8Array:
    """What a crop's pixels become where they are blanked, (h, w, 3)."""
    if blank == "mean":
        mean = np.rint(crop.mean(axis=(0, 1))).astype(np.uint8)
        return np.broadcast_to(mean, crop.shape)
    radius = min(crop.shape[:2]) * _BLUR_SHARE
    return np.asarray(Image.fromarray(crop).filter(ImageFilter.GaussianBlur(radius)))
