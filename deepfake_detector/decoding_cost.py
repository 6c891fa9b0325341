"""Files that are made to cost a decoder far more than their pixels do.

A picture's pixels are limited by its header. Three things are not: the scans of a JPEG,
each of which goes over every pixel; the parts of a file, which Pillow walks through in
Python and of which it joins EXIF at a quadratic cost; and the packed texts of a PNG,
which it unpacks one by one. A few bytes are enough for each, so that a file of 150 kB
can hold a processor for minutes. Only lengths and names are followed here.
"""

import re
from collections.abc import Iterator
from typing import Final

from deepfake_detector.picture_segments import MOST_STEPS, PictureSegments

#: Most scans of a JPEG. Progressive ones have 10 from libjpeg, and up to about 20 from
#: encoders that look for the smallest.
MOST_SCANS: Final = 64

#: Most pixels that all scans of a JPEG go over together, where there are more of them
#: than libjpeg makes: 24 scans of 50 megapixels.
MOST_SCANNED_PIXELS: Final = 1_200_000_000
_USUAL_SCANS: Final = 10

#: Most segments of a JPEG. A profile, depth map or second picture of 64 kB each takes
#: a few dozen.
MOST_SEGMENTS: Final = 1_000

#: Most bytes between a JPEG's segments, where there should be none.
MOST_FILLING: Final = 65_536

#: Most chunks of a PNG that hold something packed besides the pixels.
MOST_PACKED: Final = 64

_PACKED: Final = ("zTXt", "iTXt", "iCCP")
_SOS: Final = 0xDA
#: Start of a frame, which says how large it is; those left out mean something else.
_SOF: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: TEM, SOI and EOI: markers that stand alone.
_ALONE: Final = (0x01, 0xD8, 0xD9)
#: A marker: neither a stuffed 0xFF, nor filling, nor a restart within a scan.
_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def costs_too_much(data: bytes) -> bool:
    """Tell whether a file is made of more parts than any honest picture.

    Parameters
    ----------
    data : bytes
        The file, of any origin. Nothing is raised, whatever it holds.

    Returns
    -------
    bool
        True for a JPEG with more than `MOST_SCANS` scans, or `MOST_SCANNED_PIXELS` in
        them, `MOST_SEGMENTS` segments or `MOST_FILLING` bytes between its segments,
        and for a PNG with `MOST_STEPS` chunks or more than `MOST_PACKED` packed ones.
        Of a WebP all parts are walked through by its own library, which is fast.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return _is_costly_jpeg(data)
    segments = PictureSegments.read(data)
    if segments.encoding != "PNG":
        return False
    packed = sum(part.kind in _PACKED for part in segments.parts)
    return len(segments.parts) >= MOST_STEPS or packed > MOST_PACKED


def _is_costly_jpeg(data: bytes) -> bool:
    scans = filling = pixels = 0
    for number, (marker, gap, start) in enumerate(_markers(data)):
        scans += marker == _SOS
        filling += gap if not scans else 0
        if marker in _SOF:
            pixels = max(pixels, _frame_pixels(data, start))
        if scans > MOST_SCANS or number >= MOST_SEGMENTS or filling > MOST_FILLING:
            return True
    return scans > _USUAL_SCANS and scans * pixels > MOST_SCANNED_PIXELS


def _frame_pixels(data: bytes, start: int) -> int:
    """Height times width, behind a frame's length and the bits of its samples."""
    height, width = (
        int.from_bytes(data[at : at + 2], "big") for at in (start + 3, start + 5)
    )
    return height * width


def _markers(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Markers as decoders meet them, the bytes skipped before each, and its end.

    Both decoders that read on are followed: Pillow up to the first scan, where it steps
    over an end of image, and libjpeg from there on, where it does not.
    """
    at, in_scans = 2, False
    while found := _MARKER.search(data, at):
        marker = data[found.end() - 1]
        yield marker, found.start() - at, found.end()
        in_scans = in_scans or marker == _SOS
        if marker == 0xD9 and in_scans:
            return
        at = found.end()
        if marker not in _ALONE:
            # A length that counts less than itself is read as an empty segment.
            at += max(2, int.from_bytes(data[at : at + 2], "big"))
    yield 0, len(data) - min(at, len(data)), len(data)
