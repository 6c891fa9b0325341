"""Whether a face's verdict holds when the picture is re-encoded a little.

A face is scored in four views, all in one batch with those of the other faces: as it
is, from a JPEG copy, from a copy of half the size, and cut out slightly beside. Only
the neighbourhood of the face is re-encoded, and of a large face a copy of about twice
the network's input, so that the views cost little beside the network.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector import face_crops
from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.face_crops import CropRule, FaceBox
from deepfake_detector.picture import CROP_SCALE
from deepfake_detector.verdict import Verdict, flip_words, verdict_of
from deepfake_detector.wording import Words

UInt8Array = NDArray[np.uint8]

#: The view that the score is of, and those that it is checked by.
PLAIN: Final = "plain"
CHECKS: Final = ("jpeg", "half", "shift")

#: Quality of the JPEG copy: that of a picture that was shared once more.
JPEG_QUALITY: Final = 75

#: Distance by which the box is moved, right and down, over the longer side of the box.
SHIFT: Final = 0.03

#: JPEG blocks of pixels with their colours; the neighbourhood begins and ends with one.
_BLOCK_PX: Final = 16


@dataclass(frozen=True)
class Stability:
    """The scores of a face's views, and which of them overturn its verdict.

    Parameters
    ----------
    p_fake : mapping of str to float
        Calibrated P(fake) in [0, 1] by view, the plain one first.
    overturned_by : tuple of str
        The views that speak for the other answer; empty where the verdict holds.
    """

    p_fake: Mapping[str, float]
    overturned_by: tuple[str, ...]

    @property
    def stable(self) -> bool:
        """Whether no view overturns the verdict."""
        return not self.overturned_by

    @property
    def reason(self) -> Words | None:
        """Why the face is called inconclusive, in words; None where it is stable."""
        return None if self.stable else flip_words(self.overturned_by)

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as JSON-ready fields."""
        return {
            "stable": self.stable,
            "p_fake": dict(self.p_fake),
            "overturned_by": list(self.overturned_by),
        }

    @classmethod
    def of(cls, p_fake: Mapping[str, float], cut_offs: CutOffs) -> "Stability":
        """Compare the scores of a face's views.

        A view overturns a verdict of likely fake (or likely real) when its score is on
        the other side of the middle between the two cut-offs: seen so, the face is
        nearer to the other answer. A score that merely slips into the band between
        them does not count: scores beside a cut-off do so all the time. What is
        inconclusive already cannot be overturned.

        Parameters
        ----------
        p_fake : mapping of str to float
            P(fake) in [0, 1] by view, `PLAIN` among them.
        cut_offs : CutOffs
            What the plain score is read by.

        Returns
        -------
        Stability
            The scores, and what came of the comparison.
        """
        middle = (cut_offs.likely_real + cut_offs.likely_fake) / 2
        verdict = verdict_of(p_fake[PLAIN], cut_offs)
        if verdict is Verdict.INCONCLUSIVE:
            return cls(p_fake, ())
        fake = verdict is Verdict.LIKELY_FAKE
        overturned_by = (v for v, score in p_fake.items() if (score >= middle) != fake)
        return cls(p_fake, tuple(overturned_by))


def check_crops(
    image: UInt8Array, box: FaceBox, rule: CropRule, image_size: tuple[int, int]
) -> tuple[UInt8Array, ...]:
    """Cut a face out of cheap re-encodings of the picture.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
        RGB picture.
    box : FaceBox
        The face, in pixels of `image`.
    rule : CropRule
        Margin and shape of the crops.
    image_size : (int, int)
        Height and width of the crops.

    Returns
    -------
    tuple of ndarray of shape (height, width, 3), uint8
        A crop for each of `CHECKS`.
    """
    near, near_box = _neighbourhood(image, box, rule, image_size)
    height, width = near.shape[:2]
    half, half_box = _resized(near, near_box, (height + 1) // 2, (width + 1) // 2)
    step = SHIFT * max(near_box.width, near_box.height)
    beside = replace(near_box, left=near_box.left + step, top=near_box.top + step)
    return (
        face_crops.crop(_as_jpeg(near), near_box, rule, image_size),
        face_crops.crop(half, half_box, rule, image_size),
        face_crops.crop(near, beside, rule, image_size),
    )


def _neighbourhood(
    image: UInt8Array, box: FaceBox, rule: CropRule, image_size: tuple[int, int]
) -> tuple[UInt8Array, FaceBox]:
    """What the crop is cut from, with a border, not much larger than the crop."""
    region = face_crops.region(box, rule)
    # The border has room for the shifted view.
    step = SHIFT * max(box.width, box.height)
    rows = _block_range(region.top, region.height + step, image.shape[0])
    columns = _block_range(region.left, region.width + step, image.shape[1])
    near = image[rows, columns]
    near_box = replace(box, left=box.left - columns.start, top=box.top - rows.start)
    height, width = (
        # Each side by itself: a picture that is scored whole may be a narrow strip.
        max(1, round(length * min(1.0, CROP_SCALE * size / extent)))
        for length, size, extent in zip(
            near.shape[:2], image_size, (region.height, region.width), strict=True
        )
    )
    if (height, width) == near.shape[:2]:
        return near, near_box
    return _resized(near, near_box, height, width)


def _block_range(start: float, extent: float, length: int) -> slice:
    """The whole blocks around a stretch of a picture's side, inside the picture."""
    low = int(start) // _BLOCK_PX - 1
    high = -(-int(start + extent) // _BLOCK_PX) + 1
    first = min(max(0, low * _BLOCK_PX), (length - 1) // _BLOCK_PX * _BLOCK_PX)
    return slice(first, max(first + 1, min(length, high * _BLOCK_PX)))


def _resized(
    image: UInt8Array, box: FaceBox, height: int, width: int
) -> tuple[UInt8Array, FaceBox]:
    """A picture averaged down, and the box in it."""
    down, across = height / image.shape[0], width / image.shape[1]
    resized = Image.fromarray(image).resize(
        # A gap of 2 makes the averaging of a large face several times faster.
        (width, height),
        Image.Resampling.BOX,
        reducing_gap=2.0,
    )
    return np.asarray(resized), FaceBox(
        box.left * across, box.top * down, box.width * across, box.height * down
    )


def _as_jpeg(image: UInt8Array) -> UInt8Array:
    """Encode as most web sites do, and decode."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=JPEG_QUALITY)
    with Image.open(file) as copy:
        return np.asarray(copy)
