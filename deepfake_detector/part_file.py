"""A download that is not whole yet: its bytes so far, and which file they begin.

The bytes are in ``<name>.part``; ``<name>.part.json`` holds what the server said of the
file (address, ETag, length, MD5), so that a later process can go on with it. A record
that is missing, damaged or of another file means starting over.
"""

import base64
import binascii
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from tqdm import tqdm

from deepfake_detector.exceptions import DownloadError
from deepfake_detector.zip_check import is_zip

#: What a zip begins with; the second is a zip without members.
ZIP_SIGNATURES: Final = (b"PK\x03\x04", b"PK\x05\x06")

_MD5_BYTES: Final = 16

#: A strong ETag as RFC 9110, 8.8.3 writes it; a weak one begins with W/.
_STRONG_ETAG: Final = re.compile(r'"[\x21\x23-\x7e]*"')


@dataclass(frozen=True)
class PartRecord:
    """Which file of a server a part file begins.

    Parameters
    ----------
    url : str
        The address that was asked for, before any redirect.
    etag : str, optional
        Strong ETag with its quotes; without one a download cannot be gone on with.
    length : int, optional
        Size of the whole file, bytes.
    md5 : str, optional
        MD5 of the whole file in hex.
    """

    url: str
    etag: str | None = None
    length: int | None = None
    md5: str | None = None

    @classmethod
    def from_headers(cls, url: str, headers: Mapping[str, str]) -> Self:
        """Read a 200 answer's headers.

        Parameters
        ----------
        url : str
            The address that was asked for.
        headers : mapping of str to str
            The answer's headers; names are matched as the mapping matches them.

        Returns
        -------
        PartRecord
            What they say; of a body that is compressed on the way, nothing.
        """
        if headers.get("Content-Encoding", "identity") != "identity":
            # Length and hash would be those of the compressed bytes.
            return cls(url)
        length = headers.get("Content-Length", "")
        etag = headers.get("ETag", "")
        return cls(
            url,
            etag=etag if _STRONG_ETAG.fullmatch(etag) else None,
            length=int(length) if length.isdecimal() else None,
            md5=stated_md5(headers),
        )

    @classmethod
    def load(cls, sidecar: Path) -> Self | None:
        """Read a sidecar.

        Parameters
        ----------
        sidecar : Path
            The JSON file.

        Returns
        -------
        PartRecord or None
            None if it is missing, damaged or not ours.
        """
        try:
            record = cls(**json.loads(sidecar.read_text(encoding="utf-8")))
        except (OSError, TypeError, ValueError, RecursionError):
            return None
        return record if record._is_sound() else None

    def _is_sound(self) -> bool:
        """Whether every field has its type, so that it can go into a request."""
        return (
            isinstance(self.url, str)
            and _is_none_or(self.etag, lambda etag: _STRONG_ETAG.fullmatch(etag))
            and _is_none_or(self.length, lambda length: length >= 0)
            and _is_none_or(self.md5, lambda md5: re.fullmatch("[0-9a-f]{32}", md5))
        )


def _is_none_or(value: Any, test: Any) -> bool:
    try:
        return value is None or bool(test(value))
    except TypeError:
        return False


def stated_md5(headers: Mapping[str, str]) -> str | None:
    """Read the MD5 that Google's storage, where Kaggle keeps its files, states.

    Parameters
    ----------
    headers : mapping of str to str
        Headers of an answer.

    Returns
    -------
    str or None
        MD5 in hex from ``x-goog-hash: crc32c=<base64>,md5=<base64>``; None without it.
    """
    for field in headers.get("x-goog-hash", "").split(","):
        name, _, value = field.strip().partition("=")
        if name == "md5":
            return _md5_in_hex(value)
    return None


def _md5_in_hex(text: str) -> str | None:
    try:
        digest = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return digest.hex() if len(digest) == _MD5_BYTES else None


