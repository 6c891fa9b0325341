"""Any archive that is scanned: it ends, and each picture is read or refused."""

import tarfile

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.archive import zipped
from tests.fuzz.archive_pictures import NAME_HEADERS, chained, check, pax_tar, tar_of

sizes = st.one_of(
    st.integers(-2048, 2048), st.integers(-(2**87), 2**87), st.sampled_from([0, 512])
)


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    check(data)
    check(b"PK\5\6" + data)
    check(b"\x1f\x8b\x08\0\0\0\0\0\0\0" + data)


@given(st.lists(sizes, max_size=4))
def test_any_size_that_a_tar_claims(found: list[int]) -> None:
    check(tar_of(*found))


@given(
    st.dictionaries(
        st.sampled_from(
            ["size", "path", "GNU.sparse.size", "GNU.sparse.realsize"]
            + ["GNU.sparse.map", "GNU.sparse.major", "GNU.sparse.minor"]
        ),
        st.one_of(sizes.map(str), st.sampled_from(["1", "0", "x", "1.5", "0,-5"])),
        max_size=3,
    )
)
def test_any_facts_of_a_tar(facts: dict[str, str]) -> None:
    check(pax_tar(facts))


@given(st.sampled_from([zipped(("a.jpg", b"abc" * 9)), tar_of(3, 5)]), st.data())
def test_any_bytes_changed(whole: bytes, data: st.DataObject) -> None:
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    check(bytes(content[: data.draw(st.integers(0, len(content)))]))


@given(st.sampled_from([*NAME_HEADERS, tarfile.SOLARIS_XHDTYPE]), st.integers(0, 400))
def test_any_number_of_names_in_front_of_a_name(kind: bytes, count: int) -> None:
    check(chained(kind, count))
