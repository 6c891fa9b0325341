"""One safe decoder: odd pictures come out as people see them, bad bytes are refused."""

import io
import random
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps, PngImagePlugin

from deepfake_detector import images
from deepfake_detector.exceptions import (
    CorruptImageError,
    ImageError,
    ImageTooLargeError,
    UnsupportedImageError,
)

WIDTH, HEIGHT = 60, 40


def gradient() -> NDArray[np.uint8]:
    """A picture in which every corner differs: (40, 60, 3)."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    channels = (x * 4, y * 6, (x + y) * 2)
    return np.stack(channels, axis=-1).astype(np.uint8)


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def rgb() -> Image.Image:
    return Image.fromarray(gradient())


def grey() -> Image.Image:
    return rgb().convert("L")


def translucent(mode: str) -> Image.Image:
    """The gradient, its left half see-through."""
    picture = rgb().convert(mode)
    alpha = Image.new("L", picture.size, 255)
    alpha.paste(0, (0, 0, WIDTH // 2, HEIGHT))
    picture.putalpha(alpha)
    return picture


def on_white(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a person sees of :func:`translucent` on white paper."""
    seen = colours.copy()
    seen[:, : WIDTH // 2] = 255
    return seen


def grey_rgb() -> NDArray[np.uint8]:
    return np.asarray(grey().convert("RGB"))


def palette() -> Image.Image:
    return rgb().quantize(256)


def palette_with_transparency() -> bytes:
    """A palette of two colours, of which the first is see-through."""
    picture = Image.new("P", (WIDTH, HEIGHT), 1)
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.paste(0, (0, 0, WIDTH // 2, HEIGHT))
    return encoded(picture, transparency=0)


def two_colours() -> NDArray[np.uint8]:
    seen = np.full((HEIGHT, WIDTH, 3), (200, 100, 50), dtype=np.uint8)
    seen[:, : WIDTH // 2] = 255
    return seen


def animated(kind: str) -> bytes:
    others = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    return encoded(rgb(), kind, save_all=True, append_images=others, **options)


def grey16(levels: NDArray[np.uint16], **options: Any) -> bytes:
    return encoded(Image.fromarray(levels), **options)


ODD_BUT_FINE: dict[str, tuple[Callable[[], bytes], Callable[[], Any]]] = {
    "plain PNG": (lambda: encoded(rgb()), gradient),
    "lossless WebP": (lambda: encoded(rgb(), "WEBP", lossless=True), gradient),
    "grey": (lambda: encoded(grey()), grey_rgb),
    "black and white": (
        lambda: encoded(grey().convert("1")),
        lambda: np.asarray(grey().convert("1").convert("RGB")),
    ),
    "palette": (
        lambda: encoded(palette()),
        lambda: np.asarray(palette().convert("RGB")),
    ),
    "palette and transparency": (palette_with_transparency, two_colours),
    "RGBA": (lambda: encoded(translucent("RGB")), lambda: on_white(gradient())),
    "LA": (lambda: encoded(translucent("L")), lambda: on_white(grey_rgb())),
    "transparent colour": (
        lambda: encoded(rgb(), transparency=tuple(gradient()[0, 0].tolist())),
        lambda: np.where(
            (gradient() == gradient()[0, 0]).all(-1, keepdims=True), 255, gradient()
        ),
    ),
    "animated PNG": (lambda: animated("PNG"), gradient),
    "animated WebP": (lambda: animated("WEBP"), gradient),
}


@pytest.mark.parametrize("name", ODD_BUT_FINE)
def test_odd_picture_equals_its_plain_twin(name: str) -> None:
    make, expected = ODD_BUT_FINE[name]
    image = images.decode(make())
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, expected())


def test_sixteen_bit_grey_is_scaled_and_not_clipped() -> None:
    levels = np.linspace(0, 65535, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)
    image = images.decode(grey16(levels.astype(np.uint16)))
    np.testing.assert_allclose(image[..., 0], levels / 257, atol=0.51)
    assert (image[..., 0] == image[..., 1]).all()


def test_sixteen_bit_grey_keeps_its_transparency() -> None:
    levels = np.full((HEIGHT, WIDTH), 40_000, dtype=np.uint16)
    levels[:, : WIDTH // 2] = 1_000
    image = images.decode(grey16(levels, transparency=1_000))
    assert (image[:, : WIDTH // 2] == 255).all()
    assert (image[:, WIDTH // 2 :] == 156).all()


@pytest.mark.parametrize("kind", ["JPEG", "MPO"])
@pytest.mark.parametrize("mode", ["RGB", "CMYK", "L"])
def test_jpeg_of_any_mode_looks_like_its_twin(mode: str, kind: str) -> None:
    options: dict[str, Any] = {"quality": 98, "subsampling": 0}
    if kind == "MPO":
        options |= {"save_all": True, "append_images": [rgb()]}
    image = images.decode(encoded(rgb().convert(mode), kind, **options))
    expected = np.asarray(rgb().convert(mode).convert("RGB"))
    assert np.abs(image.astype(int) - expected).mean() < 3


def test_progressive_jpeg_equals_baseline() -> None:
    options = {"quality": 90, "subsampling": 0}
    progressive = encoded(rgb(), "JPEG", progressive=True, **options)
    baseline = encoded(rgb(), "JPEG", **options)
    assert progressive != baseline
    np.testing.assert_array_equal(images.decode(progressive), images.decode(baseline))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    if kind == "WEBP":
        options = {"lossless": True}
    stored = as_stored(rgb(), orientation)
    image = images.decode(encoded(stored, kind, exif=exif, **options))
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(image.astype(int) - gradient()).max() < 8


def as_stored(picture: Image.Image, orientation: int) -> Image.Image:
    """Turn a picture so that its orientation tag turns it back."""
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    return picture.transpose(turns[orientation]) if orientation > 1 else picture


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0garbage",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0",
    ],
)
def test_picture_with_corrupt_exif_still_decodes(exif: bytes) -> None:
    image = images.decode(encoded(rgb(), "JPEG", quality=95, exif=exif))
    assert image.shape == (HEIGHT, WIDTH, 3)


def test_one_pixel_is_a_picture() -> None:
    image = images.decode(encoded(Image.new("RGB", (1, 1), (1, 2, 3))))
    assert image.tolist() == [[[1, 2, 3]]]


def test_result_is_writable_and_contiguous() -> None:
    image = images.decode(encoded(rgb()))
    assert image.flags.writeable
    assert image.flags.c_contiguous


def test_file_is_decoded_by_content_and_not_by_name(tmp_path: Any) -> None:
    file = tmp_path / "holiday.txt"
    file.write_bytes(encoded(rgb()))
    np.testing.assert_array_equal(images.decode(file), gradient())


def png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def png_of_size(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG with these zlib-compressed pixels, whatever its header says."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", header),
            png_chunk(b"IDAT", pixels),
            png_chunk(b"IEND", b""),
        )
    )


@cache
def png_bomb() -> bytes:
    """A valid, black picture of 9000x9000 pixels."""
    compressor = zlib.compressobj(9)
    row = bytes(1 + 3 * 9000)
    rows = [compressor.compress(row) for _ in range(9000)]
    return png_of_size(9000, 9000, b"".join(rows) + compressor.flush())


def png_with_text_bomb() -> bytes:
    """A small picture with 80 MB of compressed text beside it."""
    text = PngImagePlugin.PngInfo()
    text.add(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80_000_000), 9))
    return encoded(rgb(), pnginfo=text)


def jpeg_of_size(width: int, height: int) -> bytes:
    """A JPEG whose header lies about its size."""
    data = bytearray(encoded(rgb(), "JPEG"))
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def broken_png_checksum() -> bytes:
    data = bytearray(encoded(rgb()))
    data[data.index(b"IDAT") + 10] ^= 0xFF
    return bytes(data)


REFUSED: dict[str, tuple[Callable[[], bytes], type[ImageError], str]] = {
    "empty": (lambda: b"", CorruptImageError, "empty"),
    "text": (lambda: b"I am no picture", UnsupportedImageError, "JPEG, PNG or WebP"),
    "zeros": (lambda: bytes(1000), UnsupportedImageError, "JPEG, PNG or WebP"),
    "PNG bomb": (png_bomb, ImageTooLargeError, "50 megapixels"),
    "huge PNG header": (
        lambda: png_of_size(60_000, 60_000),
        ImageTooLargeError,
        "megapixels",
    ),
    "largest PNG header": (
        lambda: png_of_size(2**31 - 1, 2**31 - 1),
        ImageTooLargeError,
        "megapixels",
    ),
    "huge JPEG header": (
        lambda: jpeg_of_size(65_500, 65_500),
        ImageTooLargeError,
        "megapixels",
    ),
    "PNG of no width": (lambda: png_of_size(0, 10), CorruptImageError, "damaged"),
    "PNG of no pixels": (lambda: png_of_size(10, 10), CorruptImageError, "damaged"),
    "PNG of a wrong checksum": (broken_png_checksum, CorruptImageError, "damaged"),
    "PNG text bomb": (png_with_text_bomb, CorruptImageError, "damaged"),
    "GIF": (lambda: encoded(rgb(), "GIF"), UnsupportedImageError, "GIF"),
    "BMP": (lambda: encoded(rgb(), "BMP"), UnsupportedImageError, "BMP"),
    "TIFF": (lambda: encoded(rgb(), "TIFF"), UnsupportedImageError, "TIFF"),
    "AVIF": (lambda: encoded(rgb(), "AVIF"), UnsupportedImageError, "AVIF"),
    "HEIC": (
        lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64),
        UnsupportedImageError,
        "HEIC",
    ),
    "HEIC burst": (
        lambda: b"\0\0\0\x18ftyphevc\0\0\0\0msf1hevc" + bytes(64),
        UnsupportedImageError,
        "HEIC",
    ),
    "PDF": (lambda: b"%PDF-1.7\n" + bytes(64), UnsupportedImageError, "PDF"),
    "SVG": (
        lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        UnsupportedImageError,
        "SVG",
    ),
    "SVG with a prologue": (
        lambda: b'\xef\xbb\xbf<?xml version="1.0"?>\n<svg width="9"/>',
        UnsupportedImageError,
        "SVG",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_bytes_are_refused_with_the_fix_in_words(name: str) -> None:
    make, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        images.decode(make())


def test_bomb_of_the_table_is_small() -> None:
    assert len(png_bomb()) < 260_000


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.002, 0.01, 0.05, 0.3, 0.5, 0.7, 0.9])
def test_picture_cut_short_is_refused_as_damaged(kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    with pytest.raises(CorruptImageError):
        images.decode(data[: max(12, int(len(data) * share))])


def test_pixel_limit_is_inclusive() -> None:
    data = encoded(rgb())
    assert images.decode(data, max_pixels=WIDTH * HEIGHT).shape[:2] == (HEIGHT, WIDTH)
    with pytest.raises(ImageTooLargeError):
        images.decode(data, max_pixels=WIDTH * HEIGHT - 1)


def test_message_never_repeats_the_users_bytes() -> None:
    with pytest.raises(UnsupportedImageError) as caught:
        images.decode(b"secret words of the user")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damaged_bytes_decode_or_raise_an_image_error(kind: str) -> None:
    chance = random.Random(7)
    original = encoded(rgb(), kind, exif=ImageOps.exif_transpose(rgb()).getexif())
    for _ in range(150):
        data = bytearray(original)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            image = images.decode(bytes(data))
        except ImageError:
            continue
        assert image.ndim == 3


@pytest.mark.parametrize("size", [(1200, 900), (900, 1200), (200_000, 3), (3, 200_000)])
def test_large_picture_takes_little_more_than_its_pixels(size: tuple[int, int]) -> None:
    """In one piece, Pillow takes as much again; a server's memory grew by that."""
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    encoded = images.EncodedPicture(file.getvalue(), 10**7)
    tracemalloc.start()
    try:
        decoded = encoded.decode()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(decoded, pixels)
    assert most < 1.5 * pixels.nbytes + 500_000
