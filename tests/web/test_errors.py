"""Bad input: the status, the fix in words, one line in the log, and nothing left."""

import io
import logging
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from deepfake_detector.exceptions import ArtifactError

Start = Callable[..., Any]
Logged = Callable[[], list[str]]
Part = tuple[str, str | None, bytes]

PATHS = ("/", "/api/v1/predict")
MAX_BYTES = 20_000

#: A name that must appear nowhere: not on the page, not in the log.
CLIENT_NAME = "secret-name.jpg"


def jpeg() -> bytes:
    """A JPEG of a few kilobytes."""
    file = io.BytesIO()
    Image.effect_noise((64, 64), 80).save(file, "JPEG")
    return file.getvalue()


def bomb() -> bytes:
    """A PNG of a few kilobytes that decodes to 81 megapixels."""
    file = io.BytesIO()
    Image.new("1", (9000, 9000)).save(file, "PNG")
    return file.getvalue()


def only(content: bytes, field: str = "file", name: str = CLIENT_NAME) -> list[Part]:
    return [(field, name, content)]


BAD_UPLOADS: dict[str, tuple[Callable[[], list[Part]], int, str]] = {
    "no part": (list, 400, "No file part"),
    "another field": (lambda: only(jpeg(), "image"), 400, "No file part"),
    "text instead of a file": (
        lambda: [("file", None, b"hello")],
        400,
        "No file part",
    ),
    "empty name": (lambda: only(b"", name=""), 400, "No selected file"),
    "eleven files": (
        lambda: only(jpeg()) * 11,
        400,
        "Expected at most 10 pictures, got 11",
    ),
    "two fields": (
        lambda: only(jpeg()) + only(jpeg(), "more"),
        400,
        "Send every picture in the field",
    ),
    "empty file": (lambda: only(b""), 422, "The file is empty"),
    "text named .jpg": (lambda: only(b"hello"), 415, "not a JPEG, PNG or WebP"),
    "heic": (
        lambda: only(b"\0\0\0\x18ftypheic" + bytes(64)),
        415,
        "This file is HEIC. Convert it to JPEG or PNG",
    ),
    "gif": (lambda: only(b"GIF89a" + bytes(64)), 415, "This file is GIF. Convert"),
    "cut short": (lambda: only(jpeg()[:-500]), 422, "Save or download it again"),
    "bomb": (lambda: only(bomb()), 422, "more than 50 megapixels. Make it smaller"),
    "too many bytes": (lambda: only(bytes(MAX_BYTES + 1)), 413, "has 0.02 MB. Make"),
    "body over every limit": (
        lambda: only(bytes(MAX_BYTES + 200_000)),
        413,
        "has 0.02 MB, and all files of one request together have at most 0.02 MB. Make",
    ),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", BAD_UPLOADS)
def test_bad_upload_is_refused_with_the_fix(
    start: Start, warnings_logged: Logged, name: str, path: str
) -> None:
    make_parts, status, fix = BAD_UPLOADS[name]
    server = start(max_upload_bytes=MAX_BYTES, max_request_bytes=MAX_BYTES)
    answer = server.send(*make_parts(), path=path)
    assert answer.status_code == status
    assert fix in answer.text
    (line,) = warnings_logged()
    assert fix in line
    assert f"POST {path} answered {status}" in line
    assert "\n" not in line
    assert CLIENT_NAME not in line + answer.text
    assert server.left_over() == []
    assert server.send(*only(jpeg()), path=path).status_code == 200


def test_error_page_is_an_alert_with_the_form_again(start: Start) -> None:
    answer = start().send(*only(b"hello"))
    assert answer.content_type.startswith("text/html")
    assert 'role="alert"' in answer.text
    assert "Allowed file types are PNG, JPG, JPEG and WebP" in answer.text
    assert 'name="file"' in answer.text


def test_file_of_exactly_the_limit_is_taken(start: Start) -> None:
    content = jpeg()
    server = start(max_upload_bytes=MAX_BYTES, max_request_bytes=MAX_BYTES)
    padded = content + bytes(MAX_BYTES - len(content))
    assert server.send(*only(padded)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("GET", "/api/v1/predict", {"OPTIONS", "POST"}),
        ("POST", "/livez", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_wrong_method_names_the_right_ones(
    start: Start, warnings_logged: Logged, method: str, path: str, allowed: set[str]
) -> None:
    answer = start().client.open(path, method=method)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == allowed
    assert len(warnings_logged()) == 1


@pytest.mark.parametrize("path", ["/upload.php", "/static/none.css", "/a%0Ab"])
def test_unknown_page_leads_to_the_form(
    start: Start, warnings_logged: Logged, path: str
) -> None:
    answer = start().client.get(path)
    assert answer.status_code == 404
    assert 'href="/"' in answer.text
    (line,) = warnings_logged()
    assert "\n" not in line


def test_unknown_address_of_the_api_is_answered_in_json(start: Start) -> None:
    answer = start().client.get("/api/v2/predict")
    assert (answer.status_code, answer.json["status"]) == (404, 404)
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("path", PATHS)
def test_fault_of_ours_shows_no_traceback_and_logs_one(
    start: Start,
    drawing_png: bytes,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    server = start()
    monkeypatch.setattr(server.detector, "analyse", lambda *_, **__: 1 / 0)
    answer = server.send(("file", CLIENT_NAME, drawing_png), path=path)
    assert answer.status_code == 500
    assert "nothing of your upload was kept" in answer.text
    assert "ZeroDivisionError" not in answer.text
    (record,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
    assert server.left_over() == []


@pytest.mark.parametrize("path", ["/", "/api/v1/predict"])
def test_folder_that_is_gone_says_when_to_come_back(
    start: Start, drawing_png: bytes, path: str
) -> None:
    server = start()
    server.upload_dir.rmdir()
    answer = server.send(("file", "a.png", drawing_png), path=path)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"


def test_broken_model_is_an_error_in_the_log(
    start: Start,
    drawing_png: bytes,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ArtifactError("model.tflite: cannot run; export the model again")

    server = start()
    monkeypatch.setattr(server.detector, "analyse", fail)
    answer = server.send(("file", "a.png", drawing_png))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"
    assert "export the model again" in answer.text
    levels = [r.levelno for r in caplog.records if r.levelno >= logging.WARNING]
    assert levels == [logging.ERROR]


def test_wrong_content_type_has_no_file_part(start: Start) -> None:
    answer = start().client.post("/api/v1/predict", json={"file": "abc"})
    assert answer.status_code == 400
    assert answer.json["detail"].startswith("No file part")
