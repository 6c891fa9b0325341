"""Unpack a dataset's zip: every member checked first, and the folder whole or absent.

Members are written into a temporary folder beside the destination, which is renamed
when all of them are there and their checksums hold. A zip that could write elsewhere,
fill the disk or hide something is refused before anything is written.
"""

import errno
import logging
import posixpath
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tqdm import tqdm

from deepfake_detector.exceptions import ArchiveError
from deepfake_detector.file_lock import only_process
from deepfake_detector.part_file import file_hash

logger = logging.getLogger(__name__)

#: Most members of an archive. OpenForensics has 190,335 pictures.
MAX_MEMBERS: Final = 1_000_000

#: Most bytes that a member may unpack to. No picture or table comes near.
MAX_MEMBER_BYTES: Final = 4 * 10**9

#: Most bytes that an archive may unpack to. OpenForensics has 1.8e9.
MAX_TOTAL_BYTES: Final = 200 * 10**9

#: Most that a member, or all of them, may grow by. JPEG hardly shrinks in a zip and a
#: table some tenfold; deflate's own limit, which only a bomb comes near, is 1032.
MAX_RATIO: Final = 100

#: What unpacks to no more than this may have any ratio (flat masks do), bytes.
RATIO_FREE_BYTES: Final = 2**20

#: A file takes whole blocks on the disk, so count half a block more for each, bytes.
_BLOCK_BYTES: Final = 4096

#: Longest name of a member with its folders, and most folders in it. Each folder of a
#: name is kept while names are compared, so that one of 64 thousand characters would
#: take a quarter of a gigabyte; and folders are made, and deleted, by recursion.
MAX_NAME_CHARACTERS: Final = 1000
MAX_FOLDERS: Final = 32

_CHUNK_BYTES: Final = 256 * 1024
_STAGING_SUFFIX: Final = ".partial"
_ENCRYPTED_FLAGS: Final = 0x1 | 0x40 | 0x2000
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FILE_KINDS: Final = (0, stat.S_IFREG, stat.S_IFDIR)
_CONTROL_CHARACTER: Final = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE: Final = re.compile(r"[A-Za-z]:")
#: What `zipfile` raises on damaged bytes, found by flipping every one of a small zip.
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    ValueError,
)


def archive_sha256(path: Path) -> str:
    """Hash an archive without reading it into memory.

    Parameters
    ----------
    path : Path
        The archive.

    Returns
    -------
    str
        SHA-256 in lower-case hex.

    Raises
    ------
    ArchiveError
        If the file cannot be read.
    """
    try:
        return file_hash(path, "sha256")
    except OSError as error:
        raise ArchiveError(
            f"{path.name}: cannot be read ({error.strerror}); check the file name"
        ) from error


def extract_archive(archive: Path, destination: Path) -> None:
    """Unpack a zip into a folder, unless that is there already.

    A folder at `destination` is whole, because it gets that name last. Where two
    processes unpack the same set, the second waits for the first and uses its work.

    Parameters
    ----------
    archive : Path
        The zip.
    destination : Path
        The folder to make; its parent is made too.

    Raises
    ------
    ArchiveError
        If the file is not a zip or damaged, if a member's name, kind, size or
        encryption is refused, or if the folder cannot be written.
    """
    with _plain_errors(archive.name):
        destination.parent.mkdir(parents=True, exist_ok=True)
        with only_process(destination.with_name(f".{destination.name}.lock")):
            if destination.is_dir() and any(destination.iterdir()):
                return
            with (
                zipfile.ZipFile(archive) as source,
                _staging_folder(destination) as staging,
            ):
                members = _checked_members(source, archive)
                _check_space(members, destination.parent)
                logger.info("unpacking %d members of %s", len(members), archive.name)
                _write_members(source, members, staging)
                staging.replace(destination)


@contextmanager
def _plain_errors(name: str) -> Iterator[None]:
    """Say in plain words why an archive could not be read or a folder not written."""
    try:
        yield
    except _DAMAGE as error:
        raise ArchiveError(
            f"{name}: expected a whole zip, got something else or a damaged one "
            f"({error}); download or copy it again"
        ) from error
    except OSError as error:
        advice = (
            "free some space"
            if error.errno == errno.ENOSPC
            else "check names and rights"
        )
        raise ArchiveError(
            f"{name}: cannot be unpacked ({error.strerror or type(error).__name__}); "
            f"{advice} and try again"
        ) from error


@contextmanager
def _staging_folder(destination: Path) -> Iterator[Path]:
    """An empty folder on the same file system, gone afterwards unless it was renamed.

    Its name is always the same, so that what a killed run left is found; the lock says
    that nobody is writing there.
    """
    staging = destination.with_name(f".{destination.name}{_STAGING_SUFFIX}")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


# --- Checks, all before the first byte is written ----------------------------------


