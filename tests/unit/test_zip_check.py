"""A file is a zip or it is not; none is too odd for an answer."""

import zipfile
from pathlib import Path

import pytest

from deepfake_detector.zip_check import is_zip

#: The end of a zip on two disks: zip64's locator, and the end record.
TWO_DISKS = b"PK\6\7" + bytes(12) + b"\2\0\0\0" + b"PK\5\6" + bytes(18)


def test_zip_is_one(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", b"content")
    assert is_zip(file)


@pytest.mark.parametrize(
    "content", [b"", b"words", b"PK\3\4", TWO_DISKS], ids=["", "words", "cut", "disks"]
)
def test_what_is_none_is_not(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.zip"
    file.write_bytes(content)
    assert not is_zip(file)


def test_missing_file_is_none(tmp_path: Path) -> None:
    assert not is_zip(tmp_path / "a.zip")
