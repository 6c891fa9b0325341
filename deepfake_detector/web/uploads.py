"""Uploads: checked, kept for one request under a name of our own, and deleted.

The client's file name is never used and never logged.
"""

import io
import logging
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Semaphore
from typing import IO, Final

from flask import Request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import BadRequest

from deepfake_detector.exceptions import (
    ConfigError,
    SlowUploadError,
    StorageError,
    UploadError,
    UploadTooLargeError,
)
from deepfake_detector.web import deadlines
from deepfake_detector.web.form_parser import FormParser
from deepfake_detector.wording import Words, words

logger = logging.getLogger(__name__)

#: Name of the form's file field.
FIELD: Final = "file"

#: A file older than this belongs to no request that could still be running, seconds.
LEFTOVER_AGE_S: Final = 600

#: How long a refused client may go on sending, in seconds.
DRAIN_SECONDS: Final = 10

#: How long where others do so already: each holds a thread that pages are waiting for.
CROWDED_DRAIN_SECONDS: Final = 0.5

#: Refused clients of a process that have the longer time, at once.
_patience: Final = Semaphore(2)

#: The process that keeps it, so that another can tell what it left when it was killed.
_NAME_PATTERN: Final = re.compile(r"upload-([0-9]{1,20})-[0-9a-f]{32}")
_CHUNK_BYTES: Final = 64 * 1024


class InMemoryRequest(Request):
    """A request whose files wait in memory: they are small, and no disk is needed."""

    form_data_parser_class = FormParser

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return io.BytesIO()


def pictures(files: MultiDict[str, FileStorage], most: int) -> list[FileStorage]:
    """Return the files of a form.

    Parameters
    ----------
    files : MultiDict of FileStorage
        All files of the request.
    most : int
        How many there may be.

    Returns
    -------
    list of FileStorage
        Those of the field `file`, in their order; at least one.

    Raises
    ------
    UploadError
        If there is no such field, no file was chosen, there are too many, or one lies
        in another field.
    """
    if FIELD not in files:
        raise UploadError(
            words(
                "No file part. Choose a picture in the form, or send it as "
                "multipart/form-data in a field named '{field}'.",
                field=FIELD,
            )
        )
    chosen = [(field, file) for field, file in files.items(multi=True) if file.filename]
    if FIELD not in [field for field, _ in chosen]:
        raise UploadError(
            words("No selected file. Choose a picture, then send the form.")
        )
    if any(field != FIELD for field, _ in chosen):
        raise UploadError(
            words("Send every picture in the field '{field}'.", field=FIELD)
        )
    if len(chosen) > most:
        raise UploadError(
            words(
                "Expected at most {most} pictures, got {number}. Send them in several "
                "parts.",
                most=most,
                number=len(chosen),
            )
        )
    return [file for _, file in chosen]


@contextmanager
def saved(upload: FileStorage, directory: Path, max_bytes: int) -> Iterator[Path]:
    """Keep an upload in a file of ours, and delete it whatever happens.

    Parameters
    ----------
    upload : FileStorage
        The client's file.
    directory : Path
        Where the file is made.
    max_bytes : int
        Largest accepted file.

    Yields
    ------
    Path
        The file; readable by this user alone.

    Raises
    ------
    UploadTooLargeError
        If the file has more than `max_bytes`.
    StorageError
        If the folder is missing, full or not writable.
    """
    content = upload.stream.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise UploadTooLargeError(too_large_text(max_bytes))
    path = directory / f"upload-{os.getpid()}-{secrets.token_hex(16)}"
    descriptor = _created(path)
    try:
        _write(descriptor, content)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _created(path: Path) -> int:
    """Open a file that was not there, readable by this user alone."""
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise  # no accident: the name is random
    except OSError as error:
        raise _not_kept(error) from error


def _write(descriptor: int, content: bytes) -> None:
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        raise _not_kept(error) from error


def _not_kept(error: OSError) -> StorageError:
    return StorageError(
        words(
            "The server cannot keep an upload just now ({reason}). Nothing is wrong "
            "with your picture: try again later.",
            reason=error.strerror,
        )
    )


def too_large_text(max_bytes: int) -> Words:
    """Say in words that an upload is over the limit.

    Parameters
    ----------
    max_bytes : int
        Largest accepted file.

    Returns
    -------
    Words
        A message for the page.
    """
    return words(
        "The largest accepted file has {megabytes:g} MB. Make the picture smaller, or "
        "save it as JPEG, and try again.",
        megabytes=max_bytes / 1e6,
    )


