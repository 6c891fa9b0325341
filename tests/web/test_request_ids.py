"""Request ids: kept where they are harmless, ours otherwise, and on every answer."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

Start = Callable[..., Any]

HEADER = "X-Request-ID"
OURS = re.compile(r"[0-9a-f]{32}")

HARMLESS = ["a", "0", "-", "A-z-09", "a" * 64, "1e4a6b8e-3b1c-4d55-9a9e-0d2b8f3c1f11"]

#: What a WSGI server may hand over, as latin-1 text.
HOSTILE = {
    "empty": "",
    "65 characters": "a" * 65,
    "a megabyte": "a" * 1_000_000,
    "space": "a b",
    "spaces around": " a ",
    "newline at the end": "a\n",
    "newline and a header": "a\r\nSet-Cookie: b=c",
    "tab": "a\t",
    "null": "a\0",
    "underscore": "a_b",
    "two in one header": "a,b",
    "quote": 'a"b',
    "braces": "{a}",
    "percent": "%s%d%(x)s",
    "markup": "<script>alert(1)</script>",
    "umlaut": "\xe4",
    "utf-8": "ä".encode().decode("latin-1"),
    "arabic digits": "١٢".encode().decode("latin-1"),
    "escape": "\x1b[31m",
}


def ask(server: Any, value: str, path: str = "/livez") -> tuple[int, list[str]]:
    """GET with the header as it is, as no well-behaved client could send it."""
    environ = EnvironBuilder(path).get_environ() | {"HTTP_X_REQUEST_ID": value}
    chunks, status, headers = run_wsgi_app(server.client.application, environ)
    b"".join(chunks)
    return int(status.split()[0]), headers.getlist(HEADER)


@pytest.mark.parametrize("value", HARMLESS)
def test_harmless_id_is_kept(start: Start, value: str) -> None:
    assert ask(start(), value) == (200, [value])


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_id_is_replaced(start: Start, name: str) -> None:
    status, answered = ask(start(), HOSTILE[name])
    assert status == 200
    assert len(answered) == 1
    assert OURS.fullmatch(answered[0])


def test_two_headers_are_none(start: Start) -> None:
    answer = start().client.get("/livez", headers=[(HEADER, "a"), (HEADER, "b")])
    assert OURS.fullmatch(answer.headers[HEADER])


def test_every_request_has_its_own(start: Start) -> None:
    client = start().client
    assert len({client.get("/livez").headers[HEADER] for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("OPTIONS", "/", 200),
        ("GET", "/static/style.css", 200),
        ("GET", "/static/none.css", 404),
        ("GET", "/livez", 200),
        ("GET", "/readyz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/none", 404),
        ("GET", "/api/v1/none", 404),
        ("PUT", "/", 405),
        ("BREW", "/", 405),
        ("GET", "/api/v1/predict", 405),
        ("POST", "/", 400),
        ("POST", "/api/v1/predict", 400),
    ],
)
def test_every_answer_has_one(
    start: Start, method: str, path: str, status: int
) -> None:
    sent = {HEADER: "mine"}
    answer = start().client.open(path, method=method, headers=sent, buffered=True)
    assert (answer.status_code, answer.headers.getlist(HEADER)) == (status, ["mine"])


@pytest.mark.parametrize("path", ["/", "/api/v1/predict"])
def test_answer_to_a_picture_and_to_a_fault_has_one(
    start: Start, drawing_png: bytes, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    server = start()
    good = server.send(("file", "a.png", drawing_png), path=path)
    monkeypatch.setattr(server.detector, "analyse", lambda *_, **__: 1 / 0)
    fault = server.send(("file", "a.png", drawing_png), path=path)
    assert (good.status_code, fault.status_code) == (200, 500)
    assert OURS.fullmatch(good.headers[HEADER])
    assert fault.headers[HEADER] in fault.text


def test_error_page_and_problem_name_the_id(start: Start) -> None:
    client = start().client
    page = client.get("/none", headers={HEADER: "abc-1"})
    problem = client.get("/api/v1/none", headers={HEADER: "abc-2"})
    assert "abc-1" in page.text
    assert problem.json["request_id"] == "abc-2"
