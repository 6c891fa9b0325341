"""Headers that every answer carries."""

from collections.abc import Callable
from typing import Any

import pytest

from deepfake_detector.web.security_headers import HEADERS

Start = Callable[..., Any]


@pytest.mark.parametrize("path", ["/", "/nope", "/livez", "/api/v1/predict"])
def test_every_answer_carries_the_headers(start: Start, path: str) -> None:
    headers = start().client.get(path).headers
    assert {name: headers.get(name) for name in HEADERS} == HEADERS
    assert headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in headers


def test_answer_to_an_upload_is_never_stored(start: Start, drawing_png: bytes) -> None:
    answer = start().send(("file", "a.png", drawing_png))
    assert answer.headers["Cache-Control"] == "no-store"


def test_static_files_may_be_stored(start: Start) -> None:
    with start().client.get("/static/style.css") as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] != "no-store"


def test_policy_allows_own_files_and_the_visitors_picture_alone() -> None:
    policy = HEADERS["Content-Security-Policy"].split("; ")
    assert {"default-src 'self'", "img-src 'self' data:"} <= set(policy)
    assert {"frame-ancestors 'none'", "form-action 'self'"} <= set(policy)
    assert "base-uri 'none'" in policy
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
