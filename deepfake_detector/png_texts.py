"""Text chunks of a PNG file: tEXt, zTXt and iTXt (PNG, third edition, 11.3.3)."""

import zlib
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Final

from deepfake_detector.picture_segments import PictureSegments

#: What is unpacked of one chunk at most: bytes of a bomb never meet memory.
MOST_UNPACKED: Final = 1_000_000

#: A keyword has at most 79 bytes.
_MOST_KEYWORD: Final = 79

#: Keywords that are read in one file at most.
_MOST_CHUNKS: Final = 2_000

#: Chunks that are unpacked at most: one that breaks late costs as much as a good one.
_MOST_PACKED: Final = 64


def png_texts(segments: PictureSegments, keys: Collection[str]) -> dict[str, str]:
    """Read the texts that a PNG file keeps under certain keywords.

    Parameters
    ----------
    segments : PictureSegments
        The file; one that is no PNG has no such texts.
    keys : collection of str
        The keywords, as they are written.

    Returns
    -------
    dict of str to str
        Text by keyword, in the file's order; of a keyword that comes twice the first.
        Characters that cannot be decoded are replaced, long texts cut. After 64 packed
        texts no other is unpacked.
    """
    texts: dict[str, str] = {}
    if segments.encoding != "PNG":
        return texts
    packed = 0
    for kind, key, rest in islice(_keyed(segments), _MOST_CHUNKS):
        if key in keys and key not in texts:
            packed += kind != "tEXt"
            if kind != "tEXt" and packed > _MOST_PACKED:
                continue
            text = _international(rest) if kind == "iTXt" else _latin(kind, rest)
            if text is not None:
                texts[key] = text
    return texts


def _keyed(segments: PictureSegments) -> Iterator[tuple[str, str, memoryview]]:
    """Kind, keyword and rest of every chunk that has a keyword."""
    for kind, content in segments.parts:
        if kind in ("tEXt", "zTXt", "iTXt"):
            keyword, end, _ = bytes(content[: _MOST_KEYWORD + 1]).partition(b"\0")
            if end and keyword:
                yield kind, keyword.decode("latin-1"), content[len(keyword) + 1 :]


def _latin(kind: str, rest: memoryview) -> str | None:
    """A tEXt or zTXt chunk's text; the latter says first how it is packed."""
    if kind == "tEXt":
        return bytes(rest[:MOST_UNPACKED]).decode("latin-1")
    text = _unpacked(rest[1:]) if bytes(rest[:1]) == b"\0" else None
    return None if text is None else text.decode("latin-1")


def _international(rest: memoryview) -> str | None:
    """An iTXt chunk's text: flag, method, language, translated keyword, text."""
    packed, method = bytes(rest[:1]), bytes(rest[1:2])
    parts = bytes(rest[2 : 2 + MOST_UNPACKED]).split(b"\0", 2)
    if len(parts) < 3 or packed not in (b"\0", b"\1"):
        return None
    text: bytes | None = parts[2]
    if packed == b"\1":
        at = 2 + len(parts[0]) + len(parts[1]) + 2
        text = _unpacked(rest[at:]) if method == b"\0" else None
    return None if text is None else text.decode("utf-8", "replace")


def _unpacked(packed: memoryview) -> bytes | None:
    """Unpack as far as the limit; None where the bytes are damaged."""
    try:
        return zlib.decompressobj().decompress(packed[:MOST_UNPACKED], MOST_UNPACKED)
    except zlib.error:
        return None
