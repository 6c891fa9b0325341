"""What happens to scores when a picture is re-encoded, resized, blurred or recoloured.

Each perturbation is applied to the source picture and the crop is cut afterwards, as it
happens to a picture on its way to a visitor: a crop that is 128 pixels wide and then
blurred has lost more than a picture that was blurred and then averaged down. The face
is searched once, on the clean picture, and the same box is cropped: what is measured is
the network, not the face search. JPEG's blocks, blur and resizing reach a few pixels
only, so no more of the picture than the surroundings of the crop is perturbed; they
begin on JPEG's block grid.
"""

import io
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from deepfake_detector import face_crops
from deepfake_detector.bootstrap import interval, resampled_metrics
from deepfake_detector.evaluation import score_metrics
from deepfake_detector.face_crops import CropRule, FaceBox

IntArray = NDArray[np.integer[Any]]
FloatArray = NDArray[np.floating[Any]]
UInt8Array = NDArray[np.uint8]

#: Takes a picture and a source of chance, and gives the perturbed picture.
Perturbation = Callable[[Image.Image, np.random.Generator], Image.Image]

#: How far around the crop the picture is perturbed, pixels; none reaches as far.
_REACH_PX: Final = 32

#: JPEG codes colour in fields of 16 pixels; no perturbation has a coarser grid.
_GRID_PX: Final = 16

#: Metrics of a row of the table.
_SHOWN: Final = ("auc", "accuracy", "eer", "tpr_at_fpr_5", "log_loss")


