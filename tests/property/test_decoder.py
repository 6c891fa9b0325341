"""Whatever the bytes are, the decoder refuses in words or gives the right pixels."""

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector import images
from deepfake_detector.exceptions import CorruptImageError, ImageError
from tests.fuzz.decoder import check, check_decoding

Pixels = NDArray[Any]

SIGNATURES = (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8 ")


def encoded(pixels: Pixels, mode: str, file_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture = Image.fromarray(pixels)
    if picture.mode != mode:
        picture = picture.convert(mode)
    picture.save(file, file_format, **options)
    return file.getvalue()


def _noise(*shape: int, dtype: Any = np.uint8) -> Pixels:
    rng = np.random.default_rng(1)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype=dtype)


#: A small file of each kind that is accepted.
VALID = {
    "jpeg": encoded(_noise(20, 30, 3), "RGB", "JPEG"),
    "jpeg progressive": encoded(_noise(20, 30, 3), "RGB", "JPEG", progressive=True),
    "jpeg grey": encoded(_noise(20, 30, 3), "L", "JPEG"),
    "jpeg cmyk": encoded(_noise(20, 30, 3), "CMYK", "JPEG"),
    "png": encoded(_noise(9, 7, 3), "RGB", "PNG"),
    "png dots": encoded(_noise(9, 7, 3), "1", "PNG"),
    "png palette": encoded(_noise(9, 7, 3), "P", "PNG", transparency=3),
    "png grey": encoded(_noise(9, 7, 3), "L", "PNG", transparency=7),
    "png grey with alpha": encoded(_noise(9, 7, 4), "LA", "PNG"),
    "png with alpha": encoded(_noise(9, 7, 4), "RGBA", "PNG"),
    "png 16 bit": encoded(_noise(9, 7, dtype=np.uint16), "I;16", "PNG"),
    "webp": encoded(_noise(9, 7, 3), "RGB", "WEBP"),
    "webp lossless": encoded(_noise(9, 7, 4), "RGBA", "WEBP", lossless=True),
}

#: EXIF orientation, and what turns the stored pixels upright.
TURNS = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[:, ::-1],
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: a.transpose(1, 0, 2)[::-1],
}

pictures = arrays(
    np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3))
)


@given(st.sampled_from(SIGNATURES), st.binary(max_size=300))
def test_any_bytes_are_refused_or_decoded(start: bytes, rest: bytes) -> None:
    check(start + rest)


@given(st.sampled_from(sorted(VALID)), st.data())
def test_mutated_picture_is_refused_or_decoded(name: str, data: st.DataObject) -> None:
    content = bytearray(VALID[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.binary(max_size=4)
        )
        content = content or bytearray(b"x")
    check(bytes(content))


@pytest.mark.parametrize("name", VALID)
def test_picture_cut_anywhere_is_refused_or_whole(name: str) -> None:
    whole = images.decode(VALID[name])
    for end in range(len(VALID[name])):
        try:
            picture = images.decode(VALID[name][:end])
        except ImageError:
            continue
        # Behind the pixels a file may end in its last check sums or trailer.
        assert end >= len(VALID[name]) - 24
        assert np.array_equal(picture, whole)


@given(pictures)
def test_lossless_picture_keeps_its_pixels(pixels: Pixels) -> None:
    assert np.array_equal(images.decode(encoded(pixels, "RGB", "PNG")), pixels)
    webp = encoded(pixels, "RGB", "WEBP", lossless=True)
    assert np.array_equal(images.decode(webp), pixels)


@given(pictures, st.sampled_from([0, 1, *TURNS, 9, 255, 65535]))
def test_orientation_turns_the_pixels(pixels: Pixels, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = TURNS.get(orientation, lambda a: a)(pixels)
    for file_format, options in (("PNG", {}), ("WEBP", {"lossless": True})):
        file = encoded(pixels, "RGB", file_format, exif=exif, **options)
        assert np.array_equal(images.decode(file), turned)


@given(arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_sixteen_bits_are_rounded_to_eight(wide: Pixels) -> None:
    picture = images.decode(encoded(wide, "I;16", "PNG"))
    nearest = np.floor(wide / 257 + 0.5).astype(np.uint8)
    assert np.array_equal(picture, np.repeat(nearest[..., None], 3, axis=2))


@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(4))))
def test_transparency_is_laid_on_white(pixels: Pixels) -> None:
    picture = images.decode(encoded(pixels, "RGBA", "PNG")).astype(float)
    share = pixels[..., 3:] / 255
    on_white = pixels[..., :3] * share + 255 * (1 - share)
    assert np.abs(picture - on_white).max() <= 1


@given(pictures, st.integers(0, 255))
def test_palette_shows_its_colours(pixels: Pixels, clear: int) -> None:
    picture = Image.fromarray(pixels).quantize(16)
    indices = np.asarray(picture)
    seen = np.asarray(picture.convert("RGB")).copy()
    file = io.BytesIO()
    picture.save(file, "PNG", transparency=clear % 16)
    seen[indices == clear % 16] = 255
    assert np.array_equal(images.decode(file.getvalue()), seen)


@given(pictures, st.integers(1, 150))
def test_limit_of_pixels_is_exact(pixels: Pixels, most: int) -> None:
    file = encoded(pixels, "RGB", "PNG")
    check_decoding(file, most)
    height, width, _ = pixels.shape
    if height * width > most:
        with pytest.raises(ImageError):
            images.decode(file, most)
    else:
        assert images.decode(file, most).shape == pixels.shape


@given(st.binary(max_size=40))
def test_what_stands_behind_a_picture_changes_nothing(rest: bytes) -> None:
    for data in VALID.values():
        try:
            picture = images.decode(data + rest)
        except CorruptImageError:
            continue
        assert np.array_equal(picture, images.decode(data))