def _checked_members(source: zipfile.ZipFile, archive: Path) -> list[zipfile.ZipInfo]:
    """Return the members if every one of them, and all together, may be written."""
    members = source.infolist()
    if len(members) > MAX_MEMBERS:
        raise ArchiveError(
            f"{archive.name}: expected at most {MAX_MEMBERS} members, got "
            f"{len(members)}; split it into several sets"
        )
    if any(member.header_offset < 0 for member in members):
        raise zipfile.BadZipFile("its beginning is missing")
    for member in members:
        fault = _name_fault(member) or _kind_fault(member) or _size_fault(member)
        if fault:
            raise ArchiveError(
                f"{archive.name}: member {_shown(member)} {fault}, which is refused; "
                "repack the pictures with `zip -r`"
            )
    _check_totals(members, archive)
    _check_collisions(members, archive.name)
    return members


def _shown(member: zipfile.ZipInfo) -> str:
    """The name in quotes, control characters escaped and not endless."""
    return ascii(member.orig_filename[:80])


def _name_fault(member: zipfile.ZipInfo) -> str | None:
    # `filename` is what is written to; `orig_filename` still has a zero byte and what
    # follows it. A Unicode extra field makes them differ too (Python 3.13).
    return _path_fault(member.orig_filename) or _path_fault(member.filename)


def _path_fault(name: str) -> str | None:
    if len(name) > MAX_NAME_CHARACTERS:
        return f"has a name longer than {MAX_NAME_CHARACTERS} characters"
    if name.count("/") > MAX_FOLDERS:
        return f"lies in more than {MAX_FOLDERS} folders"
    if not name.strip("/") or _CONTROL_CHARACTER.search(name):
        return "has an empty name or one with control characters"
    if "\\" in name or _DRIVE.match(name) or name.startswith("/"):
        return "has an absolute path, a drive or a backslash in its name"
    if ".." in name.split("/"):
        return "climbs out of the folder with '..'"
    return None


def _kind_fault(member: zipfile.ZipInfo) -> str | None:
    # Unix keeps the kind of file in the upper half; other systems leave it empty.
    if stat.S_IFMT(member.external_attr >> 16) not in _FILE_KINDS:
        return "is a link or a device"
    if member.flag_bits & _ENCRYPTED_FLAGS:
        return "is encrypted"
    if member.compress_type not in _METHODS:
        return f"uses compression method {member.compress_type}, not deflate"
    return None


def _size_fault(member: zipfile.ZipInfo) -> str | None:
    if member.file_size > MAX_MEMBER_BYTES:
        return f"unpacks to more than {MAX_MEMBER_BYTES} bytes"
    if _is_bomb(member.file_size, member.compress_size):
        return f"unpacks to more than {MAX_RATIO} times its size"
    return None


def _is_bomb(unpacked: int, packed: int) -> bool:
    return unpacked > RATIO_FREE_BYTES and unpacked > MAX_RATIO * packed


def _check_totals(members: list[zipfile.ZipInfo], archive: Path) -> None:
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    size = archive.stat().st_size
    if unpacked > MAX_TOTAL_BYTES or _is_bomb(unpacked, size):
        raise ArchiveError(
            f"{archive.name}: its {size} bytes unpack to {unpacked}; refused from "
            f"{MAX_TOTAL_BYTES} bytes or {MAX_RATIO} times its size on"
        )
    if packed > size:
        raise ArchiveError(
            f"{archive.name}: its members overlap, as in a zip bomb; refused"
        )


def _check_collisions(members: list[zipfile.ZipInfo], name: str) -> None:
    """Refuse a name that comes twice, or as a file and as a folder."""
    files: set[str] = set()
    folders = {"", "."}
    for member in members:
        path = posixpath.normpath(member.filename)
        if path in files:
            raise ArchiveError(
                f"{name}: member {_shown(member)} comes twice, which is refused"
            )
        if not member.is_dir():
            files.add(path)
            path = posixpath.dirname(path)
        while path not in folders:
            folders.add(path)
            path = posixpath.dirname(path)
    if files & folders:
        raise ArchiveError(
            f"{name}: {min(files & folders)!r} is both a file and a folder"
        )


def _check_space(members: list[zipfile.ZipInfo], folder: Path) -> None:
    needed = sum(member.file_size + _BLOCK_BYTES // 2 for member in members)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ArchiveError(
            f"unpacking needs {needed / 1e9:.2f} GB but the disk has only "
            f"{free / 1e9:.2f} GB free; free some space or choose another folder"
        )


# --- Writing -----------------------------------------------------------------------


def _write_members(
    source: zipfile.ZipFile, members: list[zipfile.ZipInfo], staging: Path
) -> None:
    """Write checked members under a progress bar."""
    folders: set[Path] = set()
    with tqdm(
        desc=f"unpacking {Path(source.filename or '').name}",
        total=sum(member.file_size for member in members),
        unit="B",
        unit_scale=True,
        disable=None,
    ) as bar:
        for member in members:
            path = staging / member.filename
            folder = path if member.is_dir() else path.parent
            if folder not in folders:
                folder.mkdir(parents=True, exist_ok=True)
                folders.add(folder)
            if not member.is_dir():
                _write_member(source, member, path)
            bar.update(member.file_size)


def _write_member(source: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    """Write one file; reading to the end checks its CRC-32."""
    with source.open(member) as packed, path.open("xb") as file:
        shutil.copyfileobj(packed, file, _CHUNK_BYTES)
        if file.tell() != member.file_size:
            raise zipfile.BadZipFile(f"{_shown(member)} is shorter than announced")
