"""PNG files: bombs, lying chunks, palettes and animations that do not add up."""

import struct
import zlib

import numpy as np
from PIL import Image

from deepfake_detector.exceptions import CorruptImageError, ImageTooLargeError
from tests.hostile_pictures.hostile_picture import HostilePicture
from tests.hostile_pictures.plain import face, noise, patched, saved
from tests.picture_files import PNG_SIGNATURE, png_chunk, with_parts

#: Where the first chunk behind the header begins.
_BODY = len(PNG_SIGNATURE) + 25


def plain() -> bytes:
    return saved(face(), "PNG")


def headed(width: int, height: int, bits: int = 8, colour: int = 2) -> bytes:
    """A file whose header says anything, and whose pixels are few."""
    header = struct.pack(">LLBBBBB", width, height, bits, colour, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    parts = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", pixels)
    return PNG_SIGNATURE + parts + png_chunk(b"IEND", b"")


def packed_bomb(size: int = 50_000_000) -> bytes:
    """Zeros that shrink to a thousandth."""
    packer = zlib.compressobj(9)
    block = b"\0" * 1_000_000
    rows = [packer.compress(block) for _ in range(size // len(block))]
    return b"".join(rows) + packer.flush()


def almost_a_bomb() -> bytes:
    """Unpacks to nearly a megabyte and breaks there, so that nobody keeps it."""
    packer = zlib.compressobj(9)
    zeros = packer.compress(b"\0" * 990_000) + packer.flush(zlib.Z_SYNC_FLUSH)
    return zeros + b"\xff\xff\xff"


def sixteen_bit() -> bytes:
    grey = np.asarray(face().convert("L"), dtype=np.uint16)
    return saved(Image.fromarray(grey * 257), "PNG")


def many_frames(number: int = 2000) -> bytes:
    """An animation of tiny frames, each 2 x 2 pixels."""
    frames = [Image.new("RGB", (2, 2), (n % 256, n // 256, 0)) for n in range(number)]
    return saved(frames[0], "PNG", save_all=True, append_images=frames[1:])


def animation_of_lies() -> bytes:
    """Four thousand million frames are announced, and the first lies outside."""
    control = struct.pack(">LLLLLHHBB", 0, 9999, 9999, 9999, 9999, 1, 1, 0, 0)
    parts = png_chunk(b"acTL", struct.pack(">LL", 0xFFFFFFFF, 0))
    return with_parts("PNG", parts, png_chunk(b"fcTL", control))


def empty_palette() -> bytes:
    data = saved(face().quantize(16), "PNG")
    at = data.index(b"PLTE") - 4
    size = int.from_bytes(data[at : at + 4], "big") + 12
    return data[:at] + data[at + size :]


PNG_FILES = {
    "png-1-pixel": HostilePicture(lambda: saved(Image.new("1", (1, 1)), "PNG")),
    "png-strip-30000x1": HostilePicture(
        lambda: saved(Image.new("RGB", (30000, 1)), "PNG")
    ),
    "png-all-white": HostilePicture(
        lambda: saved(Image.new("L", (500, 500), 255), "PNG")
    ),
    "png-9000x9000-of-1-bit": HostilePicture(
        lambda: saved(Image.new("1", (9000, 9000)), "PNG"), ImageTooLargeError
    ),
    "png-2000000000x1": HostilePicture(
        lambda: headed(2_000_000_000, 1), ImageTooLargeError
    ),
    "png-size-0": HostilePicture(lambda: headed(0, 0), CorruptImageError),
    "png-size-beyond-31-bits": HostilePicture(
        lambda: headed(0xFFFFFFFF, 0xFFFFFFFF), ImageTooLargeError
    ),
    "png-3-bit": HostilePicture(lambda: headed(9, 9, bits=3), CorruptImageError),
    "png-colour-type-5": HostilePicture(
        lambda: headed(9, 9, colour=5), CorruptImageError
    ),
    "png-few-pixels": HostilePicture(lambda: headed(999, 999), CorruptImageError),
    "png-pixels-without-end": HostilePicture(
        lambda: with_parts("PNG", png_chunk(b"IDAT", packed_bomb()))
    ),
    "png-cut-in-half": HostilePicture(
        lambda: plain()[: len(plain()) // 2], CorruptImageError
    ),
    "png-signature-alone": HostilePicture(lambda: PNG_SIGNATURE, CorruptImageError),
    "png-wrong-check-sum": HostilePicture(
        lambda: patched(plain(), _BODY - 4, b"oops"), CorruptImageError
    ),
    "png-chunk-beyond-the-end": HostilePicture(
        lambda: plain()[:_BODY] + b"\xff\xff\xff\xf0tEXt" + plain()[_BODY:],
        CorruptImageError,
    ),
    "png-name-that-is-none": HostilePicture(
        lambda: with_parts("PNG", png_chunk(b"\xff\0\n\x1b", b"")), CorruptImageError
    ),
    "png-second-header": HostilePicture(
        lambda: with_parts("PNG", plain()[len(PNG_SIGNATURE) : _BODY]),
        CorruptImageError,
    ),
    "png-bomb-in-iccp": HostilePicture(
        lambda: with_parts("PNG", png_chunk(b"iCCP", b"a\0\0" + packed_bomb())),
        CorruptImageError,
    ),
    "png-bomb-in-ztxt": HostilePicture(
        lambda: with_parts("PNG", png_chunk(b"zTXt", b"prompt\0\0" + packed_bomb())),
        CorruptImageError,
    ),
    "png-bomb-in-itxt": HostilePicture(
        lambda: with_parts(
            "PNG",
            png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed_bomb()),
        ),
        CorruptImageError,
    ),
    "png-200-texts-that-break": HostilePicture(
        lambda: with_parts(
            "PNG", *[png_chunk(b"zTXt", b"prompt\0\0" + almost_a_bomb())] * 200
        ),
        CorruptImageError,
    ),
    "png-50000-chunks": HostilePicture(
        lambda: with_parts("PNG", *[png_chunk(b"abCd", b"")] * 50_000),
        CorruptImageError,
    ),
    "png-40000-texts": HostilePicture(
        lambda: with_parts("PNG", *[png_chunk(b"tEXt", b"prompt\0x")] * 40_000)
    ),
    "png-16-bit": HostilePicture(sixteen_bit),
    "png-without-its-palette": HostilePicture(empty_palette),
    "png-transparency-of-nothing": HostilePicture(
        lambda: with_parts("PNG", png_chunk(b"tRNS", b"")), CorruptImageError
    ),
    "png-text-named-transparency": HostilePicture(
        lambda: with_parts("PNG", png_chunk(b"tEXt", b"transparency\0" + b"x" * 9)),
        CorruptImageError,
    ),
    "png-grey-with-a-text-named-transparency": HostilePicture(
        lambda: (
            sixteen_bit()[:_BODY]
            + png_chunk(b"tEXt", b"transparency\0x")
            + sixteen_bit()[_BODY:]
        )
    ),
    "png-2000-frames": HostilePicture(many_frames),
    "png-animation-of-lies": HostilePicture(animation_of_lies, CorruptImageError),
    "png-noise-and-garbage-behind": HostilePicture(
        lambda: saved(noise(), "PNG") + b"PK\5\6" + bytes(1000)
    ),
}
