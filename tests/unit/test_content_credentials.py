"""Content credentials told by their boxes, never by their letters."""

import io
import struct

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from deepfake_detector.content_credentials import carries_credentials
from deepfake_detector.picture_segments import PictureSegments
from tests.picture_files import (
    PILLOW_NAMES,
    STORE_TYPE,
    box,
    drawn,
    manifest_store,
    png_chunk,
    riff_chunk,
    segment,
    with_box,
    with_exif,
    with_parts,
    with_xmp,
    xmp_packet,
)


def carries(data: bytes) -> bool:
    return carries_credentials(PictureSegments.read(data))


def long_box(kind: bytes, content: bytes) -> bytes:
    """A box that gives its length in 8 bytes."""
    return struct.pack(">I4sQ", 1, kind, len(content) + 16) + content


DESCRIPTION = box(b"jumd", STORE_TYPE + b"\3c2pa\0")

STORES: dict[str, bytes] = {
    "plain": manifest_store(),
    "with manifests": manifest_store(inside=box(b"jumb", b"any")),
    "long length": long_box(b"jumb", DESCRIPTION),
    "long length inside": box(b"jumb", long_box(b"jumd", DESCRIPTION[8:])),
    "up to the end": box(b"jumb", DESCRIPTION, length=0),
    "goes on in the next part": box(b"jumb", DESCRIPTION, length=1_000_000),
}

NO_STORES: dict[str, bytes] = {
    "nothing": b"",
    "letters": b"c2pa" * 20,
    "other superbox": manifest_store(b"json" + STORE_TYPE[4:]),
    "other label": manifest_store(label=b"c2pa.claim\0"),
    "no label": manifest_store(label=b""),
    "label cut short": box(b"jumb", box(b"jumd", STORE_TYPE + b"\3c2pa")),
    "other box": box(b"free", DESCRIPTION),
    "store in a store": box(b"jumb", manifest_store()),
    "description alone": DESCRIPTION,
    "length below its own": box(b"jumb", DESCRIPTION, length=7),
    "long length below its own": struct.pack(">I4sQ", 1, b"jumb", 3) + DESCRIPTION,
    "long length cut short": b"\0\0\0\1jumb\0",
    "header cut short": b"\0\0",
}


@pytest.mark.parametrize("encoding", PILLOW_NAMES)
@pytest.mark.parametrize("store", STORES.values(), ids=list(STORES))
def test_manifest_store_is_found(encoding: str, store: bytes) -> None:
    assert carries(with_box(encoding, store))


@pytest.mark.parametrize("encoding", PILLOW_NAMES)
@pytest.mark.parametrize("jumbf", NO_STORES.values(), ids=list(NO_STORES))
def test_anything_else_is_none(encoding: str, jumbf: bytes) -> None:
    assert not carries(with_box(encoding, jumbf))


def letters_in_pixels(encoding: str) -> bytes:
    """A picture whose pixels, uncompressed where that can be, are a whole store."""
    store = manifest_store() * 120
    picture = Image.frombytes("RGB", (60, 30), store[: 60 * 30 * 3].ljust(5400, b"c"))
    options = {"PNG": {"compress_level": 0}, "WebP": {"lossless": True}}
    file = io.BytesIO()
    picture.save(file, PILLOW_NAMES[encoding], **options.get(encoding, {}))
    return file.getvalue()


STORE = manifest_store()

SPOOFS: dict[str, bytes] = {
    "JPEG pixels": letters_in_pixels("JPEG"),
    "PNG pixels": letters_in_pixels("PNG"),
    "WebP pixels": letters_in_pixels("WebP"),
    "JPEG comment": drawn("JPEG", comment=b"c2pa jumb jumd" + STORE),
    "PNG comment": with_parts("PNG", png_chunk(b"tEXt", b"Comment\0c2pa" + STORE)),
    "EXIF": with_exif("JPEG", b"II*\0" + STORE),
    "XMP": with_xmp("WebP", xmp_packet("c2pa")),
    "after a JPEG's end": drawn("JPEG") + segment(0xEB, b"JP\0\1\0\0\0\1" + STORE),
    "after a PNG's end": drawn("PNG") + png_chunk(b"caBX", STORE),
    "after a WebP's end": drawn("WebP") + riff_chunk(b"C2PA", STORE),
    "a WebP's chunk in a PNG": with_parts("PNG", png_chunk(b"C2PA", STORE)),
    "a PNG's chunk in a WebP": with_parts("WebP", riff_chunk(b"caBX", STORE)),
    "other segment": with_parts("JPEG", segment(0xE2, b"JP\0\1\0\0\0\1" + STORE)),
    "segment of no box": with_parts("JPEG", segment(0xEB, b"XX\0\1\0\0\0\1" + STORE)),
    "second part": with_parts("JPEG", segment(0xEB, b"JP\0\1\0\0\0\2" + STORE)),
    "segment without its header": with_parts("JPEG", segment(0xEB, STORE)),
    "no picture": b"c2pa" + STORE,
}


def test_a_search_for_the_letters_would_be_fooled() -> None:
    fooled = [name for name, data in SPOOFS.items() if STORE in data]
    assert {"PNG pixels", "JPEG comment", "PNG comment", "EXIF"} <= set(fooled)


@pytest.mark.parametrize("data", SPOOFS.values(), ids=list(SPOOFS))
def test_letters_elsewhere_are_letters(data: bytes) -> None:
    assert not carries(data)


def test_store_is_found_behind_other_boxes() -> None:
    other = segment(0xEB, b"JP\0\1\0\0\0\1" + box(b"jumb", b"other"))
    store = segment(0xEB, b"JP\0\2\0\0\0\1" + STORE)
    assert carries(with_parts("JPEG", other, store))


def test_text_chunk_of_that_name_is_none() -> None:
    info = PngInfo()
    info.add_text("caBX", "c2pa")
    assert not carries(drawn("PNG", pnginfo=info))
