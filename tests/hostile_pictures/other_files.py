"""WebP files, files of other formats under a picture's name, and two in one."""

import io
import struct
import zipfile

from PIL import Image

from deepfake_detector.exceptions import (
    CorruptImageError,
    ImageTooLargeError,
    UnsupportedImageError,
)
from tests.hostile_pictures.hostile_picture import HostilePicture
from tests.hostile_pictures.plain import face, saved
from tests.picture_files import riff_chunk, webp_file


def plain_webp() -> bytes:
    return saved(face(), "WEBP", quality=90)


def many_frames(number: int = 2000) -> bytes:
    frames = [Image.new("RGB", (8, 8), (n % 256, n // 256, 0)) for n in range(number)]
    return saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])


def canvas(width: int, height: int) -> bytes:
    """An extended file whose canvas is larger than the picture on it."""
    size = struct.pack("<L", width - 1)[:3] + struct.pack("<L", height - 1)[:3]
    header = riff_chunk(b"VP8X", b"\0\0\0\0" + size)
    return webp_file(header + plain_webp()[12:])


def moving_canvas(width: int, height: int) -> bytes:
    """An animation of one small frame on a canvas of any size."""
    size = struct.pack("<L", width - 1)[:3] + struct.pack("<L", height - 1)[:3]
    header = riff_chunk(b"VP8X", b"\2\0\0\0" + size)
    place = bytes(6) + b"\x9f\0\0\x9f\0\0" + b"\x64\0\0\0"
    frame = riff_chunk(b"ANMF", place + plain_webp()[12:])
    return webp_file(header + riff_chunk(b"ANIM", bytes(6)) + frame)


def zipped(name: str = "a.txt", content: bytes = b"a") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


def _foreign(data: bytes) -> HostilePicture:
    return HostilePicture(lambda: data, UnsupportedImageError)


_PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(1)>>>>endobj"
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'

OTHER_FILES = {
    "webp-face": HostilePicture(plain_webp),
    "webp-1-pixel": HostilePicture(lambda: saved(Image.new("RGB", (1, 1)), "WEBP")),
    "webp-2000-frames": HostilePicture(many_frames),
    "webp-cut-in-half": HostilePicture(
        lambda: plain_webp()[: len(plain_webp()) // 2], CorruptImageError
    ),
    "webp-head-alone": HostilePicture(lambda: plain_webp()[:12], CorruptImageError),
    "webp-length-0": HostilePicture(
        lambda: b"RIFF\0\0\0\0" + plain_webp()[8:], CorruptImageError
    ),
    "webp-canvas-of-16777216x255": HostilePicture(
        lambda: canvas(1 << 24, 255), ImageTooLargeError
    ),
    "webp-moving-canvas-of-16384x16384": HostilePicture(
        lambda: moving_canvas(16384, 16384), ImageTooLargeError
    ),
    "webp-moving-canvas-of-2000x2000": HostilePicture(
        lambda: moving_canvas(2000, 2000)
    ),
    "webp-100000-chunks": HostilePicture(
        lambda: webp_file(plain_webp()[12:] + riff_chunk(b"abcd", b"") * 100_000)
    ),
    "empty": HostilePicture(lambda: b"", CorruptImageError),
    "zeros": _foreign(bytes(100_000)),
    "gif": HostilePicture(lambda: saved(face(), "GIF"), UnsupportedImageError),
    "tiff": HostilePicture(lambda: saved(face(), "TIFF"), UnsupportedImageError),
    "bmp": HostilePicture(lambda: saved(face(), "BMP"), UnsupportedImageError),
    "heic": _foreign(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(999)),
    "svg-with-a-script": _foreign(_SVG),
    "pdf-with-a-script": _foreign(_PDF),
    "html": _foreign(b"<!doctype html><script>alert(1)</script>"),
    "postscript": _foreign(b"%!PS-Adobe-3.0 EPSF-3.0\n(%pipe%id) (w) file\n"),
    "fits": _foreign(b"SIMPLE  =                    T".ljust(2880)),
    "psd": _foreign(b"8BPS\0\1" + bytes(6) + b"\xff" * 20),
    "jpeg-2000": _foreign(b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(99)),
    "zip": HostilePicture(zipped, UnsupportedImageError),
    "shell-script": _foreign(b"#!/bin/sh\nrm -rf /\n"),
    "pickle": _foreign(b"\x80\4\x8c\2os\x8c\6system\x93\x8c\2id\x85R."),
    "gif-that-is-a-script": _foreign(b"GIF89a=1;alert(1)//" + bytes(99)),
    "jpeg-and-zip": HostilePicture(
        lambda: saved(face(), "JPEG") + zipped("../../x.sh", b"x" * 999)
    ),
    "jpeg-and-html": HostilePicture(
        lambda: saved(face(), "JPEG", comment=b"--><script>alert(1)</script>")
    ),
    "png-and-pdf": HostilePicture(lambda: saved(face(), "PNG") + _PDF),
    "pdf-and-jpeg": HostilePicture(
        lambda: _PDF + saved(face(), "JPEG"), UnsupportedImageError
    ),
}
