"""A picture that is decoded as finely as it is looked at.

A JPEG can be decoded at a half or a quarter of its size in a fraction of the time, and
in a large photo most faces are still larger than the network's input then.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deepfake_detector import face_crops, images
from deepfake_detector.face_crops import CropRule, FaceBox

UInt8Array = NDArray[np.uint8]

#: Pixels of a copy of a large picture, at least.
LEAST_COPY_PIXELS: Final = 2_000_000

#: A crop is cut from a copy in which it has at least so many times the pixels of the
#: network's input a side, where the picture has them.
CROP_SCALE: Final = 2


@dataclass(frozen=True)
class PictureCopy:
    """The pixels of a picture, all of them or averaged down.

    Parameters
    ----------
    image : ndarray of shape (h, w, 3), uint8
        RGB, upright.
    across, down : float
        Width and height of the copy over those of the picture, at most 1.
    """

    image: UInt8Array
    across: float
    down: float

    def box(self, box: FaceBox) -> FaceBox:
        """Turn a box of the picture into one of the copy.

        Parameters
        ----------
        box : FaceBox
            In pixels of the picture.

        Returns
        -------
        FaceBox
            In pixels of the copy.
        """
        return replace(
            box,
            left=box.left * self.across,
            top=box.top * self.down,
            width=box.width * self.across,
            height=box.height * self.down,
        )


class Picture:
    """A picture of which copies are decoded when they are asked for, each once.

    Made by :meth:`of`; safe to use from many threads. Which copy a question gets
    depends on the question and the picture alone, never on what was asked before.

    Parameters
    ----------
    decode : callable
        Gives the pixels (h, w, 3), uint8, of the picture with its sides divided by a
        number.
    factors : sequence of int
        The numbers that it takes; 1 is one of them.
    size : (int, int)
        Width and height, upright, in pixels.
    """

    def __init__(
        self,
        decode: Callable[[int], UInt8Array],
        factors: Sequence[int],
        size: tuple[int, int],
    ) -> None:
        self._decode = decode
        self._factors = factors
        self._copies: dict[int, PictureCopy] = {}
        self._lock = threading.Lock()
        self.width, self.height = size

    @classmethod
    def of(
        cls,
        source: "bytes | Path | UInt8Array | Picture",
        max_pixels: int = images.DEFAULT_MAX_PIXELS,
    ) -> "Picture":
        """Open a picture and decode its first copy, so that damage shows.

        Parameters
        ----------
        source : bytes, Path, ndarray of shape (H, W, 3), uint8, or Picture
            Encoded picture, the file that holds it, its RGB pixels, or what this method
            made of one.
        max_pixels : int, default 50 000 000
            Largest width times height that is decoded.

        Returns
        -------
        Picture
            The picture.

        Raises
        ------
        ImageError
            If the picture cannot be decoded or is over the limit.
        """
        if isinstance(source, Picture):
            return source
        if isinstance(source, np.ndarray):
            height, width = source.shape[:2]
            return cls(lambda _: source, (1,), (width, height))
        data = source.read_bytes() if isinstance(source, Path) else source
        encoded = images.EncodedPicture(data, max_pixels)
        pixels = encoded.width * encoded.height
        factors = [f for f in encoded.factors if pixels / f**2 >= LEAST_COPY_PIXELS]
        size = encoded.width, encoded.height
        picture = cls(encoded.decode, factors or [1], size)
        picture.first_copy()
        return picture

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and 3, as those of :attr:`all_pixels`."""
        return self.height, self.width, 3

    @property
    def all_pixels(self) -> UInt8Array:
        """RGB pixels of the picture itself: (H, W, 3), uint8."""
        return self._copy(1).image

    def first_copy(self) -> PictureCopy:
        """Return the smallest copy there is.

        Returns
        -------
        PictureCopy
            Of a JPEG of 8 megapixels or more one of at least 2, else all pixels.
        """
        return self._copy(max(self._factors))

    def copy_for(self, extent_px: float, wanted_px: float) -> PictureCopy:
        """Return the smallest copy in which a stretch is not too short.

        Parameters
        ----------
        extent_px : float
            Length of the stretch in pixels of the picture.
        wanted_px : float
            What it must have in the copy, where it has as much in the picture.

        Returns
        -------
        PictureCopy
            The copy.
        """
        return self._copy(extent_px / wanted_px)

    def crop(
        self, box: FaceBox, rule: CropRule, image_size: tuple[int, int]
    ) -> UInt8Array:
        """Cut a face out and bring it to the network's input size.

        Parameters
        ----------
        box : FaceBox
            The face, in pixels of the picture.
        rule : CropRule
            Margin and shape of the crop.
        image_size : (int, int)
            Height and width of the result.

        Returns
        -------
        ndarray of shape (height, width, 3), uint8
            The crop, as :func:`face_crops.crop` makes it of :meth:`copy_for_crop`.
        """
        copy = self.copy_for_crop(box, rule, image_size)
        return face_crops.crop(copy.image, copy.box(box), rule, image_size)

    def copy_for_crop(
        self, box: FaceBox, rule: CropRule, image_size: tuple[int, int]
    ) -> PictureCopy:
        """Return the copy that a face is cut out of.

        Parameters
        ----------
        box : FaceBox
            The face, in pixels of the picture.
        rule : CropRule
            Margin and shape of the crop.
        image_size : (int, int)
            Height and width of the crop.

        Returns
        -------
        PictureCopy
            The smallest that holds `CROP_SCALE` times the crop's pixels a side.
        """
        region = face_crops.region(box, rule)
        height, width = image_size
        spare = min(region.width / width, region.height / height)
        return self.copy_for(spare, CROP_SCALE)

    def _copy(self, factor: float) -> PictureCopy:
        """The copy whose sides are divided by this, or by the next smaller there is."""
        divided_by = max((f for f in self._factors if f <= factor), default=1)
        with self._lock:
            if divided_by not in self._copies:
                self._copies[divided_by] = self._copied(divided_by)
            return self._copies[divided_by]

    def _copied(self, factor: int) -> PictureCopy:
        image = self._decode(factor)
        height, width = image.shape[:2]
        return PictureCopy(image, width / self.width, height / self.height)
