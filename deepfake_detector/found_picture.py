"""A picture that a scan has found: what it is called, and how its bytes are read.

What is found travels to other processes, so it holds no picture but the place of one;
members of a compressed tar, which can be read in their order alone, bring their bytes.
"""

import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from deepfake_detector import exceptions
from deepfake_detector.exceptions import (
    CorruptImageError,
    ImageTooLargeError,
    UnsupportedImageError,
)

#: What would break a line, a terminal or UTF-8, or turn the order of letters round;
#: shown as Python writes it.
_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

#: A zip's local header: signature, 22 bytes that the directory says too, and how long
#: the name and the extra field are.
_LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
_LOCAL_SIGNATURE: Final = b"PK\x03\x04"

#: What `zipfile` raises on a damaged member, or seeking on a place that cannot be.
_ZIP_DAMAGE: Final = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError),
    *(OverflowError, ValueError),
)


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """One picture of a scan.

    Parameters
    ----------
    path : str
        Its file as the scan was given it, or ``archive!member``, made fit to be shown.
    in_archive : bool
        Whether it is a member of an archive.
    read : callable
        Takes the most bytes that a picture may have and returns its content; raises
        `ImageError` or `OSError`. It can be pickled.
    held_bytes : int, default 0
        Bytes of the picture that `read` holds already.
    """

    path: str
    in_archive: bool
    read: Callable[[int], bytes]
    held_bytes: int = 0

    @classmethod
    def file(cls, path: str) -> "FoundPicture":
        """Find a file.

        Parameters
        ----------
        path : str
            Where it is.

        Returns
        -------
        FoundPicture
            It, not opened yet.
        """
        return cls(shown(path), False, partial(read_file, path))

    @classmethod
    def member(
        cls,
        archive: str,
        name: str,
        read: Callable[[int], bytes],
        held_bytes: int = 0,
    ) -> "FoundPicture":
        """Find a member of an archive.

        Parameters
        ----------
        archive : str
            Path of the archive.
        name : str
            What the archive calls the member; never used as a path.
        read : callable
            As the class says.
        held_bytes : int, default 0
            As the class says.

        Returns
        -------
        FoundPicture
            The member.
        """
        return cls(f"{shown(archive)}!{shown(name)}", True, read, held_bytes)

    @classmethod
    def unreadable(
        cls, path: str, error: Exception, in_archive: bool = False
    ) -> "FoundPicture":
        """Stand in for what could not be read, so that it gets a row.

        Parameters
        ----------
        path : str
            A folder, an archive or ``archive!member``.
        error : Exception
            An `OSError`, or an error of this package.
        in_archive : bool, default False
            Whether it is a member of an archive.

        Returns
        -------
        FoundPicture
            One that raises the error when it is read.
        """
        if isinstance(error, OSError):
            refuse: Callable[[int], bytes] = partial(_refuse_os, error.errno or 0)
        else:
            refuse = partial(_refuse, type(error).__name__, str(error))
        return cls(shown(path), in_archive, refuse)


def shown(text: str) -> str:
    r"""Make a name of any origin fit for a row: one line, no control characters, UTF-8.

    Parameters
    ----------
    text : str
        A path or a member's name.

    Returns
    -------
    str
        The same with such characters as ``\x1b`` or ``\udcff``.
    """
    return _UNPRINTABLE.sub(
        lambda found: found[0].encode("unicode_escape").decode("ascii"), text
    )


def read_file(file: str, most_bytes: int) -> bytes:
    """Read a regular file that is not too large.

    Parameters
    ----------
    file : str
        Where it is.
    most_bytes : int
        Largest size that is read.

    Returns
    -------
    bytes
        Its content.

    Raises
    ------
    UnsupportedImageError
        If it is a pipe, a device, a socket or a folder.
    ImageTooLargeError
        If it has more bytes.
    OSError
        If it cannot be read.
    """
    # Opening a pipe that nobody writes to would wait for ever.
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as content:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise not_plain()
        if facts.st_size > most_bytes:
            raise too_large(most_bytes)
        return content.read(most_bytes)


