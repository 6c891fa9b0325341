"""Bring a dataset archive to this machine: whole and checked, or not at all.

Bytes go to a part file, which says which file of the server they begin. A killed
download goes on from there with a ``Range`` request that ``If-Range`` guards; the
archive gets its own name only when its length and hashes are right.

References
----------
.. [1] Fielding et al., "HTTP Semantics", RFC 9110: If-Range 13.1.5, range requests 14.
"""

import errno
import json
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit
from urllib.request import url2pathname

import requests
from urllib3.exceptions import ReadTimeoutError

from deepfake_detector.download_session import (
    BACKOFF_MAX_S,
    DEFAULT_POLICY,
    PASSING_STATUSES,
    DownloadPolicy,
    download_session,
)
from deepfake_detector.exceptions import ConfigError, DownloadError
from deepfake_detector.file_lock import only_process
from deepfake_detector.part_file import (
    ZIP_SIGNATURES,
    PartFile,
    PartRecord,
    file_hash,
    stated_md5,
)

logger = logging.getLogger(__name__)

_CHUNK_BYTES: Final = 64 * 1024
_ERROR_PAGE_TYPES: Final = ("text/html", "application/json", "application/xhtml+xml")
_CONTENT_RANGE: Final = re.compile(r"bytes (?P<part>\d+-|\*)\d*/(?P<total>\d+|\*)")
_OFFLINE_ADVICE: Final = "get the zip elsewhere and pass --archive FILE"


