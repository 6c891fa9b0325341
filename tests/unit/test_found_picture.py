import os
import pickle
import socket
import tracemalloc
import zipfile
from functools import partial
from pathlib import Path

import pytest

from deepfake_detector.exceptions import (
    ArchiveError,
    CorruptImageError,
    ImageTooLargeError,
    UnsupportedImageError,
)
from deepfake_detector.found_picture import (
    FoundPicture,
    held,
    read_range,
    read_zip_member,
    shown,
)

MOST = 1000


def sent(picture: FoundPicture) -> FoundPicture:
    """What comes out at another process."""
    copy = pickle.loads(pickle.dumps(picture))  # noqa: S301
    assert isinstance(copy, FoundPicture)
    return copy


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain é 字.jpg", "plain é 字.jpg"),
        ("two\nrows,\r\n.jpg", "two\\nrows,\\r\\n.jpg"),
        ("\x1b[2J\x9b.jpg", "\\x1b[2J\\x9b.jpg"),
        ("line\u2028s", "line\\u2028s"),
        ("\u202egpj.exe\u2069", "\\u202egpj.exe\\u2069"),
        (os.fsdecode(b"not-utf8-\xff.jpg"), "not-utf8-\\udcff.jpg"),
    ],
)
def test_names_are_fit_for_a_row(name: str, expected: str) -> None:
    assert shown(name) == expected
    assert shown(name).encode("utf-8").splitlines() == [expected.encode("utf-8")]


def test_a_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"x" * MOST)
    picture = sent(FoundPicture.file(str(file)))
    assert picture.read(MOST) == b"x" * MOST
    with pytest.raises(ImageTooLargeError, match=r"more than 0\.000999 MB"):
        picture.read(MOST - 1)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UnsupportedImageError, match="a pipe"):
        FoundPicture.file(str(tmp_path / "pipe.jpg")).read(MOST)
    with pytest.raises(UnsupportedImageError, match="a pipe"):
        FoundPicture.file("/dev/zero").read(MOST)
    with pytest.raises(IsADirectoryError):
        FoundPicture.file(str(tmp_path / "folder.jpg")).read(MOST)
    with pytest.raises(FileNotFoundError):
        FoundPicture.file(str(tmp_path / "gone.jpg")).read(MOST)
    with socket.socket(socket.AF_UNIX) as listener:
        # A socket's path is short.
        place = os.path.relpath(tmp_path / "s.jpg")
        listener.bind(place)
        with pytest.raises(OSError, match="No such device"):
            FoundPicture.file(place).read(MOST)


def test_errors_survive_being_sent() -> None:
    for error in (PermissionError(13, "no"), ArchiveError("damaged"), OSError(5, "")):
        picture = sent(FoundPicture.unreadable("a\n", error))
        assert picture.path == "a\\n"
        with pytest.raises(type(error)):
            picture.read(MOST)


def test_a_range_of_a_tar_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "a.tar"
    file.write_bytes(b"0123456789")
    assert read_range(str(file), 2, 3, MOST) == b"234"
    with pytest.raises(CorruptImageError, match="archive is damaged"):
        read_range(str(file), 8, 5, MOST)
    with pytest.raises(ImageTooLargeError):
        read_range(str(file), 0, MOST + 1, MOST)


def test_bytes_in_hand_have_the_same_limit() -> None:
    assert held(b"ab", 2) == b"ab"
    with pytest.raises(ImageTooLargeError):
        held(b"abc", 2)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_every_flipped_byte_of_a_zip_is_noticed(tmp_path: Path, method: int) -> None:
    file = tmp_path / "a.zip"
    content = bytes(range(200))
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("pictures/a.jpg", content)
        member = archive.infolist()[0]
    whole = file.read_bytes()
    assert read_zip_member(str(file), member, MOST) == content
    for place in range(0, len(whole), 3):
        flipped = bytearray(whole)
        flipped[place] ^= 0x55
        file.write_bytes(flipped)
        try:
            # The directory's entry is kept: other bytes of a header do not matter.
            assert read_zip_member(str(file), member, MOST) == content
        except CorruptImageError:
            continue


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", bytes(10 * MOST))
        member = archive.infolist()[0]
    with pytest.raises(ImageTooLargeError):
        read_zip_member(str(file), member, MOST)
    member.file_size = MOST  # as a hostile directory may claim
    with pytest.raises(CorruptImageError):
        read_zip_member(str(file), member, MOST)


@pytest.mark.parametrize("claimed", [0, 1, MOST])
def test_no_more_of_a_member_is_unpacked_than_it_claims(
    tmp_path: Path, claimed: int
) -> None:
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", bytes(50 * 10**6))
        member = archive.infolist()[0]
    member.file_size = claimed
    tracemalloc.start()
    try:
        with pytest.raises(CorruptImageError):
            read_zip_member(str(file), member, MOST)
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("place", [2**63, 2**64 - 1])
def test_a_member_at_a_place_that_cannot_be_is_damaged(
    tmp_path: Path, place: int
) -> None:
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.jpg", b"x")
        member = archive.infolist()[0]
    member.header_offset = place
    with pytest.raises(CorruptImageError):
        read_zip_member(str(file), member, MOST)


def test_a_member_is_named_by_its_archive() -> None:
    picture = FoundPicture.member("a.zip", "../b\n.jpg", partial(held, b"x"), 1)
    assert (picture.path, picture.in_archive) == ("a.zip!../b\\n.jpg", True)
