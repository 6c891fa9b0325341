"""Text chunks of PNG files."""

import tracemalloc
import zlib

import pytest
from PIL.PngImagePlugin import PngInfo

from deepfake_detector.picture_segments import PictureSegments
from deepfake_detector.png_texts import MOST_UNPACKED, png_texts
from tests.picture_files import drawn, png_chunk, with_parts


def texts_of(*chunks: bytes, keys: tuple[str, ...] = ("key",)) -> dict[str, str]:
    return png_texts(PictureSegments.read(with_parts("PNG", *chunks)), keys)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["latin", "international"])
def test_texts_are_those_that_pillow_wrote(kind: str, packed: bool) -> None:
    info = PngInfo()
    add = info.add_text if kind == "latin" else info.add_itxt
    add("key", "grüße", zip=packed)
    segments = PictureSegments.read(drawn("PNG", pnginfo=info))
    assert png_texts(segments, ("key", "other")) == {"key": "grüße"}
    assert png_texts(segments, ("other",)) == {}


def test_first_of_a_keyword_counts() -> None:
    one, two = (png_chunk(b"tEXt", b"key\0" + text) for text in (b"one", b"two"))
    assert texts_of(one, two) == {"key": "one"}


def test_language_and_translated_keyword_are_passed_over() -> None:
    plain = b"key\0\0\0de\0Schl\xc3\xbcssel\0text"
    packed = b"key\0\1\0de\0Schl\xc3\xbcssel\0" + zlib.compress(b"text")
    for content in (plain, packed):
        assert texts_of(png_chunk(b"iTXt", content)) == {"key": "text"}


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"tEXt", b""),
        (b"tEXt", b"key"),
        (b"tEXt", b"\0no keyword"),
        (b"tEXt", b"k" * 100 + b"\0too long a keyword"),
        (b"zTXt", b"key\0"),
        (b"zTXt", b"key\0\0"),
        (b"zTXt", b"key\0\0no zlib"),
        (b"zTXt", b"key\0\7" + zlib.compress(b"other method")),
        (b"iTXt", b"key\0"),
        (b"iTXt", b"key\0\0\0"),
        (b"iTXt", b"key\0\0\0no end"),
        (b"iTXt", b"key\0\1\0\0\0no zlib"),
        (b"iTXt", b"key\0\1\7\0\0" + zlib.compress(b"other method")),
        (b"iTXt", b"key\0\x09\0\0\0flag"),
    ],
)
def test_damaged_chunk_holds_at_most_an_empty_text(kind: bytes, content: bytes) -> None:
    assert not any(texts_of(png_chunk(kind, content)).values())


def test_bytes_that_are_no_utf_8_are_replaced() -> None:
    assert texts_of(png_chunk(b"iTXt", b"key\0\0\0\0\0a\xff")) == {"key": "a\ufffd"}


@pytest.mark.parametrize("head", [b"zTXt", b"iTXt"])
def test_bomb_is_unpacked_no_further_than_the_limit(head: bytes) -> None:
    bomb = zlib.compress(b"\0" * 100_000_000, 9)
    start = b"key\0\0" if head == b"zTXt" else b"key\0\1\0\0\0"
    picture = with_parts("PNG", png_chunk(head, start + bomb))
    segments = PictureSegments.read(picture)
    tracemalloc.start()
    texts = png_texts(segments, ("key",))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(texts["key"]) == MOST_UNPACKED
    assert most < 10 * MOST_UNPACKED


def test_only_a_bounded_number_of_chunks_is_looked_at() -> None:
    other, wanted = (png_chunk(b"tEXt", key + b"\0text") for key in (b"other", b"key"))
    assert texts_of(*[other] * 100_000, wanted) == {}


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_only_a_bounded_number_of_chunks_is_unpacked(kind: bytes) -> None:
    """A text that unpacks to nearly the limit and breaks there costs as much as one."""
    start = b"key\0\0" if kind == b"zTXt" else b"key\0\1\0\0\0"
    broken = png_chunk(kind, start + zlib.compress(b"\0" * 1000)[:2] + b"\xff" * 9)
    good = png_chunk(kind, start + zlib.compress(b"text"))
    assert texts_of(*[broken] * 63, good) == {"key": "text"}
    assert texts_of(*[broken] * 64, good) == {}
    assert texts_of(*[broken] * 64, png_chunk(b"tEXt", b"key\0text")) == {"key": "text"}


def test_other_files_hold_no_such_texts() -> None:
    segments = PictureSegments.read(drawn("JPEG", comment=b"key\0text"))
    assert png_texts(segments, ("key",)) == {}