def _jpeg(quality: int, image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Encode as most web sites do, colour at half the resolution."""
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=quality, subsampling=2)
    with Image.open(buffer, formats=("JPEG",)) as encoded:
        return encoded.convert("RGB")


def _resize(factor: float, image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Shrink; whoever crops afterwards must do with the pixels that are left."""
    width, height = (max(1, round(side * factor)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC)


def _blur(sigma: float, image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(sigma))


def _noise(sigma: float, image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Add grain that differs from channel to channel."""
    pixels = np.asarray(image, dtype=np.float32)
    grain = rng.standard_normal(pixels.shape, dtype=np.float32) * sigma
    return Image.fromarray((pixels + grain).round().clip(0, 255).astype(np.uint8))


def _levels(
    gain: tuple[float, float, float],
    pivot: float,
    image: Image.Image,
    rng: np.random.Generator,
) -> Image.Image:
    """Multiply each channel's distance from the pivot."""
    levels = (np.arange(256)[None, :] - pivot) * np.array(gain)[:, None] + pivot
    return image.point(levels.round().clip(0, 255).astype(int).ravel().tolist())


#: Every perturbation by its name in the report, in the order of the table.
PERTURBATIONS: Final[dict[str, Perturbation]] = {
    **{f"jpeg_{quality}": partial(_jpeg, quality) for quality in (90, 70, 50, 30)},
    **{f"resize_{factor}": partial(_resize, factor) for factor in (0.5, 0.25)},
    **{f"blur_{sigma}": partial(_blur, sigma) for sigma in (1, 2)},
    "noise_10": partial(_noise, 10.0),
    "brightness_0.7": partial(_levels, (0.7,) * 3, 0.0),
    "brightness_1.3": partial(_levels, (1.3,) * 3, 0.0),
    "contrast_0.7": partial(_levels, (0.7,) * 3, 128.0),
    "contrast_1.3": partial(_levels, (1.3,) * 3, 128.0),
    "tint_warm": partial(_levels, (1.15, 1.0, 0.85), 0.0),
    "tint_cool": partial(_levels, (0.85, 1.0, 1.15), 0.0),
}

#: A line on each family, for readers of the report.
DESCRIPTIONS: Final = {
    "jpeg": "JPEG at this quality, colour at half the resolution",
    "resize": "the picture shrunk to this share of its sides, and not enlarged again",
    "blur": "Gaussian blur of this many pixels (standard deviation)",
    "noise": "Gaussian noise of this many grey levels, each channel on its own",
    "brightness": "all levels multiplied by this",
    "contrast": "distances from middle grey multiplied by this",
    "tint": "red and blue multiplied by 1.15 and 0.85 (warm) or the reverse (cool)",
}


def perturbed_crops(
    image: UInt8Array,
    box: FaceBox,
    rule: CropRule,
    image_size: tuple[int, int],
    seed: int,
) -> UInt8Array:
    """Crop the same face from every perturbed copy of a picture.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
        RGB picture, clean.
    box : FaceBox
        The face in it.
    rule : CropRule
        How it is cropped.
    image_size : (int, int)
        Height and width of a crop.
    seed : int
        Seed of the noise.

    Returns
    -------
    ndarray of shape (n_perturbations, height, width, 3), uint8
        One crop for each of `PERTURBATIONS`, in their order.
    """
    left, top, right, bottom = _surroundings(image, box, rule)
    window = Image.fromarray(np.ascontiguousarray(image[top:bottom, left:right]))
    crops = []
    for perturb in PERTURBATIONS.values():
        changed = perturb(window, np.random.default_rng(seed))
        across = changed.width / window.width
        down = changed.height / window.height
        moved = FaceBox(
            (box.left - left) * across,
            (box.top - top) * down,
            box.width * across,
            box.height * down,
        )
        crops.append(face_crops.crop(np.asarray(changed), moved, rule, image_size))
    return np.stack(crops)


def robustness_report(
    y_true: IntArray,
    clean: FloatArray,
    perturbed: Mapping[str, FloatArray],
    threshold: float,
    baseline: Mapping[str, FloatArray] | None = None,
) -> dict[str, dict[str, Any]]:
    """Report what each perturbation costs.

    Parameters
    ----------
    y_true : ndarray of shape (n,), int
        Ground truth, 0 = real, 1 = fake; both must occur.
    clean : ndarray of shape (n,), float
        P(fake) of the pictures as they are.
    perturbed : mapping of str to ndarray of shape (n,), float
        P(fake) of the same pictures by the name of the perturbation.
    threshold : float
        P(fake) from which the answer is Fake.
    baseline : mapping of str to ndarray of shape (n,), float, optional
        The thumbnail baseline's scores of the same pictures, ``clean`` among them.

    Returns
    -------
    dict
        For ``clean`` and each perturbation AUC, accuracy, EER, true positive rate at
        5 % false positives, log loss and `thumbnail_baseline_auc`; `auc_drop`, by how
        much AUC falls, with the 95 % interval of a bootstrap on the same redrawn
        pictures, `auc_drop_interval`.
    """
    clean_auc = score_metrics(y_true, clean)["auc"]
    clean_draws = resampled_metrics(y_true, clean)["auc"]
    report = {}
    for name, p_fake in {"clean": clean, **perturbed}.items():
        values = score_metrics(y_true, p_fake, threshold)
        draws = resampled_metrics(y_true, p_fake)["auc"]
        row: dict[str, Any] = {metric: values[metric] for metric in _SHOWN}
        row["auc_drop"] = clean_auc - values["auc"]
        row["auc_drop_interval"] = interval(clean_draws - draws)
        row["thumbnail_baseline_auc"] = (
            None if baseline is None else score_metrics(y_true, baseline[name])["auc"]
        )
        report[name] = row
    return report


def _surroundings(
    image: UInt8Array, box: FaceBox, rule: CropRule
) -> tuple[int, int, int, int]:
    """Whole-pixel (left, top, right, bottom) of all that the perturbed crop needs."""
    height, width = image.shape[:2]
    x, y = box.centre
    reach_x, reach_y = (rule.margin * side / 2 for side in (box.width, box.height))
    if rule.square:
        reach_x = reach_y = max(reach_x, reach_y)
    left, right = _span(x - reach_x, x + reach_x, width)
    top, bottom = _span(y - reach_y, y + reach_y, height)
    return left, top, right, bottom


def _span(start: float, stop: float, length: int) -> tuple[int, int]:
    """Widen to the grid and to what a crop over the border is filled with."""
    if stop <= 0 or start >= length or stop - start > length:
        return 0, length
    # What lies outside the picture is filled by reflection about its edge.
    inner, outer = min(start, 2 * length - stop), max(stop, -start)
    first = max(0, math.floor((inner - _REACH_PX) / _GRID_PX) * _GRID_PX)
    last = min(length, math.ceil((outer + _REACH_PX) / _GRID_PX) * _GRID_PX)
    return first, last
