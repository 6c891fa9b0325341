"""Good pixels beside EXIF, XMP, texts and credentials that are out to do harm."""

import struct

from tests.hostile_pictures.hostile_picture import HostilePicture
from tests.picture_files import (
    STORE_TYPE,
    box,
    exif_block,
    manifest_store,
    png_chunk,
    segment,
    with_box,
    with_exif,
    with_parts,
    with_xmp,
    xmp_packet,
)

ENCODINGS = ("JPEG", "PNG", "WebP")

#: Clears a terminal, turns the direction of writing, rings the bell.
ESCAPES = "\x1b[2J\x1b]0;owned\x07\u202egpj.exe\u0000\r\n" + "Z" + "\u0301" * 500


def tiff(*entries: tuple[int, int, int, int], following: int = 0) -> bytes:
    """A TIFF structure of one directory: tag, type, count and value or offset."""
    rows = b"".join(struct.pack("<HHLL", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<L", 8) + struct.pack("<H", len(entries))
    return head + rows + struct.pack("<L", following)


def overlapping(number: int = 4000, size: int = 20_000) -> bytes:
    """Each of thousands of entries claims the same bytes as its own."""
    at = 8 + 2 + 12 * number + 4
    return tiff(*((1000 + n, 7, size, at) for n in range(number))) + b"x" * size


EXIF = {
    "orientation-0": lambda: exif_block({0x0112: 0}),
    "orientation-9": lambda: exif_block({0x0112: 9}),
    "orientation-65535": lambda: exif_block({0x0112: 65535}),
    "orientation-a-text": lambda: tiff((0x0112, 2, 4, 0x00363636)),
    "orientation-twice": lambda: tiff((0x0112, 3, 1, 6), (0x0112, 3, 1, 8)),
    "orientation-of-huge-count": lambda: tiff((0x0112, 3, 0xFFFFFFFF, 8)),
    "directory-after-itself": lambda: tiff((0x0112, 3, 1, 1), following=8),
    "directory-within-itself": lambda: tiff((0x8769, 4, 1, 8), (0x8825, 4, 1, 8)),
    "directory-beyond-the-end": lambda: tiff((0x8769, 4, 1, 0xFFFFFFF0)),
    "directory-at-a-text": lambda: tiff((0x8769, 2, 4, 0x00363636)),
    "unknown-type": lambda: tiff((0x010F, 99, 1, 1), (0x0110, 0, 9, 9)),
    "counts-that-overflow": lambda: tiff((0x010F, 12, 0x20000001, 8)),
    "overlapping": lambda: overlapping(2000, 10_000),
    "camera-with-escapes": lambda: exif_block({0x010F: ESCAPES, 0x0110: ESCAPES}),
    "resolution-over-0": lambda: exif_block({0x011A: (1, 0), 0x0128: 2}),
    "no-directory": lambda: b"II*\0\xff\xff\xff\xff",
    "no-tiff": lambda: b"\xff" * 200,
    "big-tiff": lambda: b"II+\0\x08\0\0\0" + b"\xff" * 100,
}

_LAUGHS = b"".join(
    b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)
)

XMP = {
    "billion-laughs": (
        b'<!DOCTYPE x [<!ENTITY a0 "ha">' + _LAUGHS + b"]><x:xmpmeta "
        b'xmlns:x="adobe:ns:meta/">&a9;</x:xmpmeta>'
    ),
    "file-of-the-server": (
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
    ),
    "nested-20000-deep": b"<a>" * 20_000,
    "attribute-of-60-kb": b'<a b="' + b"&#65;" * 12_000 + b'"/>',
    "no-xml": bytes(range(256)),
    "utf-16": xmp_packet().decode().encode("utf-16"),
    "tool-with-escapes": xmp_packet(
        attributes='xmp:CreatorTool="&#x202e;&#x9b;2J' + "x" * 5000 + '"'
    ),
}

TEXTS = {
    "escapes": b"tEXt" + b"Software\0" + ESCAPES.encode(),
    "key-of-escapes": b"tEXt" + b"\x1b[2J\0x",
    "no-key": b"tEXt" + b"\0" * 100,
    "megabyte": b"tEXt" + b"parameters\0" + b"Steps: 1, Sampler: " * 52_000,
    "no-utf-8": b"iTXt" + b"prompt\0\0\0\xff\0\xff\0\xff\xfe",
}


def nested_boxes(depth: int) -> bytes:
    """Superboxes within one another, as deep as a segment has room for."""
    inner = b""
    for _ in range(depth):
        inner = box(b"jumb", box(b"jumd", STORE_TYPE + b"\3c2pa\0") + inner)
    return manifest_store(inside=inner)


CREDENTIALS = {
    "nested-1500-deep": lambda: nested_boxes(1500),
    "length-0": lambda: box(b"jumb", manifest_store()[8:], 0),
    "length-7": lambda: box(b"jumb", manifest_store()[8:], 7),
    "length-beyond-the-end": lambda: box(b"jumb", manifest_store()[8:], 0xFFFFFFF0),
    "long-length-beyond-the-end": lambda: box(
        b"jumb", b"\xff" * 8 + manifest_store()[8:], 1
    ),
    "inner-longer-than-outer": lambda: box(
        b"jumb", box(b"jumd", STORE_TYPE + b"\3c2pa\0", 0x7FFFFFFF)
    ),
    "garbage-inside": lambda: manifest_store(inside=bytes(range(256)) * 20),
}

METADATA_FILES = {
    **{
        f"{encoding.lower()}-exif-{name}": HostilePicture(
            lambda encoding=encoding, make=make: with_exif(encoding, make())
        )
        for encoding in ENCODINGS
        for name, make in EXIF.items()
    },
    **{
        f"{encoding.lower()}-xmp-{name}": HostilePicture(
            lambda encoding=encoding, packet=packet: with_xmp(encoding, packet)
        )
        for encoding in ENCODINGS
        for name, packet in XMP.items()
        if len(packet) < 60_000 or encoding != "JPEG"
    },
    **{
        f"png-text-{name}": HostilePicture(
            lambda text=text: with_parts("PNG", png_chunk(text[:4], text[4:]))
        )
        for name, text in TEXTS.items()
    },
    **{
        f"{encoding.lower()}-c2pa-{name}": HostilePicture(
            lambda encoding=encoding, make=make: with_box(encoding, make())
        )
        for encoding in ENCODINGS
        for name, make in CREDENTIALS.items()
    },
    "jpeg-comment-with-escapes": HostilePicture(
        lambda: with_parts("JPEG", segment(0xFE, ESCAPES.encode()))
    ),
}
