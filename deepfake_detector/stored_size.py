"""Width and height as a picture file's header says them, before any turning."""

from collections.abc import Callable
from typing import Final

from deepfake_detector.picture_segments import PictureSegments

_Size = tuple[int, int]


def stored_size(segments: PictureSegments) -> _Size | None:
    """Read a picture's size from its header.

    Parameters
    ----------
    segments : PictureSegments
        The file.

    Returns
    -------
    tuple of int or None
        Width and height in pixels as stored; None where the header does not say.
    """
    for kind, read in _HEADERS:
        header = segments.first(kind)
        size = read(bytes(header[:16])) if header is not None else None
        if size and all(size):
            return size
    return None


def _png(header: bytes) -> _Size:
    """IHDR: width and height of 4 bytes each."""
    return int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")


def _jpeg(header: bytes) -> _Size:
    """The frame header: precision, then height and width of 2 bytes each."""
    return int.from_bytes(header[3:5], "big"), int.from_bytes(header[1:3], "big")


def _webp_canvas(header: bytes) -> _Size | None:
    """VP8X: 4 bytes of flags, then width - 1 and height - 1 of 3 bytes each."""
    if len(header) < 10:
        return None
    width, height = (int.from_bytes(header[at : at + 3], "little") for at in (4, 7))
    return width + 1, height + 1


def _webp_lossy(header: bytes) -> _Size | None:
    """A VP8 key frame: tag, start code, then 14 bits of width and of height."""
    if header[3:6] != b"\x9d\x01\x2a":
        return None
    width, height = (int.from_bytes(header[at : at + 2], "little") for at in (6, 8))
    return width & 0x3FFF, height & 0x3FFF


def _webp_lossless(header: bytes) -> _Size | None:
    """VP8L: its signature, then 14 bits of width - 1 and 14 of height - 1."""
    if header[:1] != b"\x2f" or len(header) < 5:
        return None
    bits = int.from_bytes(header[1:5], "little")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


#: By the name of the part that holds it; of WebP, the canvas before the picture on it.
_HEADERS: Final[tuple[tuple[str, Callable[[bytes], _Size | None]], ...]] = (
    ("IHDR", _png),
    ("SOF", _jpeg),
    ("VP8X", _webp_canvas),
    ("VP8 ", _webp_lossy),
    ("VP8L", _webp_lossless),
)
