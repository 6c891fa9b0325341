"""Picture files put together part by part, well-formed and otherwise."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

SIZE = (120, 90)

#: How Pillow calls the formats, by how the facts call them.
PILLOW_NAMES = {"JPEG": "JPEG", "PNG": "PNG", "WebP": "WEBP"}

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

#: A manifest store's type: "c2pa" and the tail that all JUMBF types have.
STORE_TYPE = b"c2pa" + bytes.fromhex("00110010800000aa00389b71")

XMP_START = b"http://ns.adobe.com/xap/1.0/\0"


def drawn(encoding: str, **options: Any) -> bytes:
    """A flat picture without any entry that was not asked for."""
    file = io.BytesIO()
    Image.new("RGB", SIZE, (200, 180, 160)).save(
        file, PILLOW_NAMES[encoding], **options
    )
    return file.getvalue()


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def png_chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def riff_chunk(kind: bytes, content: bytes) -> bytes:
    pad = b"\0" * (len(content) % 2)
    return kind + struct.pack("<I", len(content)) + content + pad


def webp_file(chunks: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def with_parts(encoding: str, *parts: bytes) -> bytes:
    """A picture with segments or chunks put in front of its pixels."""
    inserted = b"".join(parts)
    picture = drawn(encoding)
    if encoding == "JPEG":
        return picture[:2] + inserted + picture[2:]
    if encoding == "PNG":
        end = len(PNG_SIGNATURE) + 25  # IHDR
        return picture[:end] + inserted + picture[end:]
    return webp_file(picture[12:] + inserted)


def with_xmp(encoding: str, packet: bytes) -> bytes:
    if encoding == "JPEG":
        return with_parts(encoding, segment(0xE1, XMP_START + packet))
    if encoding == "PNG":
        text = b"XML:com.adobe.xmp\0\0\0\0\0" + packet
        return with_parts(encoding, png_chunk(b"iTXt", text))
    return with_parts(encoding, riff_chunk(b"XMP ", packet))


def with_exif(encoding: str, block: bytes) -> bytes:
    """A picture with a TIFF structure where EXIF lies."""
    if encoding == "JPEG":
        return with_parts(encoding, segment(0xE1, b"Exif\0\0" + block))
    if encoding == "PNG":
        return with_parts(encoding, png_chunk(b"eXIf", block))
    return with_parts(encoding, riff_chunk(b"EXIF", block))


def xmp_packet(inside: str = "", attributes: str = "") -> bytes:
    """A packet whose one Description has these properties."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        ' xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        ' xmlns:terms="http://purl.org/dc/terms/">'
        f'<rdf:Description rdf:about="" {attributes}>{inside}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta>\n   \n<?xpacket end="w"?>'
    ).encode()


def exif_block(entries: dict[int, Any], details: dict[int, Any] | None = None) -> bytes:
    """A TIFF structure with these entries, and those of its Exif part."""
    exif = Image.Exif()
    exif.update(entries)
    exif.get_ifd(0x8769).update(details or {})
    return exif.tobytes()[len(b"Exif\0\0") :]


def box(kind: bytes, content: bytes, length: int | None = None) -> bytes:
    if length is None:
        length = len(content) + 8
    return struct.pack(">I", length) + kind + content


def manifest_store(
    store_type: bytes = STORE_TYPE, label: bytes = b"c2pa\0", inside: bytes = b""
) -> bytes:
    """A JUMBF superbox with a description, and nothing in it that could be read."""
    toggles = b"\3" if label else b"\1"
    return box(b"jumb", box(b"jumd", store_type + toggles + label) + inside)


def with_box(encoding: str, jumbf: bytes) -> bytes:
    """A picture with a box where content credentials lie."""
    if encoding == "JPEG":
        return with_parts(encoding, segment(0xEB, b"JP\0\1\0\0\0\1" + jumbf))
    if encoding == "PNG":
        return with_parts(encoding, png_chunk(b"caBX", jumbf))
    return with_parts(encoding, riff_chunk(b"C2PA", jumbf))
