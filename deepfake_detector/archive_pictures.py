"""The pictures of an archive, in its order, without unpacking it anywhere.

A zip and a plain tar say where their members are, and whoever judges a picture reads it
there. A compressed tar is read through once, so its pictures are handed on with their
bytes. Members' names are words for a row and never paths, and what an archive says of
its sizes is a limit for reading and never a promise.
"""

import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

from deepfake_detector.exceptions import (
    ArchiveError,
    ImageError,
    UnsupportedImageError,
)
from deepfake_detector.found_picture import (
    FoundPicture,
    held,
    not_plain,
    read_range,
    read_zip_member,
    shown,
    too_large,
)

#: Endings of files that are read as archives.
ZIP_SUFFIXES: Final = (".zip",)
TAR_SUFFIXES: Final = (".tar",)
COMPRESSED_TAR_SUFFIXES: Final = (".tar.gz", ".tgz")
ARCHIVE_SUFFIXES: Final = (*ZIP_SUFFIXES, *TAR_SUFFIXES, *COMPRESSED_TAR_SUFFIXES)

#: Most members of a zip: its directory is held in memory, about 1 kB a member.
MOST_ZIP_MEMBERS: Final = 2_000_000

#: Largest directory of a zip, which `zipfile` reads and takes apart as a whole.
_MOST_DIRECTORY_BYTES: Final = 256 * 10**6

#: Largest picture of a compressed tar, whose bytes wait in memory to be judged.
MOST_HELD_BYTES: Final = 64 * 10**6

#: Largest header of a tar that names are kept in; `tarfile` reads it into memory.
_MOST_HEADER_BYTES: Final = 2**20

#: Bytes of a compressed tar that are passed over at once.
_SKIPPED_BYTES: Final = 2**16

_ENCRYPTED_FLAGS: Final = 0x1 | 0x40 | 0x2000
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FILE_KINDS: Final = (0, stat.S_IFREG)
_NAME_HEADERS: Final = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)

#: What `zipfile` and `tarfile` raise on damaged bytes.
_DAMAGE: Final = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    NotImplementedError,
    OverflowError,
    TypeError,  # of `tarfile`, at a gzip header that ends too soon
    ValueError,
    # Of a name in front of a name in front of a name ..., each read within the last.
    RecursionError,
)

_Wanted = Callable[[str], bool]


def archive_pictures(
    path: str, is_wanted: _Wanted, with_content: bool = True
) -> Iterator[FoundPicture]:
    """Find the pictures of an archive.

    Parameters
    ----------
    path : str
        A zip, tar or tar.gz, by its name's ending.
    is_wanted : callable
        Takes a member's name and says whether it is to be judged.
    with_content : bool, default True
        Whether the pictures are to be read; if not, a compressed tar is refused.

    Yields
    ------
    FoundPicture
        Each wanted member, in the archive's order. A link, or what is encrypted or
        packed by an unknown method, stands there too and says so when it is read. Where
        the archive itself cannot be read, or not further, the last one says that.
    """
    name = path.lower()
    if name.endswith(ZIP_SUFFIXES):
        members = _zip_pictures(path, is_wanted)
    elif name.endswith(TAR_SUFFIXES):
        members = _tar_pictures(path, is_wanted, "r:")
    else:
        members = _tar_pictures(path, is_wanted, "r|gz")
    if not with_content and name.endswith(COMPRESSED_TAR_SUFFIXES):
        unread = ArchiveError("A compressed tar tells its pictures by being read only.")
        yield FoundPicture.unreadable(path, unread)
        return
    try:
        # Opening a pipe that nobody writes to would wait for ever.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            yield FoundPicture.unreadable(path, not_plain())
            return
        yield from members
    except _DAMAGE:
        yield FoundPicture.unreadable(
            path,
            ArchiveError(
                "The archive is damaged, cut short or not what its name says: this row "
                "stands for what could not be read. Copy or download it again."
            ),
        )
    except OSError as error:
        yield FoundPicture.unreadable(path, error)


def _zip_pictures(path: str, is_wanted: _Wanted) -> Iterator[FoundPicture]:
    fault = _directory_fault(path)
    if fault is not None:
        yield FoundPicture.unreadable(path, fault)
        return
    with zipfile.ZipFile(path) as source:
        members = source.infolist()
    fault = _zip_fault(path, members)
    if fault is not None:
        yield FoundPicture.unreadable(path, fault)
        return
    for member in members:
        if member.is_dir() or not is_wanted(member.filename):
            continue
        refusal = _zip_refusal(member)
        if refusal is not None:
            yield _refused(path, member.filename, refusal)
        else:
            read = partial(read_zip_member, path, member)
            yield FoundPicture.member(path, member.filename, read)


def _directory_fault(path: str) -> ArchiveError | None:
    """Refuse a zip by what its end says of its directory, before that is read."""
    with Path(path).open("rb") as source:
        end = zipfile._EndRecData(source)  # type: ignore[attr-defined]
    # Without an end it is no zip, which is for `zipfile` to say.
    if end is None:
        return None
    members, size = end[4:6]
    if members > MOST_ZIP_MEMBERS or size > _MOST_DIRECTORY_BYTES:
        return _too_many()
    return None


