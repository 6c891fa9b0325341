"""JPEG files: lying headers, scans and segments without end, colours by Adobe."""

import struct

from PIL import Image

from deepfake_detector.exceptions import (
    CorruptImageError,
    ImageTooLargeError,
)
from tests.hostile_pictures.hostile_picture import HostilePicture
from tests.hostile_pictures.plain import face, noise, patched, saved
from tests.picture_files import segment, with_parts

END = b"\xff\xd9"

#: Frame headers by what follows in the file; see ITU-T T.81, table B.1.
_FRAME = b"\xff\xc0"
_SCAN = b"\xff\xda"


def plain() -> bytes:
    return saved(face(), "JPEG", quality=90)


def with_size(width: int, height: int) -> bytes:
    """The face under a frame header that tells of another size."""
    data = plain()
    return patched(data, data.index(_FRAME) + 5, struct.pack(">HH", height, width))


def with_precision(bits: int) -> bytes:
    data = plain()
    return patched(data, data.index(_FRAME) + 4, bytes([bits]))


def with_frame(marker: int) -> bytes:
    """The face under the frame header of another coding, which it is not in."""
    data = plain()
    return patched(data, data.index(_FRAME), bytes([0xFF, marker]))


def with_adobe(transform: int) -> bytes:
    data = saved(face().convert("CMYK"), "JPEG", quality=90)
    return patched(data, data.index(b"Adobe") + 11, bytes([transform]))


def with_scans(number: int) -> bytes:
    """A progressive picture whose last scan comes again and again."""
    data = saved(noise(), "JPEG", progressive=True)
    last = data[data.rindex(_SCAN) : -len(END)]
    return data[: -len(END)] + last * number + END


def mpo() -> bytes:
    return saved(face(), "MPO", save_all=True, append_images=[noise(160, 160)])


def mpo_of_lies() -> bytes:
    """An index of pictures with lengths and offsets beyond the file."""
    index = b"MM\0*" + struct.pack(">L", 8) + struct.pack(">H", 3)
    index += struct.pack(">HHL4s", 0xB000, 7, 4, b"0100")
    index += struct.pack(">HHLL", 0xB001, 4, 1, 0xFFFFFFF0)
    index += struct.pack(">HHLL", 0xB002, 7, 0xFFFFFFFF, 0x7FFFFFFF)
    return with_parts("JPEG", segment(0xE2, b"MPF\0" + index + b"\0" * 4))


def broken_profile() -> bytes:
    """A colour profile in 255 pieces, of which the same one comes three times."""
    piece = segment(0xE2, b"ICC_PROFILE\0" + bytes([7, 255]) + b"\xff" * 3000)
    return with_parts("JPEG", piece, piece, piece)


JPEG_FILES = {
    "jpeg-1-pixel": HostilePicture(lambda: saved(Image.new("RGB", (1, 1)), "JPEG")),
    "jpeg-strip-1x65000": HostilePicture(
        lambda: saved(Image.new("L", (1, 65000)), "JPEG")
    ),
    "jpeg-all-white": HostilePicture(
        lambda: saved(Image.new("RGB", (600, 400), "white"), "JPEG")
    ),
    "jpeg-face-cut-by-the-border": HostilePicture(
        lambda: saved(face(320).crop((160, 0, 320, 320)), "JPEG")
    ),
    "jpeg-signature-alone": HostilePicture(lambda: b"\xff\xd8\xff", CorruptImageError),
    "jpeg-no-pixels": HostilePicture(lambda: b"\xff\xd8" + END, CorruptImageError),
    "jpeg-cut-in-half": HostilePicture(
        lambda: plain()[: len(plain()) // 2], CorruptImageError
    ),
    "jpeg-without-its-last-byte": HostilePicture(
        lambda: plain()[:-1], CorruptImageError
    ),
    "jpeg-width-0": HostilePicture(lambda: with_size(0, 160), CorruptImageError),
    "jpeg-height-0": HostilePicture(lambda: with_size(160, 0), CorruptImageError),
    "jpeg-65535x65535": HostilePicture(
        lambda: with_size(65535, 65535), ImageTooLargeError
    ),
    # libjpeg meets the end of the image where it waits for pixels, and fills with grey.
    "jpeg-larger-than-its-pixels": HostilePicture(lambda: with_size(1000, 1000)),
    "jpeg-12-bit": HostilePicture(lambda: with_precision(12), CorruptImageError),
    "jpeg-0-bit": HostilePicture(lambda: with_precision(0), CorruptImageError),
    "jpeg-lossless": HostilePicture(lambda: with_frame(0xC3), CorruptImageError),
    "jpeg-hierarchical": HostilePicture(lambda: with_frame(0xC5), CorruptImageError),
    "jpeg-arithmetic": HostilePicture(lambda: with_frame(0xC9)),
    "jpeg-cmyk": HostilePicture(lambda: with_adobe(0)),
    "jpeg-ycck": HostilePicture(lambda: with_adobe(2)),
    "jpeg-adobe-transform-77": HostilePicture(lambda: with_adobe(77)),
    "jpeg-progressive": HostilePicture(
        lambda: saved(face(), "JPEG", progressive=True, quality=95)
    ),
    "jpeg-30-scans": HostilePicture(lambda: with_scans(20)),
    "jpeg-2000-scans": HostilePicture(lambda: with_scans(1990), CorruptImageError),
    "jpeg-5000-comments": HostilePicture(
        lambda: with_parts("JPEG", *[segment(0xFE, b"")] * 5000), CorruptImageError
    ),
    "jpeg-exif-in-5000-pieces": HostilePicture(
        lambda: with_parts("JPEG", *[segment(0xE1, b"Exif\0\0" + b"x" * 10)] * 5000),
        CorruptImageError,
    ),
    "jpeg-100-kb-of-filling": HostilePicture(
        lambda: plain()[:2] + b"\xff" * 100_000 + plain()[2:], CorruptImageError
    ),
    "jpeg-100-kb-between-segments": HostilePicture(
        lambda: plain()[:20] + b"\0" * 100_000 + plain()[20:], CorruptImageError
    ),
    "jpeg-comments-of-6-mb": HostilePicture(
        lambda: with_parts("JPEG", *[segment(0xFE, b"<script>" * 8191)] * 95)
    ),
    "jpeg-segment-of-length-0": HostilePicture(
        lambda: plain()[:2] + b"\xff\xe1\0\0" + plain()[2:]
    ),
    "jpeg-segment-beyond-the-end": HostilePicture(
        lambda: plain()[:2] + b"\xff\xe1\xff\xff" + plain()[2:], CorruptImageError
    ),
    "jpeg-mpo": HostilePicture(mpo),
    "jpeg-mpo-of-lies": HostilePicture(mpo_of_lies),
    "jpeg-broken-profile": HostilePicture(broken_profile),
    "jpeg-garbage-behind": HostilePicture(lambda: plain() + bytes(range(256)) * 4000),
}
