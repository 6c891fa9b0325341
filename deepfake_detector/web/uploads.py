"""Uploads: checked, kept for one request under a name of our own, and deleted.

The client's file name is never used and never logged.
"""

import io
import logging
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from flask import Request
from werkzeug.datastructures import FileStorage, MultiDict

from deepfake_detector.exceptions import (
    ConfigError,
    StorageError,
    UploadError,
    UploadTooLargeError,
)
from deepfake_detector.heatmap import METHODS

logger = logging.getLogger(__name__)

#: Name of the form's file field.
FIELD: Final = "file"

#: A file older than this belongs to no request that could still be running, seconds.
LEFTOVER_AGE_S: Final = 600

_NAME_PATTERN: Final = re.compile(r"upload-[0-9a-f]{32}")
_CHUNK_BYTES: Final = 64 * 1024
_TRUE_WORDS: Final = ("1", "true", "yes", "on")
_FALSE_WORDS: Final = ("", "0", "false", "no", "off")

#: A decimal number as people write one; `float` itself takes much more than that.
_NUMBER_PATTERN: Final = re.compile(
    r"\+?(\d{1,20}(\.\d{0,20})?|\.\d{1,20})(e[-+]?\d{1,3})?", re.ASCII | re.IGNORECASE
)


class InMemoryRequest(Request):
    """A request whose files wait in memory: they are small, and no disk is needed."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return io.BytesIO()


def only_picture(files: MultiDict[str, FileStorage]) -> FileStorage:
    """Return the one file of a form.

    Parameters
    ----------
    files : MultiDict of FileStorage
        All files of the request.

    Returns
    -------
    FileStorage
        The file of the field `file`.

    Raises
    ------
    UploadError
        If there is no such field, no file was chosen, or there are several.
    """
    if FIELD not in files:
        raise UploadError(
            "No file part. Choose a picture in the form, or send it as "
            f"multipart/form-data in a field named '{FIELD}'."
        )
    chosen = [(field, file) for field, file in files.items(multi=True) if file.filename]
    if FIELD not in [field for field, _ in chosen]:
        raise UploadError("No selected file. Choose a picture, then send the form.")
    if len(chosen) > 1:
        raise UploadError(
            f"Expected one picture, got {len(chosen)} files. Send them one by one."
        )
    return chosen[0][1]


def wants_whole_picture(form: Mapping[str, str]) -> bool:
    """Say whether the checkbox "score the whole picture" was ticked.

    Parameters
    ----------
    form : mapping of str to str
        The request's fields.

    Returns
    -------
    bool
        True where `whole_picture` says yes; False where it says no or is missing.

    Raises
    ------
    UploadError
        If the field holds anything else.
    """
    word = form.get("whole_picture", "").strip().lower()
    if word in _TRUE_WORDS:
        return True
    if word in _FALSE_WORDS:
        return False
    raise UploadError("whole_picture: expected 1 or 0. Send 1 for yes, 0 for no.")


def own_threshold(form: Mapping[str, str]) -> float | None:
    """Read the visitor's own threshold.

    Parameters
    ----------
    form : mapping of str to str
        The request's fields.

    Returns
    -------
    float or None
        P(fake) in [0, 1] from which a face is likely fake; None where `threshold` is
        empty or missing.

    Raises
    ------
    UploadError
        If the field holds anything else.
    """
    text = form.get("threshold", "").strip()
    if not text:
        return None
    number = float(text) if _NUMBER_PATTERN.fullmatch(text) else -1.0
    if not 0.0 <= number <= 1.0:
        raise UploadError(
            "threshold: expected a number from 0 to 1, with a point, such as 0.9. "
            "Leave it empty for the model's own."
        )
    return number


def heatmap_method(form: Mapping[str, str]) -> str | None:
    """Read how the visitor wants to see where the model looked.

    Parameters
    ----------
    form : mapping of str to str
        The request's fields.

    Returns
    -------
    str or None
        Name of a method; None where `explain` is missing or says no.

    Raises
    ------
    UploadError
        If the field holds anything else.
    """
    word = form.get("explain", "").strip().lower()
    if word in _FALSE_WORDS:
        return None
    if word in _TRUE_WORDS:
        return METHODS[0]
    if word in METHODS:
        return word
    raise UploadError(
        f"explain: expected 0, 1, {' or '.join(METHODS)}. Send 1 for the map that the "
        "model gives anyway."
    )


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
    path = directory / f"upload-{secrets.token_hex(16)}"
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
        f"The server cannot keep an upload just now ({error.strerror}). Nothing is "
        "wrong with your picture: try again later."
    )


def too_large_text(max_bytes: int) -> str:
    """Say in words that an upload is over the limit.

    Parameters
    ----------
    max_bytes : int
        Largest accepted file.

    Returns
    -------
    str
        A message for the page.
    """
    return (
        f"The largest accepted file has {max_bytes / 1e6:g} MB. Make the picture "
        "smaller, or save it as JPEG, and try again."
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
        Most bytes to read; who sends more is cut off.
    """
    environ, announced = request.environ, request.content_length or 0
    if "wsgi.input_terminated" not in environ:
        # Here a read past the body's end would wait for ever, so read only where
        # the length is known and nobody has read before: the body over the limit.
        if announced <= (request.max_content_length or 0):
            return
        max_bytes = min(max_bytes, announced)
    with suppress(OSError):  # who has hung up needs no answer
        while max_bytes > 0:
            chunk = environ["wsgi.input"].read(min(max_bytes, _CHUNK_BYTES))
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
        If it cannot be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            "upload_dir (DEEPFAKE_UPLOAD_DIR): expected a folder that is there or can "
            f"be made, got {directory.name!r} ({error.strerror}); name another"
        ) from error
    sweep_leftovers(directory)


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
    leftovers = [p for p in _own_files(directory) if p.lstat().st_mtime < newest]
    for path in leftovers:
        path.unlink(missing_ok=True)
    if leftovers:
        logger.info("deleted %d uploads left behind by a crash", len(leftovers))
    return len(leftovers)


def _own_files(directory: Path) -> list[Path]:
    """Regular files (no links) named as :func:`saved` names them."""
    if not directory.is_dir():
        return []
    return [
        path
        for path in directory.iterdir()
        if _NAME_PATTERN.fullmatch(path.name)
        and path.is_file()
        and not path.is_symlink()
    ]