def kaggle_credentials(
    environ: Mapping[str, str], home: Path
) -> tuple[str, str] | None:
    """Find the user's Kaggle name and key, where there are any.

    Parameters
    ----------
    environ : mapping of str to str
        Environment; KAGGLE_USERNAME and KAGGLE_KEY come before the file.
    home : Path
        Home folder; the file is ``.kaggle/kaggle.json`` in it.

    Returns
    -------
    (str, str) or None
        User name and key; None if neither place has them. Public data needs none.

    Raises
    ------
    ConfigError
        If only one of the two is set, or the file is not what Kaggle writes.
    """
    name, key = environ.get("KAGGLE_USERNAME"), environ.get("KAGGLE_KEY")
    if name and key:
        return name, key
    if name or key:
        raise ConfigError(
            "Kaggle credentials: KAGGLE_USERNAME and KAGGLE_KEY go together, but only "
            f"{'KAGGLE_USERNAME' if name else 'KAGGLE_KEY'} is set; set both or neither"
        )
    try:
        text = (home / ".kaggle" / "kaggle.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        text = ""
    return _parse_credentials(text)


def _parse_credentials(text: str) -> tuple[str, str]:
    try:
        fields = json.loads(text)
        name, key = fields["username"], fields["key"]
    except (KeyError, TypeError, ValueError):
        name = key = None
    if not (isinstance(name, str) and isinstance(key, str) and name and key):
        raise ConfigError(
            'kaggle.json: expected a readable file with {"username": ..., "key": ...}; '
            "make a new one under Settings, API on kaggle.com"
        )
    return name, key


def download_archive(
    url: str,
    destination: Path,
    *,
    expected_sha256: str | None = None,
    credentials: tuple[str, str] | None = None,
    policy: DownloadPolicy = DEFAULT_POLICY,
) -> Path:
    """Download or copy a zip, unless it is there already.

    A file at `destination` is whole, because it gets that name last; it is taken as it
    is unless its hash is pinned and differs. What a killed call left is gone on with.

    Parameters
    ----------
    url : str
        Where the zip is: http, https or file.
    destination : Path
        The file to write; its folder is made.
    expected_sha256 : str, optional
        SHA-256 in hex that the zip must have.
    credentials : (str, str), optional
        User name and key, sent to `policy.credentials_host` over https alone.
    policy : DownloadPolicy, optional
        Timeouts and retries.

    Returns
    -------
    Path
        `destination`.

    Raises
    ------
    DownloadError
        If the address cannot be used, does not answer, refuses, or sends something
        other than the whole zip, or if there is no room for it.
    """
    address = _checked_address(url)
    expected_sha256 = expected_sha256.lower() if expected_sha256 else None
    part = PartFile(destination)
    with _disk_errors(destination.name):
        destination.parent.mkdir(parents=True, exist_ok=True)
        with only_process(destination.with_name(f".{destination.name}.lock")):
            if _is_there(destination, expected_sha256):
                return destination
            if address.scheme == "file":
                _copy(address, part, expected_sha256)
            else:
                logger.info("downloading %s from %s", destination.name, address.netloc)
                with download_session(credentials, policy) as session:
                    _Download(session, url, part, policy).run(expected_sha256)
            part.publish()
    return destination


def _checked_address(url: str) -> SplitResult:
    """Take an address apart, or say what is wrong with it."""
    try:
        address = urlsplit(url)
        known_host = address.hostname is not None
    except ValueError:
        raise DownloadError("dataset url: not a valid address; check it") from None
    if address.scheme not in ("http", "https", "file"):
        raise DownloadError(
            f"dataset url: expected http, https or file, got {address.scheme!r}"
        )
    if address.scheme == "file" and address.netloc not in ("", "localhost"):
        raise DownloadError(
            "dataset url: a file address names a file of this machine, as in "
            "file:///folder/archive.zip with three slashes"
        )
    if address.scheme != "file" and not known_host:
        raise DownloadError("dataset url: it names no host; check it")
    if "@" in address.netloc:
        raise DownloadError(
            "dataset url: a user name or password in an address ends up in logs, so it "
            "is refused; Kaggle's go into KAGGLE_USERNAME and KAGGLE_KEY"
        )
    return address


def _is_there(destination: Path, expected_sha256: str | None) -> bool:
    if not destination.is_file():
        return False
    if expected_sha256 and file_hash(destination, "sha256") != expected_sha256:
        logger.warning("%s has another SHA-256; getting it again", destination.name)
        return False
    return True


@contextmanager
def _disk_errors(name: str) -> Iterator[None]:
    """Say in plain words why a file could not be written."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DownloadError(
                f"the disk filled up while {name} was written; free some space and "
                "run the same command again"
            ) from error
        raise DownloadError(
            f"cannot read or write {name} ({error.strerror}); check the folder's "
            "permissions"
        ) from error


def _copy(address: SplitResult, part: PartFile, expected_sha256: str | None) -> None:
    """Copy a file of this machine with the checks of a download."""
    source = Path(url2pathname(address.path))
    if not source.is_file():
        raise DownloadError(f"dataset url: there is no file {source.name!r}; check it")
    with source.open("rb") as file:
        record = PartRecord(address.geturl(), length=os.fstat(file.fileno()).st_size)
        part.begin(record)
        part.append(iter(lambda: file.read(_CHUNK_BYTES), b""), record.length)
    fault = part.fault(record, expected_sha256)
    if fault is not None:
        part.discard()
        raise DownloadError(f"{source.name}: {fault}")


class _CutShortError(Exception):
    """The connection ended before the file did; what came is good."""


class _StartOverError(Exception):
    """What came so far is not the beginning of what the server has."""


@dataclass(frozen=True)
class _Download:
    """One address, fetched into a part file."""

    session: requests.Session
    url: str
    part: PartFile
    policy: DownloadPolicy

    def run(self, expected_sha256: str | None) -> None:
        """Fetch; go on after a cut, and start over where that is the way."""
        trouble = ""
        for attempt in range(self.policy.resumes + 1):
            if attempt:
                logger.warning("the download broke off: %s; trying again", trouble)
                time.sleep(min(self.policy.backoff_s * 2**attempt, BACKOFF_MAX_S))
            try:
                return self._attempt(expected_sha256)
            except _CutShortError as error:
                trouble = str(error)
            except _StartOverError as error:
                trouble = str(error)
                self.part.discard()
        raise DownloadError(
            f"the download broke off {self.policy.resumes + 1} times, at last because "
            f"{trouble}; run the same command again to go on, or {_OFFLINE_ADVICE}"
        )

    def _attempt(self, expected_sha256: str | None) -> None:
        known = self.part.resumable(self.url)
        record = self._receive(known)
        if record.length is not None and self.part.size < record.length:
            raise _CutShortError("the server sent only a part of the rest")
        fault = self.part.fault(record, expected_sha256)
        if fault is None:
            return
        # Bytes of an earlier call, or a body of unknown length, may be to blame.
        if known is not None or record.length is None:
            raise _StartOverError(fault)
        self.part.discard()
        raise DownloadError(
            f"{self.part.destination.name}: {fault}; it was deleted, so try again, and "
            "check the address and the pinned hash if that does not help"
        )

    def _receive(self, known: PartRecord | None) -> PartRecord:
        """Ask for what is missing and append what comes."""
        size = self.part.size
        with self._ask(known, size) as response:
            if known is not None and response.status_code == 206:
                _check_range(response, known, f"{size}-")
                self.part.append(_chunks(response, self.policy), known.length)
            elif known is not None and response.status_code == 416:
                # Nothing is left to send: right if all of it has come already.
                known = replace(known, length=size)
                _check_range(response, known, "*")
            else:
                known = self._receive_from_start(response)
        return known

    def _ask(self, known: PartRecord | None, size: int) -> requests.Response:
        # Of bytes compressed on the way, length and hash would mean nothing.
        headers = {"Accept-Encoding": "identity"}
        if known is not None and known.etag is not None:
            headers |= {"Range": f"bytes={size}-", "If-Range": known.etag}
        try:
            return self.session.get(
                self.url,
                headers=headers,
                stream=True,
                timeout=(self.policy.connect_timeout_s, self.policy.read_timeout_s),
            )
        except requests.RequestException as error:
            raise _unreachable(error, self.policy) from error

    def _receive_from_start(self, response: requests.Response) -> PartRecord:
        """Check that a zip comes before anything is written over."""
        if response.status_code != 200:
            raise _refused(response)
        kind = response.headers.get("Content-Type", "").lower()
        chunks = _chunks(response, self.policy)
        first = next(chunks, b"")
        if kind.startswith(_ERROR_PAGE_TYPES) or first[:4] not in ZIP_SIGNATURES:
            raise DownloadError(
                "expected a zip, got something else"
                f"{f' ({kind})' if kind else ''}; it may be an error or sign-in page, "
                f"so open the address in a browser, or {_OFFLINE_ADVICE}"
            )
        record = PartRecord.from_headers(self.url, response.headers)
        self.part.begin(record)
        self.part.append(chain([first], chunks), record.length)
        return record


def _chunks(response: requests.Response, policy: DownloadPolicy) -> Iterator[bytes]:
    """The body; whatever ends it early is a cut."""
    try:
        yield from response.iter_content(_CHUNK_BYTES)
    except requests.RequestException as error:
        if isinstance(_cause(error), ReadTimeoutError):
            reason = f"it stalled: no byte came for {policy.read_timeout_s:g} s"
        else:
            reason = "the connection was cut"
        raise _CutShortError(reason) from error


def _check_range(response: requests.Response, known: PartRecord, part: str) -> None:
    """Check that a 206 or 416 is about the file that has begun to come."""
    headers = response.headers
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    total = "*" if known.length is None else str(known.length)
    if (
        found is None
        or headers.get("Content-Encoding", "identity") != "identity"
        or found["part"] != part
        or found["total"] not in ("*", total)
        or headers.get("ETag", known.etag) != known.etag
        or (stated_md5(headers) or known.md5) != known.md5
    ):
        raise _StartOverError("the server has another file now")


def _cause(error: requests.RequestException) -> Exception:
    """What urllib3 found, below the wrappers; the error itself if it found nothing."""
    inner = error.args[0] if error.args else error
    cause = getattr(inner, "reason", inner)
    return cause if isinstance(cause, Exception) else error


def _unreachable(
    error: requests.RequestException, policy: DownloadPolicy
) -> DownloadError:
    """Say why no answer came, naming the host alone: an address may be a signed one."""
    host = urlsplit((error.request and error.request.url) or "").hostname
    host = host or "the server"
    cause = _cause(error)
    if isinstance(error, requests.exceptions.SSLError):
        text = (
            f"the certificate of {host} is not trusted, so nothing was downloaded; "
            "where a proxy has its own authority, name its file in REQUESTS_CA_BUNDLE"
        )
    elif isinstance(cause, ReadTimeoutError):
        text = f"{host} stalled: no answer for {policy.read_timeout_s:g} s"
    elif isinstance(error, requests.TooManyRedirects):
        text = f"{host} sends the download round in a circle; check the address"
    else:
        text = f"cannot reach {host} ({type(cause).__name__}); check the network"
    return DownloadError(f"{text}, or {_OFFLINE_ADVICE}")


def _refused(response: requests.Response) -> DownloadError:
    """Say what a status means and what to do."""
    status = response.status_code
    if status in (401, 403):
        text = (
            "access was refused; for Kaggle set KAGGLE_USERNAME and KAGGLE_KEY, or "
            "save kaggle.json (Settings, API on kaggle.com) as ~/.kaggle/kaggle.json, "
            "and accept the set's terms on its page"
        )
    elif status in (404, 410):
        text = "there is no such file; check the address"
    elif status in PASSING_STATUSES:
        text = "the server is busy or in trouble; try again later"
    else:
        text = "expected 200; check the address"
    return DownloadError(f"HTTP {status}: {text}, or {_OFFLINE_ADVICE}")
