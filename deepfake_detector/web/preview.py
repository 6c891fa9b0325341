"""A small copy of a picture, carried inside the page and nowhere else."""

import base64
import io
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Longer side of the copy, pixels.
MAX_SIDE_PX: Final = 1280

_JPEG_QUALITY: Final = 85


@dataclass(frozen=True)
class Preview:
    """A picture that a page holds in itself.

    Parameters
    ----------
    uri : str
        ``data:image/jpeg;base64,...``.
    width, height : int
        Its size in pixels, so that the page keeps its place.
    """

    uri: str
    width: int
    height: int

    @classmethod
    def of(cls, image: NDArray[np.uint8], max_side_px: int = MAX_SIDE_PX) -> Self:
        """Make a JPEG copy.

        Parameters
        ----------
        image : ndarray of shape (H, W, 3), uint8
            RGB picture.
        max_side_px : int, default 1280
            Its longer side at most, pixels; nothing is enlarged.

        Returns
        -------
        Preview
            The copy.
        """
        copy = Image.fromarray(image)
        copy.thumbnail((max_side_px, max_side_px), reducing_gap=2.0)
        buffer = io.BytesIO()
        copy.save(buffer, "JPEG", quality=_JPEG_QUALITY)
        content = base64.b64encode(buffer.getvalue()).decode()
        return cls("data:image/jpeg;base64," + content, *copy.size)
