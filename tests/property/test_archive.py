"""Any archive: a whole folder or a refusal, and not a byte anywhere else."""

import io
import stat
import tempfile
import zipfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.archive import NAMES, check, check_extraction, zipped

names = st.one_of(
    st.sampled_from(NAMES),
    st.text(max_size=12),
    st.lists(
        st.sampled_from(["..", ".", "", "a", "b", "C:", "\\", "a.jpg"]), max_size=6
    ).map("/".join),
)
kinds = st.sampled_from(
    [0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFSOCK]
)
members = st.lists(st.tuples(names, st.binary(max_size=20)), max_size=6)


@given(members, kinds, st.sampled_from([0, 8, 12, 14]))
def test_any_members(found: list[tuple[str, bytes]], kind: int, method: int) -> None:
    check(zipped(*_writable(found), mode=kind | 0o777, method=method))


@given(members.filter(bool), st.data())
def test_any_bytes_of_a_zip_changed(
    found: list[tuple[str, bytes]], data: st.DataObject
) -> None:
    content = bytearray(zipped(*_writable(found)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    check(bytes(content[: data.draw(st.integers(0, len(content)))]))


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    check(data)
    check(b"PK\5\6" + data)


@given(st.lists(st.text("ab./", min_size=1, max_size=4), max_size=5, unique=True))
def test_what_is_unpacked_is_what_was_packed(found: list[str]) -> None:
    content = {name: name.encode() * 3 for name in found}
    with tempfile.TemporaryDirectory() as folder:
        if check_extraction(Path(folder), zipped(*content.items())):
            for name, packed in content.items():
                path = Path(folder, "inner", "set", name)
                assert (
                    path.is_dir()
                    if name.endswith("/")
                    else (path.read_bytes() == packed)
                )


@given(st.integers(0, 1), st.integers(0, 0xFFFF))
def test_flags_of_every_kind(where: int, flags: int) -> None:
    """Encrypted, patched, masked: in the directory of the zip, or at the member."""
    content = bytearray(zipped(("a.jpg", b"content")))
    at = content.index(b"PK\1\2") + 8 if where else 6
    content[at : at + 2] = flags.to_bytes(2, "little")
    check(bytes(content))


def _writable(found: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Without names that `zipfile` itself cannot write."""
    good = []
    for name, content in found:
        try:
            with zipfile.ZipFile(io.BytesIO(), "w") as archive:
                archive.writestr(zipfile.ZipInfo(name), b"")
        except (UnicodeError, IndexError):
            continue
        good.append((name, content))
    return good
