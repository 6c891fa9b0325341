"""The page switched off: the API alone."""

from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]


@pytest.mark.parametrize("path", ["/", "/about", "/privacy"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
def test_page_is_not_there(start: Start, path: str, method: str) -> None:
    answer = start(page=False).client.open(path, method=method)
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert answer.json["detail"].endswith("/api/v1/predict; /api tells how.")


def test_picture_sent_to_the_page_is_not_judged(
    start: Start, drawing_png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(page=False)
    monkeypatch.setattr(server.detector, "analyse", lambda *_, **__: 1 / 0)
    assert server.send(("file", "a.png", drawing_png)).status_code == 404


@pytest.mark.parametrize(
    "path", ["/api", "/openapi.json", "/livez", "/readyz", "/api/v1/model"]
)
def test_api_and_its_reference_stay(start: Start, path: str) -> None:
    assert start(page=False).client.get(path).status_code == 200


def test_api_still_judges(start: Start, drawing_png: bytes) -> None:
    part = ("file", "a.png", drawing_png)
    assert start(page=False).send(part, path="/api/v1/predict").status_code == 200


@pytest.mark.parametrize("path", ["/", "/about", "/privacy"])
def test_page_is_there_by_default(start: Start, path: str) -> None:
    assert start().client.get(path).status_code == 200
