"""Copies of a large JPEG are decoded as finely as they are needed, and no finer."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector import face_crops, images
from deepfake_detector.exceptions import (
    CorruptImageError,
    ImageTooLargeError,
    UnsupportedImageError,
)
from deepfake_detector.face_crops import CROP_RULES, FaceBox
from deepfake_detector.picture import CROP_SCALE, Picture

FACE, SIZE = CROP_RULES["face"], (128, 128)

#: Twelve megapixels, as a phone takes them.
WIDTH, HEIGHT = 4000, 3000


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    """Smooth waves in every colour: (3000, 4000, 3)."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    waves = (np.sin(x / 90), np.cos(y / 70), np.sin((x + y) / 120))
    return (127 + 120 * np.stack(waves, axis=-1)).astype(np.uint8)


def encoded(pixels: NDArray[np.uint8], kind: str = "JPEG", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def jpeg(photo: NDArray[np.uint8]) -> bytes:
    return encoded(photo, quality=95)


def count_decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the sides of each decoded copy were divided by."""
    factors: list[int] = []
    decode = images.EncodedPicture.decode

    def watched(self: images.EncodedPicture, factor: int = 1) -> NDArray[np.uint8]:
        factors.append(factor)
        return decode(self, factor)

    monkeypatch.setattr(images.EncodedPicture, "decode", watched)
    return factors


@pytest.mark.parametrize(
    ("side", "factors"),
    [(WIDTH, [2]), (800, [2]), (394, [2]), (393, [2, 1]), (100, [2, 1]), (20, [2, 1])],
)
def test_a_face_is_cut_from_the_smallest_copy_that_holds_enough(
    monkeypatch: pytest.MonkeyPatch, jpeg: bytes, side: int, factors: list[int]
) -> None:
    decoded = count_decoded(monkeypatch)
    picture = Picture.of(jpeg)
    box = FaceBox(0, 0, side, side)
    copy = picture.copy_for_crop(box, FACE, SIZE)
    assert decoded == factors
    enough = CROP_SCALE * SIZE[0]
    assert copy.across == 1 or FACE.margin * copy.box(box).width >= enough - 1


@pytest.mark.parametrize("side", [100, 300, 500, 1500])
def test_a_crop_from_a_copy_shows_what_one_from_all_pixels_shows(
    photo: NDArray[np.uint8], jpeg: bytes, side: int
) -> None:
    box = FaceBox(1203, 807, side, side)
    crop = Picture.of(jpeg).crop(box, FACE, SIZE)
    expected = face_crops.crop(photo, box, FACE, SIZE)
    assert (crop.shape, crop.dtype) == (expected.shape, np.uint8)
    assert np.abs(crop.astype(float) - expected).max() < 12


def test_a_copy_does_not_depend_on_what_was_asked_before(jpeg: bytes) -> None:
    fresh, asked = Picture.of(jpeg), Picture.of(jpeg)
    assert asked.all_pixels.shape == (HEIGHT, WIDTH, 3)
    box = FaceBox(500, 500, 900, 900)
    np.testing.assert_array_equal(
        fresh.crop(box, FACE, SIZE), asked.crop(box, FACE, SIZE)
    )


def test_each_copy_is_decoded_once_also_by_four_threads(
    monkeypatch: pytest.MonkeyPatch, jpeg: bytes
) -> None:
    decoded = count_decoded(monkeypatch)
    picture = Picture.of(jpeg)
    with ThreadPoolExecutor(4) as pool:
        shapes = list(pool.map(lambda _: picture.all_pixels.shape, range(8)))
    assert set(shapes) == {(HEIGHT, WIDTH, 3)}
    assert decoded == [2, 1]


@pytest.mark.parametrize(
    ("shape", "kind", "first"),
    [
        ((2000, 3999), "JPEG", 1),  # not quite 8 megapixels
        ((2000, 4000), "JPEG", 2),
        ((3000, 4000), "PNG", 1),
        ((3000, 4000), "WEBP", 1),
        ((5657, 5657), "JPEG", 4),
        ((65, 65_000), "JPEG", 1),
    ],
)
def test_only_large_jpegs_are_decoded_smaller(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int], kind: str, first: int
) -> None:
    if kind == "WEBP":
        shape = (shape[0] // 4, shape[1] // 4)
    data = encoded(np.zeros((*shape, 3), dtype=np.uint8), kind)
    decoded = count_decoded(monkeypatch)
    picture = Picture.of(data)
    assert decoded == [first]
    assert picture.shape == (*shape, 3)
    expected = tuple(-(-side // first) for side in shape)
    assert picture.first_copy().image.shape[:2] == expected


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_copy_is_upright(photo: NDArray[np.uint8], orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(photo, quality=95, exif=exif)
    picture, upright = Picture.of(data), images.decode(data)
    assert picture.shape == upright.shape
    small = Image.fromarray(upright).reduce(2)
    off = np.abs(picture.first_copy().image.astype(float) - np.asarray(small))
    assert off.max() < 8


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_every_copy_is_rgb(photo: NDArray[np.uint8], mode: str) -> None:
    file = io.BytesIO()
    Image.fromarray(photo).convert(mode).save(file, "JPEG")
    assert Picture.of(file.getvalue()).first_copy().image.shape == (1500, 2000, 3)


def test_a_box_of_a_copy_is_that_of_the_picture_scaled(jpeg: bytes) -> None:
    copy = Picture.of(jpeg).first_copy()
    assert copy.box(FaceBox(100, 200, 300, 400)) == FaceBox(50, 100, 150, 200)


def test_pixels_and_pictures_are_taken_as_they_are(photo: NDArray[np.uint8]) -> None:
    picture = Picture.of(photo)
    assert picture.all_pixels is photo
    assert picture.first_copy().image is photo
    assert Picture.of(picture) is picture


@pytest.mark.parametrize("share", [0.001, 0.3, 0.6, 0.99])
def test_damage_shows_when_the_picture_is_opened(jpeg: bytes, share: float) -> None:
    with pytest.raises(CorruptImageError):
        Picture.of(jpeg[: int(share * len(jpeg))])


def test_limits_hold_before_anything_is_decoded(jpeg: bytes, tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(jpeg)
    with pytest.raises(ImageTooLargeError):
        Picture.of(file, max_pixels=WIDTH * HEIGHT - 1)
    with pytest.raises(UnsupportedImageError):
        Picture.of(b"words")