class PartFile:
    """The bytes of a download that have come so far, and the record beside them.

    Parameters
    ----------
    destination : Path
        The name that the file gets once it is whole.
    """

    def __init__(self, destination: Path) -> None:
        self.destination = destination
        self.path = destination.with_name(f"{destination.name}.part")
        self.sidecar = destination.with_name(f"{destination.name}.part.json")

    @property
    def size(self) -> int:
        """Bytes that have come so far."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def resumable(self, url: str) -> PartRecord | None:
        """Say whether a download can go on.

        Parameters
        ----------
        url : str
            The address that is about to be asked.

        Returns
        -------
        PartRecord or None
            What the bytes are a beginning of; None to start over.
        """
        record = PartRecord.load(self.sidecar)
        if record is None or record.url != url or record.etag is None:
            return None
        if record.length is not None and self.size > record.length:
            return None
        return record if self._begins_like_a_zip() else None

    def begin(self, record: PartRecord) -> None:
        """Start over, as the beginning of another file.

        Parameters
        ----------
        record : PartRecord
            What the bytes to come are.
        """
        # In this order no moment has new bytes beside an old record.
        self.discard()
        self.path.touch()
        temporary = self.sidecar.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(record)), encoding="utf-8")
        temporary.replace(self.sidecar)

    def append(self, chunks: Iterable[bytes], length: int | None) -> None:
        """Write chunks at the end, under a progress bar.

        Parameters
        ----------
        chunks : iterable of bytes
            What comes; left as soon as it is more than `length`.
        length : int or None
            Size of the whole file, bytes; None if the server did not say.

        Raises
        ------
        DownloadError
            If the disk has no room for what is missing.
        """
        size = self.size
        if length is not None:
            _check_space(self.path.parent, length - size)
        with (
            self.path.open("ab") as file,
            # None: shown on a terminal, silent where the output is a file.
            tqdm(
                desc=self.destination.name,
                total=length,
                initial=size,
                unit="B",
                unit_scale=True,
                disable=None,
            ) as bar,
        ):
            for chunk in chunks:
                file.write(chunk)
                bar.update(len(chunk))
                size += len(chunk)
                if length is not None and size > length:
                    return

    def discard(self) -> None:
        """Forget the bytes and the record."""
        self.sidecar.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def fault(self, record: PartRecord, sha256: str | None) -> str | None:
        """Check the finished file.

        Parameters
        ----------
        record : PartRecord
            What the file should be.
        sha256 : str or None
            Pinned SHA-256 in lower-case hex.

        Returns
        -------
        str or None
            What is wrong, in words; None if nothing is.
        """
        if record.length not in (None, self.size):
            return f"expected {record.length} bytes, got {self.size}"
        for algorithm, expected in (("md5", record.md5), ("sha256", sha256)):
            found = file_hash(self.path, algorithm) if expected else None
            if found != expected:
                return f"wrong content: expected {algorithm} {expected}, got {found}"
        if self._begins_like_a_zip() and is_zip(self.path):
            return None
        return "expected a whole zip, got something else or only a part of one"

    def publish(self) -> None:
        """Give the file its own name, once its bytes are surely on the disk."""
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        self.path.replace(self.destination)
        self.sidecar.unlink(missing_ok=True)

    def _begins_like_a_zip(self) -> bool:
        if not self.path.is_file():
            return False
        with self.path.open("rb") as file:
            return file.read(4) in ZIP_SIGNATURES


def file_hash(path: Path, algorithm: str) -> str:
    """Hash a file without reading it into memory.

    Parameters
    ----------
    path : Path
        The file.
    algorithm : str
        A name that `hashlib` knows.

    Returns
    -------
    str
        The digest in hex.
    """
    # MD5 is what Google states; it guards against damage on the way, not malice.
    with path.open("rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DownloadError(
            f"the archive needs {needed / 1e9:.2f} GB but the disk has only "
            f"{free / 1e9:.2f} GB free; free some space or choose another folder"
        )