def read_range(file: str, offset: int, size: int, most_bytes: int) -> bytes:
    """Read a member of a tar that is not compressed.

    Parameters
    ----------
    file : str
        The tar.
    offset, size : int
        Where the member's bytes begin, and how many they are.
    most_bytes : int
        Largest size that is read.

    Returns
    -------
    bytes
        The member's content.

    Raises
    ------
    ImageTooLargeError
        If it has more bytes.
    CorruptImageError
        If the tar ends before the member does.
    OSError
        If the tar cannot be read.
    """
    if size > most_bytes:
        raise too_large(most_bytes)
    with Path(file).open("rb") as tar:
        tar.seek(offset)
        data = tar.read(size)
    if len(data) < size:
        raise _damaged_member()
    return data


def read_zip_member(file: str, member: zipfile.ZipInfo, most_bytes: int) -> bytes:
    """Read a member of a zip by its entry, without reading the zip's directory again.

    Parameters
    ----------
    file : str
        The zip.
    member : ZipInfo
        The member's entry in the directory.
    most_bytes : int
        Largest size that is read.

    Returns
    -------
    bytes
        The member's content; its checksum holds.

    Raises
    ------
    ImageTooLargeError
        If it unpacks to more bytes.
    CorruptImageError
        If it is damaged.
    OSError
        If the zip cannot be read.
    """
    if member.file_size > most_bytes:
        raise too_large(most_bytes)
    with Path(file).open("rb") as packed:
        try:
            packed.seek(member.header_offset)
            header = packed.read(_LOCAL_HEADER.size)
            signature, name_length, extra_length = _LOCAL_HEADER.unpack(header)
            if signature != _LOCAL_SIGNATURE:
                raise _damaged_member()
            packed.seek(name_length + extra_length, os.SEEK_CUR)
            with zipfile.ZipExtFile(packed, "r", member) as content:
                # No more than is claimed, or a lie about it would fill the memory; at
                # least one byte, or the checksum is not looked at.
                data = content.read(max(1, member.file_size))
        except _ZIP_DAMAGE as error:
            raise _damaged_member() from error
    if len(data) < member.file_size:
        raise _damaged_member()
    return data


def held(data: bytes, most_bytes: int) -> bytes:
    """Return bytes that were read already.

    Parameters
    ----------
    data : bytes
        A member of a compressed tar.
    most_bytes : int
        Largest size that is allowed.

    Returns
    -------
    bytes
        `data`.

    Raises
    ------
    ImageTooLargeError
        If it has more bytes.
    """
    if len(data) > most_bytes:
        raise too_large(most_bytes)
    return data


def not_plain() -> UnsupportedImageError:
    """Refuse what is no regular file.

    Returns
    -------
    UnsupportedImageError
        To be raised.
    """
    return UnsupportedImageError(
        "This is a pipe, a device or a socket, not a file. Save the picture as a file "
        "first."
    )


def too_large(most_bytes: int) -> ImageTooLargeError:
    """Refuse a file for its size.

    Parameters
    ----------
    most_bytes : int
        The most that it may have.

    Returns
    -------
    ImageTooLargeError
        To be raised.
    """
    return ImageTooLargeError(
        f"The file has more than {most_bytes / 1e6:g} MB, which no picture within the "
        "limits needs. Make it smaller and try again."
    )


def _damaged_member() -> CorruptImageError:
    return CorruptImageError(
        "The archive is damaged at this picture. Copy or download the archive again."
    )


def _refuse(error: str, text: str, most_bytes: int) -> bytes:
    raise getattr(exceptions, error)(text)


def _refuse_os(number: int, most_bytes: int) -> bytes:
    raise OSError(number, os.strerror(number))
