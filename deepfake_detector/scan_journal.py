"""The rows of a scan that is not finished, so that it can be gone on with.

They lie in a folder beside the output: `rows`, to which whole lines are appended in the
order of the pictures, and `settings.json`, which says what the scan is of. A killed
scan leaves at most a torn last line, which is cut off. What stands there are the rows
of the first so many pictures, each once; so the next picture is known without a list of
those that are done, however many they are.
"""

import errno
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from deepfake_detector.exceptions import ConfigError, StorageError
from deepfake_detector.scan_row import header
from deepfake_detector.whole_file import write_json

ROWS_FILE: Final = "rows"
SETTINGS_FILE: Final = "settings.json"

#: Longest that rows may wait to be put onto the disk itself, seconds.
SYNC_EVERY_S: Final = 2.0


class ScanJournal:
    """Appends whole rows, and finds them again.

    Parameters
    ----------
    out : Path
        The output; the folder ``.<name>.scan`` is made beside it.
    form : {'csv', 'jsonl'}
        How rows are written.
    settings : mapping
        JSON-ready: what must be the same for the scan to be gone on with.

    Attributes
    ----------
    folder : Path
        Where the rows are kept.
    begun : bool
        Whether there are rows of an earlier sitting.

    Raises
    ------
    ConfigError
        If there are rows of a scan with other settings; the message names them.
    StorageError
        If the folder cannot be written.
    """

    def __init__(self, out: Path, form: str, settings: Mapping[str, Any]) -> None:
        self._out = out
        self._form = form
        self.folder = journal_folder(out)
        self._rows = self.folder / ROWS_FILE
        self._unsynced_since: float | None = None
        settings_file = self.folder / SETTINGS_FILE
        self.begun = settings_file.exists() and has_rows(out, form)
        if self.begun:
            _require_same(settings_file, settings, out.name)
        try:
            if not self.begun:
                self.folder.mkdir(exist_ok=True)
                self._rows.write_bytes(header(form))
                write_json(settings_file, settings)
            self._file = os.open(self._rows, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except OSError as error:
            raise self._cannot_write(error) from error

    def lines(self) -> Iterator[tuple[bytes, int]]:
        """Read the rows of earlier sittings.

        Yields
        ------
        (bytes, int)
            A line, perhaps a torn one, and where in the file it ends.
        """
        with self._rows.open("rb") as rows:
            end = len(rows.read(len(header(self._form))))
            for line in rows:
                end += len(line)
                yield line, end

    def keep(self, end: int) -> None:
        """Cut off what comes after the whole rows.

        Parameters
        ----------
        end : int
            Where the last whole row ends; 0 where there is none.
        """
        os.ftruncate(self._file, end)
        if end == 0:
            os.write(self._file, header(self._form))

    def append(self, lines: Sequence[bytes], done: int) -> None:
        """Append rows.

        Parameters
        ----------
        lines : sequence of bytes
            Whole lines, those of the next pictures.
        done : int
            How many rows there were; for the error's words.

        Raises
        ------
        StorageError
            If they cannot be written. What stands there is enough to go on later.
        """
        data = memoryview(b"".join(lines))
        try:
            while data:
                data = data[os.write(self._file, data) :]
            now = time.monotonic()
            self._unsynced_since = self._unsynced_since or now
            if now - self._unsynced_since >= SYNC_EVERY_S:
                self.sync()
        except OSError as error:
            raise self._cannot_write(error, done) from error

    def sync(self) -> None:
        """Have all rows put onto the disk itself, where losing power leaves them."""
        os.fsync(self._file)
        self._unsynced_since = None

    def close(self) -> None:
        """Leave the rows as they are, to be gone on with."""
        os.close(self._file)

    @property
    def rows_file(self) -> Path:
        """The file of all rows, a header line first where the form has one."""
        return self._rows

    def finish(self, whole: Path | None = None) -> None:
        """Give the output its name and take the folder away.

        Parameters
        ----------
        whole : Path, optional
            File in `folder` that becomes the output; by default the rows themselves.

        Raises
        ------
        StorageError
            If the output cannot get its name.
        """
        try:
            self.sync()
            if whole is not None:
                with whole.open("rb") as file:
                    os.fsync(file.fileno())
            (whole or self._rows).replace(self._out)
        except OSError as error:
            raise self._cannot_write(error) from error
        shutil.rmtree(self.folder, ignore_errors=True)

    def _cannot_write(self, error: OSError, done: int | None = None) -> StorageError:
        advice = (
            "free some space"
            if error.errno in (errno.ENOSPC, errno.EDQUOT)
            else "check that its folder exists and may be written to"
        )
        kept = "all rows so far are kept"
        if done is not None:
            kept = f"it goes on after the {done} rows that are kept"
        return StorageError(
            f"{self._out.name}: cannot be written ({error.strerror}); {advice}, then "
            f"give the same command without --overwrite: {kept}"
        )


def journal_folder(out: Path) -> Path:
    """Return where the rows of an unfinished scan lie.

    Parameters
    ----------
    out : Path
        The output.

    Returns
    -------
    Path
        A hidden folder beside it, so that no scan of that folder goes into it.
    """
    return out.with_name(f".{out.name}.scan")


def has_rows(out: Path, form: str) -> bool:
    """Say whether an unfinished scan has a row, or the torn beginning of one.

    Parameters
    ----------
    out : Path
        The output.
    form : {'csv', 'jsonl'}
        How rows are written.

    Returns
    -------
    bool
        False too where a scan ended before its first row, as one that was given a wrong
        option: nothing would be lost with it.
    """
    try:
        size = (journal_folder(out) / ROWS_FILE).stat().st_size
    except OSError:
        return False
    return size > len(header(form))


def _require_same(file: Path, settings: Mapping[str, Any], name: str) -> None:
    """Refuse to go on with a scan of something else."""
    try:
        before = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        before = {}
    plain = json.loads(json.dumps(settings))
    other = [key for key in plain if before.get(key) != plain[key]]
    if other:
        said = "; ".join(
            f"{key.replace('_', ' ')} {_brief(before.get(key))}, now "
            f"{_brief(plain[key])}"
            for key in other
        )
        raise ConfigError(
            f"{name}: an unfinished scan of it was begun with other settings ({said}); "
            "give the same again to go on, or --overwrite to begin anew"
        )


def _brief(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
