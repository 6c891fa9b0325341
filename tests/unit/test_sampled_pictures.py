"""A few pictures of an archive, evenly over a split; what is none is refused."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepfake_detector.exceptions import ArchiveError, DatasetLayoutError
from deepfake_detector.sampled_pictures import sampled_pictures


def archive(path: Path, levels: dict[str, int]) -> Path:
    """A zip of flat pictures, each of one grey level."""
    with zipfile.ZipFile(path, "w") as file:
        for name, level in levels.items():
            content = io.BytesIO()
            Image.new("RGB", (8, 6), (level,) * 3).save(content, "PNG")
            file.writestr(name, content.getvalue())
    return path


def levels_of(path: Path, split: str, count: int) -> list[int]:
    return [int(image[0, 0, 0]) for image in sampled_pictures(path, split, count)]


def test_pictures_are_taken_evenly_by_name(tmp_path: Path) -> None:
    names = {f"set/{number:03}.png": number for number in range(100)}
    path = archive(tmp_path / "a.zip", dict(reversed(names.items())))
    assert levels_of(path, "val", 4) == [0, 25, 50, 75]
    assert len(levels_of(path, "val", 1000)) == 100


@pytest.mark.parametrize(
    ("split", "expected"), [("val", [20]), ("train", [10]), ("test", [10, 20])]
)
def test_pictures_are_of_the_split_where_there_is_one(
    tmp_path: Path, split: str, expected: list[int]
) -> None:
    names = {"D/Train/Real/a.png": 10, "D/Validation/Fake/b.png": 20}
    assert levels_of(archive(tmp_path / "a.zip", names), split, 9) == expected


def test_pixels_are_rgb(tmp_path: Path) -> None:
    (image,) = sampled_pictures(archive(tmp_path / "a.zip", {"a.png": 7}), "val", 1)
    np.testing.assert_array_equal(image, np.full((6, 8, 3), 7, np.uint8))


def test_archive_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetLayoutError, match=r"^a\.zip: expected .jpg"):
        sampled_pictures(archive(tmp_path / "a.zip", {}), "val", 1)


@pytest.mark.parametrize("content", [None, b"", b"PK\3\4 cut", b"<html>"])
def test_what_is_no_zip_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.zip"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArchiveError, match=r"^a\.zip: expected a zip file"):
        sampled_pictures(path, "val", 1)
