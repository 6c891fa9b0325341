"""Archives: a folder that is whole, or a refusal, and nothing anywhere else."""

import io
import stat
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

from deepfake_detector.archive_extraction import (
    MAX_RATIO,
    RATIO_FREE_BYTES,
    extract_archive,
)
from deepfake_detector.exceptions import ArchiveError

MAX_LEN = 8_192

#: Names that have broken other programs.
NAMES = (
    "a/b.jpg",
    "../x",
    "/etc/x",
    "C:\\x",
    "a\\..\\..\\x",
    "a/../../x",
    "a/./b",
    "a//b",
    ".",
    "..",
    "",
    "a/",
    "x" * 300,
    "a\nb",
    "\u202egpj.exe",
    ".x.lock",
    "con",
)


def seeds() -> Iterator[bytes]:
    """A zip for every odd name, and some with odd members."""
    for name in NAMES:
        yield zipped((name, b"content"), ("b/" + name, b"x"))
    yield zipped(("a", b"1"), ("A", b"2"), ("a/b", b"3"))
    yield zipped(("link", b"../../x"), mode=stat.S_IFLNK | 0o777)
    yield zipped(("device", b""), mode=stat.S_IFBLK | 0o666)
    yield zipped(("bomb", b"\0" * 3_000_000))
    yield zipped(("stored", bytes(range(256))), method=zipfile.ZIP_STORED)
    yield zipped(("packed", b"abc" * 99), method=zipfile.ZIP_BZIP2)


def zipped(
    *members: tuple[str, bytes],
    mode: int = stat.S_IFREG | 0o644,
    method: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """A zip of these members, all of one kind."""
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w") as archive:
        # Of names that come twice.
        warnings.simplefilter("ignore", UserWarning)
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr, info.compress_type = mode << 16, method
            archive.writestr(info, content)
    return file.getvalue()


def check(data: bytes) -> None:
    """Unpack the bytes in a folder of their own, and look what is there."""
    with tempfile.TemporaryDirectory() as folder:
        check_extraction(Path(folder), data)


def check_extraction(folder: Path, data: bytes) -> bool:
    """Hold what unpacking leaves behind against what it promises; whether it did."""
    inner = folder / "inner"
    inner.mkdir()
    archive, destination = inner / "set.zip", inner / "set"
    archive.write_bytes(data)
    try:
        extract_archive(archive, destination)
    except ArchiveError as error:
        assert "\n" not in str(error) and "\x1b" not in str(error)
        assert str(folder) not in str(error)
        assert not destination.exists()
    assert {path.name for path in folder.iterdir()} == {"inner"}
    assert {path.name for path in inner.iterdir()} <= {"set.zip", "set", ".set.lock"}
    assert archive.read_bytes() == data
    for path in inner.rglob("*"):
        assert path.is_dir() or path.is_file()
        assert not path.is_symlink()
    written = sum(p.stat().st_size for p in destination.rglob("*") if p.is_file())
    assert written <= max(RATIO_FREE_BYTES, MAX_RATIO * len(data))
    return destination.exists()
