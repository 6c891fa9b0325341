"""A picture file taken apart: JPEG segments, PNG chunks, WebP chunks.

Only lengths and names are followed, as ITU-T T.81, the PNG specification and the WebP
container lay them out; no byte is searched for, and no pixel is decoded. A file that
is cut short or whose lengths lie is read as far as they lead.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

#: Steps that are taken through one file at most. A PNG of 40 MB in chunks of 8 kB, as
#: libpng writes them, has 5000.
MOST_STEPS: Final = 50_000

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

# Markers of ITU-T T.81, table B.1.
_SOS: Final = 0xDA
_EOI: Final = 0xD9
#: Markers that stand alone, and the bytes to go on by; of two 0xFF the first fills.
_WITHOUT_LENGTH: Final = {0xFF: 1, 0x01: 2} | dict.fromkeys(range(0xD0, 0xD8), 2)
#: DHT, JPG and DAC lie among the frame headers' numbers.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_KEPT: Final = dict.fromkeys(_FRAMES, "SOF") | {
    0xE0 + number: f"APP{number}" for number in range(16)
}


class _Part(NamedTuple):
    """One segment or chunk: its name, and what it holds without name and length."""

    kind: str
    content: memoryview


@dataclass(frozen=True)
class PictureSegments:
    """The parts of a picture file that come with a name and a length.

    Parameters
    ----------
    encoding : {'JPEG', 'PNG', 'WebP'} or None
        What the file is, by its first bytes; None for anything else.
    parts : tuple of (str, memoryview)
        Name and content in the file's order. JPEG segments are called `APP0` to
        `APP15` and `SOF`, others are left out, and so is all from the first scan on;
        chunks have the names that they bear.
    """

    encoding: str | None
    parts: tuple[_Part, ...]

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Take a file apart.

        Parameters
        ----------
        data : bytes
            The file, of any origin.

        Returns
        -------
        PictureSegments
            As much as could be read; nothing is raised.
        """
        for encoding, (is_one, walk) in _WALKS.items():
            if is_one(data):
                return cls(encoding, tuple(walk(memoryview(data))))
        return cls(None, ())

    def all(self, kind: str, start: bytes = b"") -> Iterator[memoryview]:
        """Yield what the parts of one name hold.

        Parameters
        ----------
        kind : str
            The name.
        start : bytes, default b""
            What the content must begin with; it is left out.

        Yields
        ------
        memoryview
            A part's content.
        """
        for name, content in self.parts:
            if name == kind and content[: len(start)] == start:
                yield content[len(start) :]

    def first(self, kind: str, start: bytes = b"") -> memoryview | None:
        """Return what the first part of a name holds, None where there is none.

        Parameters
        ----------
        kind : str
            The name.
        start : bytes, default b""
            What the content must begin with; it is left out.

        Returns
        -------
        memoryview or None
            The part's content.
        """
        return next(self.all(kind, start), None)


def _jpeg_segments(data: memoryview) -> Iterator[_Part]:
    """Segments up to the first scan; after it come coded pixels (T.81, B.1.1)."""
    at = 2
    for _ in range(MOST_STEPS):
        if at + 4 > len(data) or data[at] != 0xFF or data[at + 1] in (_SOS, _EOI):
            return
        marker = data[at + 1]
        if marker in _WITHOUT_LENGTH:
            at += _WITHOUT_LENGTH[marker]
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end < at + 4 or end > len(data):
            return
        if marker in _KEPT:
            yield _Part(_KEPT[marker], data[at + 4 : end])
        at = end


def _png_chunks(data: memoryview) -> Iterator[_Part]:
    """Chunks up to IEND: length, name, content, check sum (PNG, 5.3)."""
    at = len(_PNG_SIGNATURE)
    for _ in range(MOST_STEPS):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            return
        part = _Part(_name(data[at + 4 : at + 8]), data[at + 8 : end - 4])
        yield part
        if part.kind == "IEND":
            return
        at = end


def _webp_chunks(data: memoryview) -> Iterator[_Part]:
    """Chunks of the RIFF container: name, length, content, padded to even length."""
    at, stop = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    for _ in range(MOST_STEPS):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + size
        if at + 8 > stop or end > stop:
            return
        yield _Part(_name(data[at : at + 4]), data[at + 8 : end])
        at = end + size % 2


def _name(four: memoryview) -> str:
    return bytes(four).decode("latin-1")


def _is_jpeg(data: bytes) -> bool:
    return data.startswith(b"\xff\xd8\xff")


def _is_png(data: bytes) -> bool:
    return data.startswith(_PNG_SIGNATURE)


def _is_webp(data: bytes) -> bool:
    return data.startswith(b"RIFF") and data[8:12] == b"WEBP"


_Walk = Callable[[memoryview], Iterator[_Part]]

_WALKS: Final[dict[str, tuple[Callable[[bytes], bool], _Walk]]] = {
    "JPEG": (_is_jpeg, _jpeg_segments),
    "PNG": (_is_png, _png_chunks),
    "WebP": (_is_webp, _webp_chunks),
}
