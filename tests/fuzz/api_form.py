"""The API and the page: any form gets an answer in kind, and leaves nothing behind."""

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from deepfake_detector.artifact import ModelCard
from deepfake_detector.backends.constant_backend import ConstantBackend
from deepfake_detector.config import ServeConfig
from deepfake_detector.detector import Detector
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.face_detectors import FACE_DETECTORS
from deepfake_detector.web import create_app
from tests.picture_files import drawn

MAX_LEN = 8_192

PREDICT = "/api/v1/predict"
FORM = "multipart/form-data; boundary=x"

_SHAPE = (16, 16, 3)

#: Gone when the process ends.
_uploads = tempfile.TemporaryDirectory(prefix="fuzz-uploads-")

_FIELDS = ("threshold", "explain", "faces", "whole_picture", "file", "_charset_", "")


def seeds() -> Iterator[bytes]:
    """Good forms with each option, and some with what should not be there."""
    picture = drawn("PNG")
    head = b'Content-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    good = b"--x\r\n" + head + picture + b"\r\n"
    yield b"\0" + good + b"--x--\r\n"
    yield b"\0" + good + good + b"--x--\r\n"
    for field in _FIELDS:
        for value in (b"1", b"", b"nan", b"\xff", b"all", b"1e-999"):
            option = b'Content-Disposition: form-data; name="' + field.encode() + b'"'
            part = b"--x\r\n" + option + b"\r\n\r\n" + value + b"\r\n"
            yield bytes([len(value) % 2]) + good + part + b"--x--\r\n"


@cache
def client_and_folder() -> tuple[FlaskClient, Path]:
    """An application with small limits around a stand-in network."""
    folder = Path(_uploads.name)
    rule = CROP_RULES["whole"]
    card = ModelCard("stand-in", "none", _SHAPE, rule)
    config = ServeConfig(
        upload_dir=folder, rate_limit="", max_pixels=50_000, max_upload_bytes=100_000
    )
    faces = FACE_DETECTORS.get(rule.detector)()
    detector = Detector(ConstantBackend(0.0, _SHAPE), faces, card, config.max_pixels)
    return create_app(detector, config).test_client(), folder


def check(data: bytes) -> None:
    """The first byte says where the rest is sent to, as the body of a form."""
    path = "/" if data[:1] > b"\x7f" or data[:1] == b"\1" else PREDICT
    check_answer(path, data[1:], FORM)


def check_answer(path: str, body: bytes, content_type: str) -> TestResponse:
    """Hold an answer against what is promised of every answer."""
    client, folder = client_and_folder()
    answer = client.post(path, data=body, content_type=content_type)
    assert answer.status_code < 500, answer.text[:500]
    if path == "/":
        assert answer.content_type == "text/html; charset=utf-8"
        assert "<h1" in answer.text
    elif answer.status_code == 200:
        assert answer.content_type == "application/json"
        assert {"verdict", "results"} & answer.json.keys()
    else:
        assert answer.content_type == "application/problem+json"
        assert answer.json["status"] == answer.status_code
        assert answer.json["detail"].isprintable()
    assert list(folder.iterdir()) == []
    return answer
