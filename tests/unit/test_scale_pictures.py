from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.scale import _judged, main
from benchmarks.scale_pictures import (
    encoded,
    group,
    large_portrait,
    write_crops,
    write_portraits,
)
from deepfake_detector.bulk_scan import ScanReport
from deepfake_detector.images import decode


def test_files_differ_and_have_the_size_asked_for(tmp_path: Path) -> None:
    write_portraits(tmp_path / "p", 34, 64)
    write_crops(tmp_path / "c", 3, 32)
    files = sorted((tmp_path / "p").iterdir())
    assert len({file.read_bytes() for file in files}) == 34
    assert {decode(file).shape for file in files} == {(64, 64, 3)}
    crops = (tmp_path / "c").iterdir()
    assert {decode(file).shape for file in crops} == {(32, 32, 3)}


@pytest.mark.parametrize("megapixels", [0.1, 1.5])
def test_a_portrait_has_about_the_pixels_asked_for(megapixels: float) -> None:
    image = large_portrait(megapixels)
    height, width, _ = image.shape
    assert height == width
    assert height * width / 1e6 == pytest.approx(megapixels, rel=0.01)
    data = encoded(image, "PNG")
    np.testing.assert_array_equal(decode(data), image)


def test_groups_are_of_one_size() -> None:
    assert group(1).shape == group(6).shape == (2048, 2560, 3)


def test_the_arithmetic_of_many_is_that_of_the_steady_rate() -> None:
    # 1,000 rows in 12 s; when the first of 16 came after 2, two processes had done 32.
    report = ScanReport(Path("a"), 1000, 0, 0, 12.0, 2.0, {})
    figures = _judged("full answers", 2, [report], most=2)
    assert figures["pictures_per_second"]["median"] == 83.33
    crops = _judged("ready crops", 2, [report], most=2)
    assert crops["after_the_start"]["median"] == 93.6  # a chunk of them is of 32
    assert figures["pictures_per_second"]["held"] is False
    assert figures["after_the_start"]["median"] == 96.8
    assert figures["extrapolated"]["days"] == 11.96
    assert figures["extrapolated"]["machines_for_a_day"] == 12
    assert "held" not in _judged("full answers", 1, [report], 2)["pictures_per_second"]


def test_too_few_pictures_for_a_rate_are_refused() -> None:
    result = CliRunner().invoke(main, ["--pictures", "255", "--processes", "4"])
    assert result.exit_code == 2
    assert "expected at least 256 for 4 processes, got 255" in result.output
