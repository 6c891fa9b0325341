"""Headers that every answer carries."""

from collections.abc import Callable
from typing import Any

import pytest

from deepfake_detector.web.security_headers import CONTENT_SECURITY_POLICY, HEADERS

Start = Callable[..., Any]

PATHS = ("/", "/nope", "/livez", "/readyz", "/metrics", "/api/v1/predict")


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_headers(start: Start, path: str) -> None:
    headers = start().client.get(path).headers
    assert {name: headers.get(name) for name in HEADERS} == HEADERS
    assert headers["Cache-Control"] == "no-store"


def test_no_answer_ever_sets_a_cookie(start: Start, drawing_png: bytes) -> None:
    server = start(rate_limit="3 per minute")
    rules = server.client.application.url_map.iter_rules()
    paths = [rule.rule for rule in rules if not rule.arguments]
    answers = [server.client.get(path) for path in [*paths, "/nope", "/?lang=de"]]
    answers += [server.send(("file", "a.png", drawing_png)) for _ in range(4)]
    answers += [server.client.post(path) for path in paths]
    assert {answer.status_code for answer in answers} >= {200, 404, 405, 429}
    assert [a.request.path for a in answers if "Set-Cookie" in a.headers] == []


def test_answer_to_an_upload_is_never_stored(start: Start, drawing_png: bytes) -> None:
    answer = start().send(("file", "a.png", drawing_png))
    assert answer.headers["Cache-Control"] == "no-store"


def test_static_files_may_be_stored(start: Start) -> None:
    with start().client.get("/static/style.css") as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] != "no-store"


@pytest.mark.parametrize(
    "rule",
    [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ],
)
def test_policy_allows_own_files_and_the_visitors_picture_alone(rule: str) -> None:
    assert rule in CONTENT_SECURITY_POLICY.split("; ")


def test_policy_has_no_way_round() -> None:
    for word in ("unsafe", "http:", "https:", "*"):
        assert word not in CONTENT_SECURITY_POLICY


@pytest.mark.parametrize(
    ("proxies", "scheme", "expected"),
    [(1, "https", True), (1, "http", False), (0, "https", False), (1, "", False)],
)
def test_https_is_asked_for_where_the_request_came_by_it(
    start: Start, proxies: int, scheme: str, expected: bool
) -> None:
    server = start(trusted_proxies=proxies)
    answer = server.client.get("/livez", headers={"X-Forwarded-Proto": scheme})
    assert ("Strict-Transport-Security" in answer.headers) is expected
