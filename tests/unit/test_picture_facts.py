import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from deepfake_detector.picture_facts import (
    brightness,
    jpeg_quality,
    read_file_facts,
    sharpness,
)


def written(path: Path, size: tuple[int, int] = (48, 32), **options: Any) -> Path:
    mode = options.pop("mode", "RGB")
    Image.new(mode, size).save(path, **options)
    return path


@pytest.mark.parametrize("quality", [*range(1, 10), 25, 49, 50, 51, 75, 92, 95, 100])
def test_quality_that_pillow_saved_with_is_found(tmp_path: Path, quality: int) -> None:
    facts = read_file_facts(written(tmp_path / "a.jpg", quality=quality))
    assert facts.jpeg_quality == quality


def test_quality_of_foreign_tables_is_that_of_the_nearest() -> None:
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "JPEG", quality=80)
    table = list(Image.open(file).quantization[0])  # type: ignore[attr-defined]
    table[5] += 1
    assert jpeg_quality(table) == 80
    assert jpeg_quality([1] * 64) == 100
    assert jpeg_quality([255] * 64) == 1


@pytest.mark.parametrize("table", [(), [16] * 63, [[16] * 8] * 8])
def test_table_of_another_shape_has_no_quality(table: Any) -> None:
    assert jpeg_quality(table) is None


@pytest.mark.parametrize(
    ("name", "options", "encoding"),
    [
        ("a.jpg", {"subsampling": 0}, "JPEG RGB 4:4:4"),
        ("a.jpg", {"subsampling": 1}, "JPEG RGB 4:2:2"),
        ("a.jpg", {"subsampling": 2}, "JPEG RGB 4:2:0"),
        ("a.jpg", {"progressive": True}, "JPEG RGB 4:2:0 progressive"),
        ("a.jpg", {"mode": "L"}, "JPEG L"),
        ("a.jpg", {"mode": "CMYK"}, "JPEG CMYK"),
        ("a.png", {"mode": "RGBA"}, "PNG RGBA"),
        ("a.webp", {}, "WEBP RGB"),
        # The content counts, not the name.
        ("a.jpg", {"format": "PNG"}, "PNG RGB"),
    ],
)
def test_encoding_is_said_in_words(
    tmp_path: Path, name: str, options: dict[str, Any], encoding: str
) -> None:
    facts = read_file_facts(written(tmp_path / name, **options))
    assert facts.encoding == encoding
    assert (facts.jpeg_quality is None) == (not encoding.startswith("JPEG"))


def test_size_and_weight_are_those_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path / "a.png", (48, 32))
    facts = read_file_facts(path)
    assert (facts.width, facts.height) == (48, 32)
    assert facts.bytes_per_pixel == path.stat().st_size / (48 * 32)


def test_brightness_is_the_mean_grey_level() -> None:
    image = np.zeros((4, 4, 3), dtype=np.uint8)
    image[:2] = 200
    assert brightness(image) == 100


def test_sharpness_falls_with_blur(portrait: NDArray[np.uint8]) -> None:
    picture = Image.fromarray(portrait)
    values = [
        sharpness(np.asarray(picture.filter(ImageFilter.GaussianBlur(radius))))
        for radius in (0, 1, 2, 4, 8)
    ]
    assert values == sorted(values, reverse=True)
    assert values[0] > 10 * values[-1] > 0


def test_sharpness_hardly_depends_on_the_picture_s_size(
    portrait: NDArray[np.uint8],
) -> None:
    picture = Image.fromarray(portrait)
    half = picture.resize((256, 256), Image.Resampling.BOX)
    assert sharpness(np.asarray(half)) == pytest.approx(sharpness(portrait), rel=0.01)


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    level = np.random.default_rng(0).integers(0, 255, (8, 8), dtype=np.uint8)
    g = level.astype(int)
    expected = [
        g[y - 1, x] + g[y + 1, x] + g[y, x - 1] + g[y, x + 1] - 4 * g[y, x]
        for y in range(1, 7)
        for x in range(1, 7)
    ]
    image = np.repeat(level[..., None], 3, axis=2)
    assert sharpness(image, side=8) == pytest.approx(np.var(expected))


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (16, 16)])
def test_flat_picture_of_any_shape_has_no_sharpness(shape: tuple[int, int]) -> None:
    assert sharpness(np.full((*shape, 3), 90, dtype=np.uint8)) == 0
