"""Files of the visitor: named by us, readable by us, gone afterwards."""

import io
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Request
from werkzeug.datastructures import FileStorage

from deepfake_detector.exceptions import (
    ConfigError,
    StorageError,
    UploadTooLargeError,
)
from deepfake_detector.web import uploads

OWN_NAME = "upload-1234-" + "0123456789abcdef" * 2


def storage(content: bytes) -> FileStorage:
    return FileStorage(io.BytesIO(content), filename="../../evil.jpg")


def aged(path: Path, age_s: float) -> Path:
    path.write_bytes(b"x")
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


def test_upload_lies_under_a_random_name_for_its_owner_alone(tmp_path: Path) -> None:
    with uploads.saved(storage(b"abc"), tmp_path, 10) as path:
        assert path.parent == tmp_path
        assert re.fullmatch(rf"upload-{os.getpid()}-[0-9a-f]{{32}}", path.name)
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_bytes() == b"abc"
    assert list(tmp_path.iterdir()) == []


def test_upload_is_deleted_after_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        uploads.saved(storage(b"abc"), tmp_path, 10),
    ):
        1 / 0  # noqa: B018
    assert list(tmp_path.iterdir()) == []


def test_upload_over_the_limit_is_never_written(tmp_path: Path) -> None:
    with (
        pytest.raises(UploadTooLargeError, match="has 1e-05 MB"),
        uploads.saved(storage(b"x" * 11), tmp_path, 10),
    ):
        pytest.fail("was let through")
    assert list(tmp_path.iterdir()) == []


def test_upload_never_overwrites_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads.secrets, "token_hex", lambda _: "0" * 32)
    with (
        uploads.saved(storage(b"first"), tmp_path, 10),
        pytest.raises(FileExistsError),
        uploads.saved(storage(b"second"), tmp_path, 10),
    ):
        pytest.fail("was let through")


def test_upload_that_met_a_taken_name_leaves_the_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads.secrets, "token_hex", lambda _: "0" * 32)
    with uploads.saved(storage(b"first"), tmp_path, 10) as path:
        with (
            pytest.raises(FileExistsError),
            uploads.saved(storage(b"second"), tmp_path, 10),
        ):
            pytest.fail("was let through")
        assert path.read_bytes() == b"first"


def test_files_wait_in_memory_and_not_in_a_temporary_folder(start: Any) -> None:
    app = start().client.application
    with app.test_request_context():
        assert isinstance(
            uploads.InMemoryRequest({})._get_file_stream(None, None), io.BytesIO
        )
    assert app.request_class is uploads.InMemoryRequest


@pytest.mark.parametrize(
    ("name", "age_s", "stays"),
    [
        (OWN_NAME, 700, False),
        (OWN_NAME, 500, True),
        ("portrait.jpg", 700, True),
        (".gitkeep", 700, True),
        ("upload-1", 700, True),
        (OWN_NAME.replace("1234", "²"), 700, True),
        (OWN_NAME + ".jpg", 700, True),
    ],
)
def test_sweep_deletes_only_old_files_of_our_own(
    tmp_path: Path, name: str, age_s: float, stays: bool
) -> None:
    path = aged(tmp_path / name, age_s)
    assert uploads.sweep_leftovers(tmp_path) == (not stays)
    assert path.exists() is stays


def test_sweep_leaves_links_and_folders(tmp_path: Path) -> None:
    target = aged(tmp_path / "target", 700)
    (tmp_path / OWN_NAME).symlink_to(target)
    (tmp_path / OWN_NAME.replace("0", "1")).mkdir()
    assert uploads.sweep_leftovers(tmp_path, older_than_s=-10) == 0
    assert target.exists()


def test_folder_that_cannot_be_cleared_is_a_bad_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(ConfigError, match="UPLOAD_DIR.*Permission denied"):
        uploads.prepare_folder(tmp_path)


def test_sweep_of_a_missing_folder_finds_nothing(tmp_path: Path) -> None:
    assert uploads.sweep_leftovers(tmp_path / "none") == 0
    assert uploads.sweep_of_process(tmp_path / "none", 1) == 0


def test_sweep_of_a_process_leaves_what_others_have_in_hand(tmp_path: Path) -> None:
    dead = aged(tmp_path / OWN_NAME, 0)
    others = [
        aged(tmp_path / OWN_NAME.replace("1234", "123"), 0),
        aged(tmp_path / "upload-1234", 0),
    ]
    with uploads.saved(storage(b"abc"), tmp_path, 10) as path:
        assert uploads.sweep_of_process(tmp_path, 1234) == 1
        assert path.exists()
        assert uploads.sweep_of_process(tmp_path, os.getpid()) == 1
    assert not dead.exists()
    assert all(other.exists() for other in others)


def drained(announced: int, **environ: Any) -> int:
    """How many bytes of a body of `announced` bytes are read, 1000 being accepted."""
    body = io.BytesIO(bytes(announced))
    request = Request({"wsgi.input": body, "CONTENT_LENGTH": str(announced), **environ})
    request.max_content_length = 1000
    uploads.drain_body(request, 4000)
    return body.tell()


@pytest.mark.parametrize(
    ("announced", "terminated", "expected"),
    [(2000, True, 2000), (9000, True, 4000), (500, True, 500)]
    + [(2000, False, 0), (9000, False, 0), (500, False, 0)],
)
def test_refused_body_is_read_up_to_the_bound(
    announced: int, terminated: bool, expected: int
) -> None:
    environ = {"wsgi.input_terminated": True} if terminated else {}
    assert drained(announced, **environ) == expected


def test_client_that_hangs_up_is_no_error() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise ConnectionResetError

    request = Request({"wsgi.input": Broken(), "wsgi.input_terminated": True})
    assert uploads.drain_body(request, 10) is None


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_folder_that_cannot_be_used_is_a_503_in_words(
    tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / kind
    if kind == "file":
        folder.write_text("no folder")
    upload = FileStorage(io.BytesIO(b"picture"))
    with pytest.raises(StorageError, match="try again later"):
        with uploads.saved(upload, folder, 100):
            pytest.fail("nothing was saved")


def test_missing_folder_is_made_and_an_impossible_one_refused(tmp_path: Path) -> None:
    uploads.prepare_folder(tmp_path / "new" / "uploads")
    assert (tmp_path / "new" / "uploads").is_dir()
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ConfigError, match="DEEPFAKE_UPLOAD_DIR"):
        uploads.prepare_folder(tmp_path / "file")
