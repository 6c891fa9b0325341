"""How the log looks: one object or one line each, whatever a message holds."""

import io
import json
import logging
import re
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from deepfake_detector.config import ServeConfig
from deepfake_detector.web.log_lines import FIELDS, start_logging

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
TEXT_LINE = re.compile(TIME.pattern + r" [A-Z]+ [\w.]+: .*|    \| .*")

HOSTILE = {
    "newline": "a\n2026-01-01T00:00:00.000Z INFO x: forged",
    "carriage return": "a\rforged",
    "quotes": 'a", "level": "CRITICAL',
    "escape": "\x1b[2Jforged",
    "null": "a\0b",
    "line separators": "a\u2028b\u2029c\x85d\x0be\x0cf",
    "right to left": "\u202eforged",
    "lone surrogate": "\udcff",
    "percent": "%s %d %(secret)s",
    "emoji": "\U0001f600",
}

Log = Callable[..., io.StringIO]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, kept_logging: None) -> Log:
    """Start logging into a stream."""

    def begin(stream: io.StringIO | None = None, **settings: Any) -> io.StringIO:
        stream = stream or io.StringIO()
        monkeypatch.setattr(sys, "stderr", stream)
        start_logging(ServeConfig(**settings))
        return stream

    return begin


def objects(stream: io.StringIO) -> list[dict[str, Any]]:
    text = stream.getvalue()
    assert text.endswith("\n")
    return [json.loads(line) for line in text[:-1].split("\n")]


def test_json_line_has_its_fields(log: Log) -> None:
    stream = log(log_format="json")
    logging.getLogger("a.b").warning("found %d", 3, extra={"status": 200, "secret": 1})
    (line,) = objects(stream)
    assert TIME.fullmatch(line.pop("time"))
    expected = {"level": "WARNING", "logger": "a.b", "message": "found 3"}
    assert line == expected | {"status": 200}
    assert list(line) == [name for name in FIELDS if name in line]


def test_text_line_reads_well(log: Log) -> None:
    stream = log(log_format="text")
    extra = {"request_id": "abc", "address": "::1"}
    logging.getLogger("a.b").info("found %d", 3, extra=extra)
    time, _, rest = stream.getvalue().partition(" ")
    assert TIME.fullmatch(time)
    assert rest == "INFO a.b: found 3 request_id=abc address=::1\n"


@pytest.mark.parametrize(
    ("log_format", "stream", "is_json"),
    [
        ("auto", io.StringIO, True),
        ("auto", Terminal, False),
        ("json", Terminal, True),
        ("text", io.StringIO, False),
    ],
)
def test_auto_is_text_on_a_terminal_alone(
    log: Log, log_format: str, stream: type[io.StringIO], is_json: bool
) -> None:
    written = log(stream(), log_format=log_format)
    logging.getLogger("a").info("hello")
    assert written.getvalue().startswith("{") is is_json


@pytest.mark.parametrize("name", HOSTILE)
def test_message_stays_on_its_line(log: Log, name: str) -> None:
    stream = log(log_format="json")
    logging.getLogger("a").info("got %s", HOSTILE[name])
    assert stream.getvalue().isascii()
    (line,) = objects(stream)
    assert line["message"] == f"got {HOSTILE[name]}"
    stream = log(log_format="text")
    logging.getLogger("a").info("got %s", HOSTILE[name])
    text = stream.getvalue()
    assert text.endswith("\n")
    assert text[:-1].isprintable()


@pytest.mark.parametrize("name", HOSTILE)
def test_traceback_is_kept_and_forges_nothing(log: Log, name: str) -> None:
    def fail() -> None:
        try:
            raise ValueError(HOSTILE[name])
        except ValueError:
            logging.getLogger("a").exception("failed")

    stream = log(log_format="json")
    fail()
    (line,) = objects(stream)
    assert line["message"] == "failed"
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert "ValueError" in line["exception"]
    stream = log(log_format="text")
    fail()
    lines = stream.getvalue().removesuffix("\n").split("\n")
    assert lines[1] == "    | Traceback (most recent call last):"
    assert all(TEXT_LINE.fullmatch(line) and line.isprintable() for line in lines)


def test_second_start_replaces_the_first(log: Log) -> None:
    first, second = log(log_format="json"), log(log_format="json")
    for name in ("a", "gunicorn.error"):
        logging.getLogger(name).error("once")
    assert first.getvalue() == ""
    assert [line["logger"] for line in objects(second)] == ["a", "gunicorn.error"]


def test_warnings_come_as_lines_too(log: Log) -> None:
    stream = log(log_format="json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("careful", UserWarning, stacklevel=1)
        logging.captureWarnings(False)
    (line,) = objects(stream)
    assert (line["level"], line["logger"]) == ("WARNING", "py.warnings")
    assert "careful" in line["message"]


def test_debug_lines_of_others_stay_out(log: Log) -> None:
    stream = log(log_format="json")
    logging.getLogger("PIL.PngImagePlugin").debug("STREAM %r", b"secret")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("with_address", [False, True])
def test_gunicorn_quotes_no_visitor(log: Log, with_address: bool) -> None:
    stream = log(log_format="json", log_addresses=with_address)
    gunicorn = logging.getLogger("gunicorn.error")
    try:
        raise ValueError("secret")
    except ValueError:
        # As its Worker.handle_error writes them.
        gunicorn.warning("Invalid request from ip=192.0.2.7: secret %s: secret")
    gunicorn.warning("Invalid request from ip=192.0.2.7: secret")
    gunicorn.error("Error handling request %s %s", "GET", "/secret?secret")
    gunicorn.info("Booting worker with pid: %s", 7)
    assert "secret" not in stream.getvalue()
    known, unknown, fault, boot = objects(stream)
    assert known["message"] == "a request that is not HTTP was refused (ValueError)"
    assert unknown["message"].endswith("refused (unknown)")
    assert fault["message"] == "Error handling request"
    assert boot["message"] == "Booting worker with pid: 7"
    assert known.get("address") == ("192.0.2.7" if with_address else None)
