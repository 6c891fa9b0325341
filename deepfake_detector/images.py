"""The one decoder: bytes of unknown origin -> an RGB picture, or a plain refusal.

Content decides, never a file name. The pixel limit is checked from the header before
anything is decoded.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from deepfake_detector.decoding_cost import costs_too_much
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

#: What EXIF's orientations ask for, and which of them swap width and height.
_TURNS: Final[Mapping[object, Image.Transpose]] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_THEIR_SIDE: Final = (5, 6, 7, 8)

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


#: By what the sides of a JPEG can be divided while it is decoded.
_JPEG_FACTORS: Final = (1, 2, 4, 8)

#: Pixels of a strip, as long as strips are more than a row: they fit into the cache.
_STRIP_PIXELS: Final = 1 << 17


class EncodedPicture:
    """A file that announces itself as a picture, none of whose pixels are decoded yet.

    Parameters
    ----------
    data : bytes
        Content of the file.
    max_pixels : int, default 50 000 000
        Largest width times height that is decoded.

    Attributes
    ----------
    width, height : int
        Size in pixels as the header announces it, upright.
    factors : tuple of int
        What :meth:`decode` can divide both by.

    Raises
    ------
    UnsupportedImageError
        If the content is not JPEG, PNG or WebP.
    CorruptImageError
        If the file is empty or its header is damaged.
    ImageTooLargeError
        If the header announces more than `max_pixels`.
    """

    def __init__(self, data: bytes, max_pixels: int = DEFAULT_MAX_PIXELS) -> None:
        if not data:
            raise CorruptImageError(
                words("The file is empty. Choose a picture and try again.")
            )
        if costs_too_much(data):
            raise _damaged_header()
        self._data = data
        self._max_pixels = max_pixels
        picture = _open(data, max_pixels)
        self._opened: Image.Image | None = None
        try:
            picture.getexif()  # of a PNG it takes the pixels: EXIF may lie behind them
            self._opened = picture
        except DECODE_ERRORS:
            pass  # decode opens it anew, and says what is wrong
        self.width, self.height = _upright_size(picture)
        self.factors = _JPEG_FACTORS if picture.format in ("JPEG", "MPO") else (1,)

    def decode(self, factor: int = 1) -> UInt8Array:
        """Decode into RGB, as a person would see it on white paper.

        EXIF orientation is applied, transparency is laid on white, 16 bits are scaled
        to 8, and of an animation the first frame is taken.

        Parameters
        ----------
        factor : int, default 1
            One of :attr:`factors`: the sides are divided by it and rounded up. More
            than 1 is several times faster.

        Returns
        -------
        ndarray of shape (H, W, 3), uint8
            RGB picture; may be read-only.

        Raises
        ------
        CorruptImageError
            If the file is cut short or damaged.
        """
        opened, self._opened = self._opened, None
        picture = opened or _open(self._data, self._max_pixels)
        try:
            if factor > 1:
                width, height = (side // factor for side in picture.size)
                picture.draft(picture.mode, (width, height))
            picture.load()
            return _pixels(_to_rgb(_upright(picture)))
        except DECODE_ERRORS as error:
            raise CorruptImageError(
                words(
                    "The picture is damaged or was cut short. Save or download it "
                    "again."
                )
            ) from error


def decode(source: bytes | Path, max_pixels: int = DEFAULT_MAX_PIXELS) -> UInt8Array:
    """Decode all pixels of a picture, as :meth:`EncodedPicture.decode` does.

    Parameters
    ----------
    source : bytes or Path
        Encoded picture, or the file that holds it.
    max_pixels : int, default 50 000 000
        Largest width times height that is decoded.

    Returns
    -------
    ndarray of shape (H, W, 3), uint8
        RGB picture, writable.

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
    return np.require(EncodedPicture(data, max_pixels).decode(), requirements="W")


def _pixels(picture: Image.Image) -> UInt8Array:
    """Pixels (H, W, 3) of an RGB picture; of a large one strip by strip.

    Pillow would give them in thousands of pieces and then put these together, which
    takes twice the time and twice the memory, in pieces that leave holes behind.
    """
    width, height = picture.size
    rows = max(1, _STRIP_PIXELS // width)
    if height <= rows:
        return np.asarray(picture)
    pixels = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        pixels[top:bottom] = np.asarray(picture.crop((0, top, width, bottom)))
    return pixels


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
        raise _damaged_header() from error
    if picture.width * picture.height > max_pixels:
        raise _too_large(max_pixels)
    return picture


def _damaged_header() -> CorruptImageError:
    return CorruptImageError(
        words("The picture's header is damaged. Save or download it again.")
    )


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


def _upright_size(picture: Image.Image) -> tuple[int, int]:
    """Width and height as :func:`_upright` will have them."""
    width, height = picture.size
    lies = _orientation(picture) in _ON_THEIR_SIDE
    return (height, width) if lies else (width, height)


def _orientation(picture: Image.Image) -> object:
    """What EXIF says; a picture with damaged EXIF stays as it is stored."""
    try:
        return picture.getexif().get(ExifTags.Base.Orientation)
    except DECODE_ERRORS:
        return None


def _upright(picture: Image.Image) -> Image.Image:
    """Apply EXIF orientation, without a copy where there is none to apply."""
    method = _TURNS.get(_orientation(picture))
    return picture if method is None else picture.transpose(method)


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
    return picture if picture.mode == "RGB" else picture.convert("RGB")


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
