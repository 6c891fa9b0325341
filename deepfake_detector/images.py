"""The one decoder: bytes of unknown origin -> an RGB picture, or a plain refusal.

Content decides, never a file name. The pixel limit is checked from the header before
anything is decoded.
"""

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from deepfake_detector.exceptions import (
    CorruptImageError,
    ImageTooLargeError,
    UnsupportedImageError,
)
from deepfake_detector.wording import words

UInt8Array = NDArray[np.uint8]

#: The decoders that hostile bytes may reach; every other Pillow plugin stays shut.
FORMATS: Final = ("JPEG", "PNG", "WEBP")

DEFAULT_MAX_PIXELS: Final = 50_000_000

#: What Pillow's decoders are known to raise on damaged bytes.
DECODE_ERRORS: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    OverflowError,
    struct.error,
    zlib.error,
    MemoryError,
)

_BOMB_ERRORS: Final = (Image.DecompressionBombError, Image.DecompressionBombWarning)

#: Where a file starts so, it is one of `FORMATS`, however damaged: offset and bytes.
_OWN_SIGNATURES: Final = ((0, b"\xff\xd8\xff"), (0, b"\x89PNG\r\n"), (8, b"WEBP"))

#: First bytes of formats people often have, to name the one that came.
_FOREIGN_SIGNATURES: Final = (
    *((4, b"ftyp" + brand, "HEIC") for brand in (b"hei", b"hev", b"mif1", b"msf1")),
    (4, b"ftypavi", "AVIF"),
    (0, b"GIF8", "GIF"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"BM", "BMP"),
    (0, b"%PDF", "PDF"),
)

# Pillow warns of damaged metadata and of large headers. The first does not matter for
# the pixels, the second has its own limit here, and either would let an upload write
# into the server's log.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def decode(source: bytes | Path, max_pixels: int = DEFAULT_MAX_PIXELS) -> UInt8Array:
    """Decode a picture into RGB, as a person would see it on white paper.

    EXIF orientation is applied, transparency is laid on white, 16 bits are scaled to 8,
    and of an animation the first frame is taken.

    Parameters
    ----------
    source : bytes or Path
        Encoded picture, or the file that holds it.
    max_pixels : int, default 50 000 000
        Largest width times height that is decoded.

    Returns
    -------
    ndarray of shape (H, W, 3), uint8
        RGB picture.

    Raises
    ------
    UnsupportedImageError
        If the content is not JPEG, PNG or WebP.
    CorruptImageError
        If the file is empty, cut short or damaged.
    ImageTooLargeError
        If the header announces more than `max_pixels`.
    """
    data = source.read_bytes() if isinstance(source, Path) else source
    if not data:
        raise CorruptImageError(
            words("The file is empty. Choose a picture and try again.")
        )
    picture = _open(data, max_pixels)
    try:
        picture.load()
        rgb = _to_rgb(_upright(picture))
    except DECODE_ERRORS as error:
        raise CorruptImageError(
            words("The picture is damaged or was cut short. Save or download it again.")
        ) from error
    return np.array(rgb, dtype=np.uint8)  # (H, W, 3)


def _open(data: bytes, max_pixels: int) -> Image.Image:
    """Read the header only, and refuse foreign formats and too many pixels."""
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except _BOMB_ERRORS as error:
        raise _too_large(max_pixels) from error
    except DECODE_ERRORS as error:
        is_foreign = isinstance(error, UnidentifiedImageError)
        if is_foreign and not any(_has(data, *own) for own in _OWN_SIGNATURES):
            raise _unsupported(data) from error
        raise CorruptImageError(
            words("The picture's header is damaged. Save or download it again.")
        ) from error
    if picture.width * picture.height > max_pixels:
        raise _too_large(max_pixels)
    return picture


def _too_large(max_pixels: int) -> ImageTooLargeError:
    return ImageTooLargeError(
        words(
            "The picture has more than {megapixels:g} megapixels. Make it smaller and "
            "try again.",
            megapixels=max_pixels / 1e6,
        )
    )


def _unsupported(data: bytes) -> UnsupportedImageError:
    """Name the format that came, where it is known, and what to do about it."""
    names = [name for at, start, name in _FOREIGN_SIGNATURES if _has(data, at, start)]
    if b"<svg" in data[:1024]:
        names.append("SVG")
    if names:
        return UnsupportedImageError(
            words(
                "This file is {format}. Convert it to JPEG or PNG (open it and choose "
                "Export or Save as) and try again.",
                format=names[0],
            )
        )
    return UnsupportedImageError(
        words(
            "This is not a JPEG, PNG or WebP picture, whatever its name says. Choose a "
            "picture in one of these formats, or convert it to JPEG or PNG."
        )
    )


def _has(data: bytes, offset: int, signature: bytes) -> bool:
    return data[offset : offset + len(signature)] == signature


def _upright(picture: Image.Image) -> Image.Image:
    """Apply EXIF orientation; a picture with damaged EXIF stays as it is stored."""
    try:
        return ImageOps.exif_transpose(picture)
    except DECODE_ERRORS:
        return picture


def _to_rgb(picture: Image.Image) -> Image.Image:
    """Convert any Pillow mode to RGB without clipping and on a white ground."""
    if picture.mode.startswith("I"):
        picture = _eight_bit(picture)
    if picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or (
        "transparency" in picture.info
    ):
        layer = picture.convert("RGBA")
        ground = Image.new("RGB", layer.size, "white")
        ground.paste(layer, mask=layer)
        return ground
    return picture.convert("RGB")


def _eight_bit(picture: Image.Image) -> Image.Image:
    """Scale 16-bit grey, which Pillow would clip, to 8 bits."""
    # Few copies and none wider than need be: the picture may have 50 megapixels.
    wide = np.asarray(picture).astype(np.uint16)  # (H, W) in [0, 65535]
    rounded = (wide - (wide >> 8) + np.uint16(128)) >> 8  # wide / 257
    grey = Image.fromarray(rounded.astype(np.uint8))
    if "transparency" in picture.info:
        opaque = wide != picture.info["transparency"]
        grey.putalpha(Image.fromarray(opaque.astype(np.uint8) * np.uint8(255)))
    return grey