def request_too_large_text(max_file_bytes: int, max_request_bytes: int) -> Words:
    """Say in words that a request is over the limit.

    Parameters
    ----------
    max_file_bytes : int
        Largest accepted file.
    max_request_bytes : int
        Most bytes of all files of one request together.

    Returns
    -------
    Words
        A message for the page.
    """
    return words(
        "The largest accepted file has {megabytes:g} MB, and all files of one request "
        "together have at most {total:g} MB. Make the pictures smaller, or send fewer "
        "at a time, and try again.",
        megabytes=max_file_bytes / 1e6,
        total=max_request_bytes / 1e6,
    )


def drain_body(request: Request, max_bytes: int) -> None:
    """Read on what the client still sends, and throw it away.

    A browser shows an answer only after it has sent its whole request: one that is cut
    off before sees a reset connection instead of the page that says why.

    Parameters
    ----------
    request : Request
        A request that was refused.
    max_bytes : int
        Most bytes to read; who sends more, or takes longer than `DRAIN_SECONDS` (where
        many are refused, `CROWDED_DRAIN_SECONDS`), is cut off.
    """
    if "wsgi.input_terminated" not in request.environ:
        return  # a read past the body's end would wait for ever
    patient = _patience.acquire(blocking=False)
    seconds = DRAIN_SECONDS if patient else CROWDED_DRAIN_SECONDS
    try:
        _read_away(deadlines.hurried(request.environ, seconds), max_bytes)
    finally:
        if patient:
            _patience.release()


def _read_away(body: IO[bytes], max_bytes: int) -> None:
    # Who has hung up, or dawdles, needs no answer.
    with suppress(OSError, BadRequest, SlowUploadError):
        while max_bytes > 0:
            chunk = body.read(min(max_bytes, _CHUNK_BYTES))
            if not chunk:
                return
            max_bytes -= len(chunk)


def prepare_folder(directory: Path) -> None:
    """Make the folder of uploads where it is missing, and clear leftovers.

    Parameters
    ----------
    directory : Path
        The folder of uploads.

    Raises
    ------
    ConfigError
        If it cannot be made or cleared.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        sweep_leftovers(directory)
    except OSError as error:
        raise ConfigError(
            "upload_dir (DEEPFAKE_UPLOAD_DIR): expected a folder that is there or can "
            f"be made, got {directory.name!r} ({error.strerror}); name another"
        ) from error


def sweep_leftovers(directory: Path, older_than_s: float = LEFTOVER_AGE_S) -> int:
    """Delete uploads that a crash left behind; call it once, before workers start.

    Only files that bear this program's own kind of name and are older than any running
    request are touched.

    Parameters
    ----------
    directory : Path
        The folder of uploads; it may be missing.
    older_than_s : float, default 600
        Age from which a file counts as left behind, in seconds.

    Returns
    -------
    int
        How many files were deleted.
    """
    newest = time.time() - older_than_s
    return _deleted(p for p in _own_files(directory) if p.lstat().st_mtime < newest)


def sweep_of_process(directory: Path, process: int) -> int:
    """Delete the uploads of a process that has ended, however it did.

    Parameters
    ----------
    directory : Path
        The folder of uploads; it may be missing.
    process : int
        Its id.

    Returns
    -------
    int
        How many files were deleted.
    """
    return _deleted(p for p in _own_files(directory) if _process_of(p) == process)


def _deleted(paths: Iterable[Path]) -> int:
    leftovers = list(paths)
    for path in leftovers:
        path.unlink(missing_ok=True)
    if leftovers:
        logger.info("deleted %d uploads left behind by a crash", len(leftovers))
    return len(leftovers)


def _process_of(path: Path) -> int | None:
    """The process that an upload is named after; None for other files."""
    name = _NAME_PATTERN.fullmatch(path.name)
    return int(name[1]) if name else None


def _own_files(directory: Path) -> list[Path]:
    """Regular files (no links) named as :func:`saved` names them."""
    if not directory.is_dir():
        return []
    return [
        path
        for path in directory.iterdir()
        if _process_of(path) is not None and path.is_file() and not path.is_symlink()
    ]
