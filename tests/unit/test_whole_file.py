"""A file is there whole, or as it was before."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from deepfake_detector.whole_file import write_json, write_whole


def full(self: Path, *arguments: Any, **options: Any) -> None:
    raise OSError(28, "No space left on device")


def half(self: Path, content: Any, **options: Any) -> None:
    """Write the first half, as a disk does that fills up."""
    part = content[: len(content) // 2]
    with self.open("wb") as file:
        file.write(part.encode() if isinstance(part, str) else part)
    full(self)


@pytest.mark.parametrize(
    ("content", "written"),
    [
        ("Grüße\n", "Grüße\n".encode()),
        ("a\r\nb\n", b"a\r\nb\n"),
        (b"\x89PNG\x00\xff", b"\x89PNG\x00\xff"),
        ("", b""),
        (b"", b""),
    ],
)
@pytest.mark.parametrize("older", [None, b"older and longer than what is new"])
def test_content_is_written_as_it_is(
    content: str | bytes, written: bytes, older: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    if older is not None:
        path.write_bytes(older)
    write_whole(path, content)
    assert path.read_bytes() == written
    assert list(tmp_path.iterdir()) == [path]


def test_file_may_be_read_by_whom_any_new_file_may(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    write_whole(tmp_path / "file", "text")
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


@pytest.mark.parametrize(
    ("content", "method", "failure"),
    [
        ("new text", "write_text", half),
        ("new text", "replace", full),
        (b"new bytes", "write_bytes", half),
        (b"new bytes", "replace", full),
    ],
)
@pytest.mark.parametrize("older", [None, b"older"])
def test_write_that_fails_changes_nothing(
    content: str | bytes,
    method: str,
    failure: Any,
    older: bytes | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "file"
    if older is not None:
        path.write_bytes(older)
    with monkeypatch.context() as patch:
        patch.setattr(Path, method, failure)
        with pytest.raises(OSError, match="No space left"):
            write_whole(path, content)
    left = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert left == ({} if older is None else {"file": older})


def test_text_that_is_not_unicode_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("older")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "half of a pair: \ud800")
    assert (path.read_text(), list(tmp_path.iterdir())) == ("older", [path])


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "missing" / "file", "text")
    assert not list(tmp_path.iterdir())


def test_folder_in_the_place_stays(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "file", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_two_processes_write_under_two_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []
    replace = Path.replace

    def watched(self: Path, target: Path) -> Path:
        names.append(self.name)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    for number in (11, 12):
        monkeypatch.setattr(os, "getpid", lambda number=number: number)
        write_whole(tmp_path / "file", "text")
    assert len(set(names)) == 2
    # What clears a run folder of halves looks for this beginning.
    assert all(name.startswith("writing-") for name in names)


@pytest.mark.parametrize(("indent", "lines"), [(None, 1), (1, 5), (2, 5)])
def test_json_is_written_with_its_indent(
    indent: int | None, lines: int, tmp_path: Path
) -> None:
    path, value = tmp_path / "facts.json", {"a": [1.5], "b": None}
    write_json(path, value, indent)
    text = path.read_text()
    assert json.loads(text) == value
    assert (text.count("\n"), text[-1]) == (lines + (indent is not None), "\n")


def test_value_that_is_no_json_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    write_json(path, 1)
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert (path.read_text(), list(tmp_path.iterdir())) == ("1\n", [path])
