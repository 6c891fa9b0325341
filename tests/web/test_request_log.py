"""One line for each request, and nothing of the visitor's in it."""

import io
import json
import logging
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

from deepfake_detector.config import ServeConfig
from deepfake_detector.web.log_lines import start_logging

Start = Callable[..., Any]
Lines = Callable[[], list[dict[str, Any]]]

ACCESS = "deepfake_detector.web.request_log"
ADDRESS = "192.0.2.77"


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch, kept_logging: None) -> io.StringIO:
    """What the program logs in JSON, down to debug level."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    start_logging(ServeConfig(log_format="json"))
    logging.getLogger("deepfake_detector").setLevel(logging.DEBUG)
    return stream


@pytest.fixture
def lines(stream: io.StringIO) -> Lines:
    """The access lines so far."""

    def read() -> list[dict[str, Any]]:
        every = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [line for line in every if line["logger"] == ACCESS]

    return read


def test_line_of_a_picture(start: Start, lines: Lines, drawing_png: bytes) -> None:
    server = start()
    answer = server.send(("file", "a.png", drawing_png), path="/api/v1/predict")
    (line,) = lines()
    assert line.pop("duration_ms") > 0
    assert line.pop("time")
    assert len(drawing_png) < line.pop("request_bytes") < len(drawing_png) + 1000
    message = line.pop("message")
    assert re.fullmatch(r"POST /api/v1/predict answered 200 in \d+\.\d ms", message)
    assert line == {
        "level": "INFO",
        "logger": ACCESS,
        "request_id": answer.headers["X-Request-ID"],
        "method": "POST",
        "route": "/api/v1/predict",
        "status": 200,
        "response_bytes": len(answer.data),
    }


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", ("GET", "/", 200)),
        ("GET", "/static/style.css", ("GET", "/static/<path:filename>", 200)),
        ("GET", "/static/none", ("GET", "/static/<path:filename>", 404)),
        ("GET", "/none", ("GET", "unknown", 404)),
        ("PUT", "/", ("PUT", "unknown", 405)),
        ("BREW", "/", ("OTHER", "unknown", 405)),
        ("POST", "/", ("POST", "/", 400)),
    ],
)
def test_every_request_has_one_line(
    start: Start, lines: Lines, method: str, path: str, expected: tuple[str, str, int]
) -> None:
    answer = start().client.open(path, method=method, buffered=True)
    (line,) = lines()
    assert (line["method"], line["route"], line["status"]) == expected
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert line["response_bytes"] == len(answer.data)


def test_head_sends_no_body(start: Start, lines: Lines) -> None:
    start().client.head("/")
    assert lines()[0]["response_bytes"] == 0


def test_body_that_has_not_changed_is_not_sent(start: Start, lines: Lines) -> None:
    client = start().client
    etag = client.get("/static/style.css", buffered=True).headers["ETag"]
    same = {"If-None-Match": etag}
    client.get("/static/style.css", headers=same, buffered=True)
    assert (lines()[1]["status"], lines()[1]["response_bytes"]) == (304, 0)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_probes_are_lines_for_debugging(start: Start, lines: Lines, path: str) -> None:
    start().client.get(path)
    assert [line["level"] for line in lines()] == ["DEBUG"]


@pytest.mark.parametrize("wanted", [False, True])
def test_address_is_written_where_it_is_asked_for(
    start: Start, lines: Lines, stream: io.StringIO, wanted: bool
) -> None:
    server = start(log_addresses=wanted)
    for path in ("/", "/none", "/api/v1/none"):
        server.client.get(path, environ_overrides={"REMOTE_ADDR": ADDRESS})
    assert [line.get("address") == ADDRESS for line in lines()] == [wanted] * 3
    assert (ADDRESS in stream.getvalue()) is wanted


def test_address_over_its_limit_is_not_named(
    start: Start, lines: Lines, stream: io.StringIO
) -> None:
    client = start(rate_limit="1 per minute").client
    for _ in range(3):
        client.post("/", environ_overrides={"REMOTE_ADDR": ADDRESS})
    assert [line["status"] for line in lines()] == [400, 429, 429]
    assert ADDRESS not in stream.getvalue()


def test_lines_of_the_program_have_the_id_too(
    start: Start, stream: io.StringIO, drawing_png: bytes, monkeypatch: Any
) -> None:
    server = start()
    monkeypatch.setattr(server.detector, "analyse", lambda *_, **__: 1 / 0)
    answer = server.send(("file", "a.png", drawing_png))
    fault, access = map(json.loads, stream.getvalue().splitlines())
    assert fault["request_id"] == access["request_id"] == answer.headers["X-Request-ID"]
    assert (fault["level"], access["status"]) == ("ERROR", 500)
    assert "ZeroDivisionError" in fault["exception"]


#: Words in every place that a visitor can write in; none may come out in the log.
SECRET = "Sneaky"
FILE_NAMES = [
    "Sneaky.jpg",
    "Sneaky\\n.jpg",
    "../../Sneaky",
    "%0d%0aSneaky",
    "Sneaky\x00.png",
    "\u202eSneaky",
]
PATHS = [
    "/Sneaky",
    "/static/Sneaky",
    "/static/../Sneaky",
    "/api/v1/Sneaky",
    "/%0A{%22level%22:%22Sneaky%22}",
    "/?Sneaky=Sneaky",
    "/livez?Sneaky",
    "/metrics?Sneaky",
    "/" + "Sneaky" * 1000,
]
HEADERS = {
    "User-Agent": "Sneaky",
    "Referer": "http://Sneaky.example/",
    "Cookie": "Sneaky=Sneaky",
    "Accept-Language": "Sneaky",
    "Authorization": "Bearer Sneaky",
    "Origin": "http://Sneaky.example",
    "X-Request-ID": "Sneaky words",
    "X-Forwarded-For": "Sneaky",
    "Content-Type": "Sneaky/Sneaky; boundary=Sneaky",
    "Host": "Sneaky.example",
}


@pytest.mark.parametrize("target", ["/", "/api/v1/predict"])
@pytest.mark.parametrize("name", FILE_NAMES)
def test_file_name_stays_out_of_the_log(
    start: Start, stream: io.StringIO, drawing_png: bytes, name: str, target: str
) -> None:
    server = start()
    for content in (drawing_png, b"Sneaky", drawing_png[:-100], b""):
        server.send(("file", name, content), path=target)
        server.send(("Sneaky", name, content), path=target)
        server.send(("file", name, content), path=target, Sneaky="Sneaky")
        server.send(("file", name, content), path=target, threshold="Sneaky")
    assert len(stream.getvalue().splitlines()) >= 16
    assert SECRET not in stream.getvalue()


@pytest.mark.parametrize("method", ["GET", "POST", "SNEAKY", "Sneaky"])
@pytest.mark.parametrize("path", PATHS)
def test_paths_and_headers_stay_out_of_the_log(
    start: Start, lines: Lines, stream: io.StringIO, method: str, path: str
) -> None:
    start(log_addresses=True).client.open(path, method=method, headers=HEADERS)
    assert len(lines()) == 1
    assert SECRET.lower() not in stream.getvalue().lower()
