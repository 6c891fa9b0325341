"""The one crop rule: the same picture and box give the same bytes everywhere.

Training and serving both call :func:`crop`. A :class:`CropRule` travels in the model's
card, so a model trained on whole pictures is never fed face crops, and the reverse.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.exceptions import ConfigError, UnknownNameError

UInt8Array = NDArray[np.uint8]


class HasShape(Protocol):
    """A picture, or its pixels: what says how large it is."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and channels."""
        ...


@dataclass(frozen=True)
class FaceBox:
    """A face's rectangle in pixels of the original picture.

    Parameters
    ----------
    left, top : float
        Upper left corner; may lie outside the picture where the border cuts the face.
    width, height : float
        Size, both positive.
    """

    left: float
    top: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """Centre as (x, y) in pixels."""
        return self.left + self.width / 2, self.top + self.height / 2


@dataclass(frozen=True)
class CropRule:
    """How a picture becomes the network's input.

    Parameters
    ----------
    detector : str
        Name in the `face_detectors` table.
    margin : float
        Side of the crop over the longer side of the box, at least 1.
    square : bool
        Whether the crop is a square around the box's centre. If not, the box itself,
        widened by the margin, is squeezed to the input size.
    """

    detector: str
    margin: float
    square: bool

    def __post_init__(self) -> None:
        if not 1.0 <= self.margin <= 4.0:
            raise ConfigError(f"crop margin must be between 1 and 4, not {self.margin}")

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as JSON-ready fields."""
        return asdict(self)


#: The two rules by the name the command line and the card use. `whole` squeezes the
#: whole picture, as the reference implementation does; `face` is the house's way.
CROP_RULES: Final = {
    "face": CropRule(detector="dlib_hog", margin=1.3, square=True),
    "whole": CropRule(detector="whole_picture", margin=1.0, square=False),
}


def crop_rule(name: str) -> CropRule:
    """Return the crop rule of that name.

    Parameters
    ----------
    name : {'face', 'whole'}
        Name of a rule.

    Returns
    -------
    CropRule
        The rule.

    Raises
    ------
    UnknownNameError
        If there is no such rule; the message lists the choices.
    """
    if name not in CROP_RULES:
        raise UnknownNameError(
            f"unknown crop {name!r}; choose from: {', '.join(CROP_RULES)}"
        )
    return CROP_RULES[name]


def crop(
    image: UInt8Array, box: FaceBox, rule: CropRule, image_size: tuple[int, int]
) -> UInt8Array:
    """Cut the box out of a picture and bring it to the network's input size.

    The region is cut at full resolution, parts outside the picture are filled by
    reflection about the edge, and the result is averaged down over areas (or
    interpolated linearly where it must grow).

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
        RGB picture.
    box : FaceBox
        Rectangle in pixels of `image`.
    rule : CropRule
        Margin and shape of the crop.
    image_size : (int, int)
        Height and width of the result.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        The crop; a fresh, contiguous array.
    """
    left, top, right, bottom = _corners(box, rule)
    cut = _reflected_region(image, left, top, right, bottom)
    height, width = image_size
    shrinks = cut.shape[0] >= height and cut.shape[1] >= width
    resample = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    resized = Image.fromarray(cut).resize((width, height), resample)
    return np.array(resized, dtype=np.uint8)  # (h, w, 3)


def region(box: FaceBox, rule: CropRule) -> FaceBox:
    """Return the part of the picture that :func:`crop` cuts out for a box.

    Parameters
    ----------
    box : FaceBox
        Rectangle in pixels of the picture.
    rule : CropRule
        Margin and shape of the crop.

    Returns
    -------
    FaceBox
        Whole pixels of the picture; may leave it.
    """
    left, top, right, bottom = _corners(box, rule)
    return FaceBox(left, top, right - left, bottom - top)


def centre_box(image: HasShape, rule: CropRule) -> FaceBox:
    """Return the box whose crop is the largest centred square of the picture.

    It stands in where no face was found: for training pictures, and for a visitor who
    asks for the whole picture to be scored.

    Parameters
    ----------
    image : Picture or ndarray of shape (H, W, 3)
        The picture, of which the size counts.
    rule : CropRule
        The rule that the box will be cropped by.

    Returns
    -------
    FaceBox
        A centred square box.
    """
    height, width = image.shape[:2]
    side = min(height, width) / rule.margin
    return FaceBox((width - side) / 2, (height - side) / 2, side, side)


def nearest_centre(boxes: Sequence[FaceBox], image: HasShape) -> FaceBox:
    """Return the box nearest the picture's centre: the one a dataset's label is of.

    Parameters
    ----------
    boxes : sequence of FaceBox
        At least one box.
    image : Picture or ndarray of shape (H, W, 3)
        The picture the boxes are of, of which the size counts.

    Returns
    -------
    FaceBox
        The nearest box; the first of equally near ones.
    """
    height, width = image.shape[:2]

    def squared_distance(box: FaceBox) -> float:
        x, y = box.centre
        return float((x - width / 2) ** 2 + (y - height / 2) ** 2)

    return min(boxes, key=squared_distance)


def _corners(box: FaceBox, rule: CropRule) -> tuple[int, int, int, int]:
    """Whole-pixel (left, top, right, bottom) of the crop; may leave the picture."""
    width, height = box.width * rule.margin, box.height * rule.margin
    if rule.square:
        width = height = max(width, height)
    x, y = box.centre
    left, top = round(x - width / 2), round(y - height / 2)
    return left, top, left + max(1, round(width)), top + max(1, round(height))


def _reflected_region(
    image: UInt8Array, left: int, top: int, right: int, bottom: int
) -> UInt8Array:
    """Cut a rectangle, filling what lies outside by reflection about the edge."""
    height, width = image.shape[:2]
    rows = _reflected_indices(top, bottom, height)
    columns = _reflected_indices(left, right, width)
    if 0 <= top and bottom <= height and 0 <= left and right <= width:
        return np.ascontiguousarray(image[top:bottom, left:right])
    return image[np.ix_(rows, columns)]


def _reflected_indices(start: int, stop: int, length: int) -> NDArray[np.int64]:
    """Indices start..stop folded into 0..length-1: … 1 0 | 0 1 2 … n-1 | n-1 n-2 …."""
    indices = np.arange(start, stop) % (2 * length)
    return np.minimum(indices, 2 * length - 1 - indices)
