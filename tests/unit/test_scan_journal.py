import errno
import json
import os
from pathlib import Path

import pytest

from deepfake_detector.exceptions import ConfigError, StorageError
from deepfake_detector.scan_journal import ScanJournal, has_rows, journal_folder
from deepfake_detector.scan_row import CSV, JSON_LINES, ScanRow, header

SETTINGS = {"threshold": None, "paths": ["a", "b"]}
FORMS = [CSV, JSON_LINES]


def lines(form: str, *names: str) -> list[bytes]:
    return [ScanRow(name, False).line(form) for name in names]


def stopped(out: Path) -> None:
    """Leave an unfinished scan of one row."""
    journal = ScanJournal(out, CSV, SETTINGS)
    journal.append(lines(CSV, "a"), 0)
    journal.close()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


@pytest.mark.parametrize("form", FORMS)
def test_rows_are_found_again_and_get_their_name(out: Path, form: str) -> None:
    first = ScanJournal(out, form, SETTINGS)
    assert not first.begun
    first.append(lines(form, "a"), 0)
    first.append(lines(form, "b", "c"), 1)
    first.close()
    second = ScanJournal(out, form, SETTINGS)
    assert second.begun
    found = list(second.lines())
    assert [line for line, _ in found] == lines(form, "a", "b", "c")
    # What comes after the second row is cut off, torn or not.
    second.keep(found[1][1])
    second.append(lines(form, "d"), 2)
    second.finish()
    second.close()
    assert out.read_bytes() == header(form) + b"".join(lines(form, "a", "b", "d"))
    assert not journal_folder(out).exists()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("left", [b"", b"pat", b"\0" * 300])
def test_what_is_left_of_a_crash_is_begun_anew(
    out: Path, form: str, left: bytes
) -> None:
    ScanJournal(out, form, SETTINGS).close()
    (journal_folder(out) / "rows").write_bytes(left)
    journal = ScanJournal(out, form, SETTINGS)
    assert [line for line, _ in journal.lines() if line.endswith(b"\n")] == []
    journal.keep(0)
    journal.finish()
    journal.close()
    assert out.read_bytes() == header(form)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"threshold": 0.5}, "threshold null, now 0.5"),
        ({"paths": ["x" * 99]}, r"paths \[\"a\", \"b\"\], now \[\"x+\.\.\."),
        ({"new": 1}, "new null, now 1"),
    ],
)
def test_other_settings_are_refused_by_name(
    out: Path, changed: dict[str, object], words: str
) -> None:
    stopped(out)
    with pytest.raises(ConfigError, match=words):
        ScanJournal(out, CSV, SETTINGS | changed)


@pytest.mark.parametrize("form", FORMS)
def test_without_a_row_nothing_holds_other_settings_back(out: Path, form: str) -> None:
    """As after an option that was wrong."""
    ScanJournal(out, form, SETTINGS).close()
    assert not has_rows(out, form)
    journal = ScanJournal(out, form, SETTINGS | {"threshold": 0.5})
    assert not journal.begun
    journal.append(lines(form, "a"), 0)
    journal.close()
    assert has_rows(out, form)
    assert ScanJournal(out, form, SETTINGS | {"threshold": 0.5}).begun


def test_damaged_settings_are_refused(out: Path) -> None:
    stopped(out)
    (journal_folder(out) / "settings.json").write_text("{")
    with pytest.raises(ConfigError, match="other settings"):
        ScanJournal(out, CSV, SETTINGS)


def test_a_full_disk_is_said_and_what_is_there_is_kept(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = ScanJournal(out, JSON_LINES, SETTINGS)
    journal.append(lines(JSON_LINES, "a"), 0)
    write = os.write

    def full(file: int, data: memoryview) -> int:
        if len(data) > 10:
            return write(file, data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(
        StorageError,
        match=r"free some space, then give the same command without --overwrite: "
        r"it goes on after the 1 rows",
    ):
        journal.append([b"0123456789abcdef\n"], 1)
    monkeypatch.undo()
    journal.close()
    again = ScanJournal(out, JSON_LINES, SETTINGS)
    (first, end), (torn, _) = again.lines()
    assert [first] == lines(JSON_LINES, "a")
    assert torn == b"0123456789"
    again.keep(end)
    again.append(lines(JSON_LINES, "b"), 1)
    again.finish()
    again.close()
    assert [json.loads(x)["path"] for x in out.read_text().splitlines()] == ["a", "b"]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="check that its folder exists"):
        ScanJournal(tmp_path / "missing" / "a.csv", CSV, SETTINGS)


def test_rows_are_put_onto_the_disk_at_times(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    now = 0.0
    monkeypatch.setattr("os.fsync", synced.append)
    monkeypatch.setattr("time.monotonic", lambda: now)
    journal = ScanJournal(out, CSV, SETTINGS)
    for now in (10.0, 11.0, 13.0, 14.0, 15.0, 17.0):  # noqa: B007 - the clock reads it
        journal.append(lines(CSV, "a"), 0)
    journal.close()
    assert len(synced) == 2


def test_what_gets_the_name_is_on_the_disk_before(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", lambda file: synced.append(os.fstat(file).st_ino))
    journal = ScanJournal(out, CSV, SETTINGS)
    whole = journal.folder / "whole.csv"
    whole.write_bytes(b"whole")
    journal.finish(whole)
    journal.close()
    assert out.stat().st_ino in synced


def test_a_name_that_cannot_be_given_says_that_rows_are_kept(out: Path) -> None:
    journal = ScanJournal(out, CSV, SETTINGS)
    out.mkdir()
    with pytest.raises(StorageError, match="all rows so far are kept"):
        journal.finish()
    journal.close()
    assert journal.rows_file.exists()
