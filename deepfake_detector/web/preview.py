"""A small copy of the visitor's picture, carried inside the page and nowhere else."""

import base64
import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Longer side of the copy, pixels.
MAX_SIDE_PX: Final = 1280

_JPEG_QUALITY: Final = 85


def data_uri(image: NDArray[np.uint8]) -> str:
    """Make a JPEG copy as a ``data:`` address.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
        RGB picture.

    Returns
    -------
    str
        ``data:image/jpeg;base64,...`` of at most 1280 pixels a side.
    """
    copy = Image.fromarray(image)
    copy.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    buffer = io.BytesIO()
    copy.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
