"""Archives that are scanned: an end, pictures or refusals, and nothing written."""

import gzip
import io
import struct
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deepfake_detector.archive_pictures import archive_pictures
from deepfake_detector.exceptions import ArchiveError, ImageError
from tests.fuzz.archive import NAMES, zipped

MAX_LEN = 8_192

#: Most bytes that a picture may have.
MOST_BYTES = 10**6

#: Fewest bytes of a member, in the directory of a zip; a tar has more.
LEAST_MEMBER = 46

#: So many times deflate makes of a byte at most; a member of a tar has 512.
MOST_PACKED = 1032 / 512

#: Headers that bring the name of the next one, or other facts of it.
NAME_HEADERS = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE),
)


def seeds() -> Iterator[bytes]:
    """Archives of each kind, and those that ended or filled a scan once."""
    yield zipped(*((name, b"content") for name in NAMES))
    yield zipped(("bomb.jpg", bytes(3_000_000)))
    yield lying_zip(5)
    yield lying_zip(0)
    yield tar_of(0, 7, 512)
    yield gzip.compress(tar_of(0, 7, 512), mtime=0)
    for size in (-1, -512, -1024, 2**62, 2**80):
        yield tar_of(3, size)
        yield gzip.compress(tar_of(3, size), mtime=0)
    for pax in ("size", "GNU.sparse.size", "GNU.sparse.realsize"):
        yield pax_tar({pax: "-512"})
        yield pax_tar({pax: "99999999999999999999"})
    for kind in NAME_HEADERS:
        yield gzip.compress(chained(kind, 2000), mtime=0)


def lying_zip(claimed: int) -> bytes:
    """A zip whose directory claims another size than its member has."""
    data = bytearray(zipped(("a.jpg", bytes(100_000))))
    # 24 bytes after the signature of the member's entry.
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 24, claimed)
    return bytes(data)


def tar_of(*sizes: int) -> bytes:
    """A tar of members that claim these sizes; each of 512 bytes, or of none."""
    parts = []
    for number, size in enumerate(sizes):
        member = tarfile.TarInfo(f"{number}.jpg")
        member.size = size
        parts += [member.tobuf(tarfile.GNU_FORMAT), bytes(512 if size else 0)]
    return b"".join(parts) + bytes(1024)


def pax_tar(facts: dict[str, str]) -> bytes:
    """A tar of one member with such facts in front of it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:", format=tarfile.PAX_FORMAT) as target:
        member = tarfile.TarInfo("a.jpg")
        member.size, member.pax_headers = 7, facts
        target.addfile(member, io.BytesIO(b"content"))
    # Without most of the zeros that fill it up.
    return file.getvalue()[:4096]


def chained(kind: bytes, count: int) -> bytes:
    """A tar of headers that each stand for the next one."""
    member = tarfile.TarInfo("a.jpg")
    member.type = kind
    return member.tobuf(tarfile.GNU_FORMAT) * count + tar_of(0)


def check(data: bytes) -> None:
    """Go through the bytes as an archive of every kind, and read each picture."""
    packed = gzip.compress(data, compresslevel=1, mtime=0)
    most = len(data) // LEAST_MEMBER + 2
    with tempfile.TemporaryDirectory() as folder:
        for name, content, bound in (
            ("a.zip", data, most),
            ("a.tar", data, most),
            ("a.tar.gz", packed, most),
            ("a.tgz", data, int(len(data) * MOST_PACKED) + 2),
        ):
            archive = Path(folder, name)
            archive.write_bytes(content)
            for with_content in (True, False):
                check_pictures(archive, with_content, bound)
            assert [path.name for path in Path(folder).iterdir()] == [name]
            archive.unlink()


def check_pictures(archive: Path, with_content: bool, most: int) -> None:
    """Hold what is found in an archive against what is promised."""
    count = 0
    for picture in archive_pictures(str(archive), lambda name: True, with_content):
        count += 1
        assert count <= most
        assert picture.path.isprintable() or "\n" not in picture.path
        try:
            assert len(picture.read(MOST_BYTES)) <= MOST_BYTES
        except (ImageError, ArchiveError) as error:
            assert str(archive) not in str(error)
            assert "\n" not in str(error)
        except OSError:
            continue
