"""The decoder: any bytes give a refusal in words, or a picture within the limit."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from deepfake_detector import images
from deepfake_detector.exceptions import ImageError
from tests.fuzz.check_sums import with_check_sums
from tests.hostile_pictures import CORPUS

#: Enough for every way through the code, and quick.
MAX_PIXELS = 100_000

MAX_LEN = 16_384

_MODES = {
    "JPEG": ("L", "RGB", "CMYK"),
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "WEBP": ("RGB", "RGBA"),
}


def seeds() -> Iterator[bytes]:
    """A small picture of every mode, and the small ones of the hostile corpus."""
    for file_format, modes in _MODES.items():
        for mode in modes:
            file = io.BytesIO()
            Image.new(mode, (24, 16)).save(file, file_format)
            yield file.getvalue()
    for picture in CORPUS.values():
        data = picture.make()
        if len(data) <= MAX_LEN:
            yield data


def check(data: bytes) -> None:
    """Decode the bytes, and once more with a PNG's check sums mended."""
    for variant in {data, with_check_sums(data)}:
        check_decoding(variant)


def check_decoding(data: bytes, max_pixels: int = MAX_PIXELS) -> None:
    """Hold what the decoder answers against what it promises."""
    try:
        picture = images.decode(data, max_pixels)
    except ImageError as error:
        message = str(error)
        assert message.endswith(".") and message.isprintable(), message
        return
    height, width, channels = picture.shape
    assert (picture.dtype, channels) == (np.uint8, 3)
    assert 1 <= height * width <= max_pixels
    assert picture.flags.c_contiguous and picture.flags.writeable
