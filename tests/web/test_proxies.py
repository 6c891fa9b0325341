"""Whose word on a visitor's address is believed."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, request

from deepfake_detector.web import proxies

Start = Callable[..., Any]

HOSTILE_HOSTS = (
    "evil.example",
    'evil.example"><script>',
    "evil.example:80@good",
    "[::1",
)


@pytest.mark.parametrize(
    ("trusted", "sent", "expected"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (0, "203.0.113.9, 198.51.100.7", "127.0.0.1"),
        (1, "198.51.100.7", "198.51.100.7"),
        # What stands before the last hop was written by the visitor.
        (1, "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (1, "203.0.113.9,, 198.51.100.7", "198.51.100.7"),
        (2, "203.0.113.9, 198.51.100.7", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 198.51.100.7", "203.0.113.9"),
        (2, "198.51.100.7", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_only_the_hops_of_our_proxies_count(
    trusted: int, sent: str, expected: str
) -> None:
    app = Flask("test")
    app.add_url_rule("/", view_func=lambda: str(request.remote_addr))
    proxies.register(app, trusted)
    answer = app.test_client().get("/", headers={"X-Forwarded-For": sent})
    assert answer.text == expected


@pytest.mark.parametrize("trusted", [0, 1])
@pytest.mark.parametrize("host", HOSTILE_HOSTS)
def test_no_address_is_made_from_the_host(
    start: Start, trusted: int, host: str
) -> None:
    client = start(trusted_proxies=trusted).client
    headers = {"Host": host, "X-Forwarded-Host": host, "X-Forwarded-Prefix": "/evil"}
    paths = ("/", "/nope", "/openapi.json", "//evil.example/", "/static", "/api/")
    for path in (*paths, "/api//v1/model", "//api/v1//model", "/static//style.css"):
        answer = client.get(path, headers=headers)
        assert "evil" not in answer.text.replace("//evil.example/", "")
        assert "evil" not in answer.headers.get("Location", "")
        assert answer.status_code < 500