def _zip_fault(path: str, members: list[zipfile.ZipInfo]) -> ArchiveError | None:
    if len(members) > MOST_ZIP_MEMBERS:
        return _too_many()
    packed = sum(member.compress_size for member in members)
    if packed > Path(path).stat().st_size:
        return ArchiveError("The archive's members overlap, as in a zip bomb: refused.")
    return None


def _too_many() -> ArchiveError:
    return ArchiveError(
        f"The archive has more than {MOST_ZIP_MEMBERS} members, or names as long as so "
        "many. Split it, or pack it as a tar."
    )


def _zip_refusal(member: zipfile.ZipInfo) -> ImageError | None:
    # Unix keeps the kind of file in the upper half; other systems leave it empty.
    if stat.S_IFMT(member.external_attr >> 16) not in _FILE_KINDS:
        return _link()
    if member.flag_bits & _ENCRYPTED_FLAGS:
        return UnsupportedImageError(
            "The picture is encrypted. Unpack the archive with its password first."
        )
    if member.compress_type not in _METHODS:
        return UnsupportedImageError(
            f"The picture is packed by method {member.compress_type}, not by deflate. "
            "Pack the archive again with `zip -r`."
        )
    return None


def _tar_pictures(path: str, is_wanted: _Wanted, mode: str) -> Iterator[FoundPicture]:
    is_stream = mode == "r|gz"
    # mypy knows each mode by its own literal alone.
    with tarfile.open(path, mode, tarinfo=_BoundedTarInfo) as source:  # type: ignore[call-overload]
        while (member := _next_member(source, is_stream)) is not None:
            if member.isdir() or not is_wanted(member.name):
                continue
            if not member.isreg() or member.issparse():
                yield _refused(path, member.name, _link())
            elif is_stream:
                yield _held_picture(path, source, member)
            else:
                read = partial(read_range, path, member.offset_data, member.size)
                yield FoundPicture.member(path, member.name, read)


def _next_member(source: tarfile.TarFile, is_stream: bool) -> tarfile.TarInfo | None:
    # The first one is read when a tar is opened, and its content comes yet.
    if is_stream and source.firstmember is None:  # type: ignore[attr-defined]
        _pass_over_content(source)
    member = source.next()
    # It would keep every member for ever.
    source.members = []  # type: ignore[attr-defined]
    # There are headers for this that `_block` does not see.
    if member is not None and member.size < 0:
        raise tarfile.ReadError("a size below nothing")
    return member


def _pass_over_content(source: tarfile.TarFile) -> None:
    # `tarfile` itself would go on behind the end of a stream, for as many exabytes as
    # a member claims to have.
    stream: Any = source.fileobj
    while (rest := source.offset - stream.tell()) > 0:
        if not stream.read(min(rest, _SKIPPED_BYTES)):
            raise tarfile.ReadError("unexpected end of data")


def _held_picture(
    path: str, source: tarfile.TarFile, member: tarfile.TarInfo
) -> FoundPicture:
    if member.size > MOST_HELD_BYTES:
        return _refused(path, member.name, too_large(MOST_HELD_BYTES))
    content = source.extractfile(member)
    data = b"" if content is None else content.read()
    if len(data) < member.size:
        raise tarfile.ReadError("unexpected end of data")
    return FoundPicture.member(path, member.name, partial(held, data), len(data))


def _refused(path: str, name: str, error: ImageError) -> FoundPicture:
    return FoundPicture.unreadable(f"{shown(path)}!{shown(name)}", error, True)


def _link() -> UnsupportedImageError:
    return UnsupportedImageError(
        "This member of the archive is a link, a device or has holes. Pack the picture "
        "itself."
    )


class _BoundedTarInfo(tarfile.TarInfo):
    """A header that is not read into memory whatever size it claims to have.

    Nor does a damaged one pass for the end of the archive, which `tarfile` takes it
    for: the pictures behind it would be missing without a word.
    """

    @classmethod
    def fromtarfile(cls, source: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(source)
        except tarfile.HeaderError as error:
            # The one that is an end: a block of zeros.
            if isinstance(error, tarfile.EOFHeaderError):  # type: ignore[attr-defined]
                raise
            raise tarfile.ReadError(str(error)) from error

    def _proc_member(self, source: tarfile.TarFile) -> Self:
        # Old GNU tars list holes in as many blocks as they like.
        is_endless = self.type == tarfile.GNUTYPE_SPARSE
        if is_endless or (
            self.type in _NAME_HEADERS and self.size > _MOST_HEADER_BYTES
        ):
            raise tarfile.ReadError("a header too large to be one")
        return super()._proc_member(source)  # type: ignore[misc, no-any-return]

    def _block(self, count: int) -> int:
        # Reading would go back to an earlier member, and never end.
        if count < 0:
            raise tarfile.ReadError("a size below nothing")
        return super()._block(count)  # type: ignore[misc, no-any-return]

    def _proc_gnusparse_10(self, *unused: object) -> None:
        raise tarfile.ReadError("a map of holes in front of a member")
