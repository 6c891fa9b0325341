"""Other origins may call the API where they are named, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest

from deepfake_detector.exceptions import ConfigError

Start = Callable[..., Any]

ORIGIN = "https://app.example.org"
MODEL = "/api/v1/model"
PREDICT = "/api/v1/predict"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, x-request-id, x-else",
}


def cors_headers(answer: Any) -> list[str]:
    return [name for name in answer.headers.keys() if name.startswith("Access-Control")]


@pytest.mark.parametrize("path", [MODEL, "/openapi.json", "/api/v1/nope"])
def test_named_origin_may_read_the_api(start: Start, path: str) -> None:
    answer = start(cors_origins=(ORIGIN,)).client.get(path, headers={"Origin": ORIGIN})
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    exposed = answer.headers["Access-Control-Expose-Headers"]
    assert exposed == "Retry-After, X-Request-ID"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize("origins", [(ORIGIN,), (ORIGIN, "http://localhost:3000")])
@pytest.mark.parametrize("sent", [{"Origin": ORIGIN}, {"Origin": "http://evil"}, {}])
@pytest.mark.parametrize("path", [MODEL, "/openapi.json"])
def test_answer_depends_on_the_origin_and_says_so(
    start: Start, origins: tuple[str, ...], sent: dict[str, str], path: str
) -> None:
    answer = start(cors_origins=origins).client.get(path, headers=sent)
    assert "Origin" in answer.headers["Vary"].split(", ")


def test_preflight_names_what_may_be_sent(start: Start) -> None:
    client = start(cors_origins=(ORIGIN,), api_key_hashes=("a" * 64,)).client
    answer = client.options(PREDICT, headers={"Origin": ORIGIN, **PREFLIGHT})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST"
    allowed = answer.headers["Access-Control-Allow-Headers"]
    assert allowed == "authorization, x-request-id"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://app.example.org",
        "https://app.example.org:8443",
        "https://app.example.org.evil.example",
        "https://evil-app.example.org",
        "https://appXexample.org",
        "https://app.example.org/",
        "null",
        "*",
        "",
    ],
)
def test_any_other_origin_gets_nothing(start: Start, origin: str) -> None:
    client = start(cors_origins=(ORIGIN,)).client
    for answer in (
        client.get(MODEL, headers={"Origin": origin}),
        client.options(PREDICT, headers={"Origin": origin, **PREFLIGHT}),
    ):
        assert cors_headers(answer) == []


@pytest.mark.parametrize("path", ["/", "/livez", "/nope", "/static/style.css"])
def test_page_is_for_its_own_origin(start: Start, path: str) -> None:
    client = start(cors_origins=(ORIGIN,)).client
    with client.get(path, headers={"Origin": ORIGIN}) as answer:
        assert cors_headers(answer) == []
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_refusals_can_be_read_too(start: Start) -> None:
    server = start(cors_origins=(ORIGIN,), rate_limit="1 per minute")
    answers = [
        server.client.post(PREDICT, data={}, headers={"Origin": ORIGIN})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [400, 429]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize("path", [MODEL, PREDICT, "/openapi.json", "/"])
def test_off_there_is_no_such_header(start: Start, path: str) -> None:
    client = start().client
    for answer in (
        client.get(path, headers={"Origin": ORIGIN}),
        client.options(path, headers={"Origin": ORIGIN, **PREFLIGHT}),
    ):
        assert cors_headers(answer) == []
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "*",
        "https://*",
        "https://*.example.org",
        "null",
        "example.org",
        "https://",
        "https://example.org/",
        "https://example.org/path",
        "https://user@example.org",
        "https://example.org:0",
        "https://example.org:99999",
        "https://example.org:port",
        "https://Example.org",
        "https://example.org?x",
        "https://exa mple.org",
        "https://-example.org",
        "https://example..org",
        "ftp://example.org",
        "javascript:alert(1)",
        "https://[::1]",
        "https://.*",
        "https://example.org\n",
    ],
)
def test_bad_origin_names_the_variable(start: Start, origin: str) -> None:
    with pytest.raises(ConfigError, match="DEEPFAKE_CORS_ORIGINS"):
        start(cors_origins=(origin,))


@pytest.mark.parametrize(
    "origin",
    ["https://a", "http://localhost:3000", "https://x-y.example.org:65535"]
    + ["http://127.0.0.1:8000", "https://xn--mnchen-3ya.example"],
)
def test_good_origin_is_taken(start: Start, origin: str) -> None:
    client = start(cors_origins=(origin,)).client
    answer = client.get(MODEL, headers={"Origin": origin})
    assert answer.headers["Access-Control-Allow-Origin"] == origin
