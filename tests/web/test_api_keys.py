"""Keys open the API, and the API alone is closed without them."""

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest

from deepfake_detector.exceptions import ConfigError
from deepfake_detector.web.api_keys import hash_of, new_key

Start = Callable[..., Any]

KEY = "k3y_of-a-test"
OTHER_KEY = "an0ther_key"
MODEL = "/api/v1/model"


@pytest.fixture
def client(start: Start) -> Any:
    """A client of a server that knows two keys."""
    hashes = (hash_of(OTHER_KEY), hash_of(KEY).upper())
    return start(api_key_hashes=hashes).client


@pytest.mark.parametrize(
    "header",
    [f"Bearer {KEY}", f"bearer {KEY}", f"Bearer   {KEY} ", f"BEARER {OTHER_KEY}"],
)
def test_key_opens_the_api(client: Any, header: str) -> None:
    assert client.get(MODEL, headers={"Authorization": header}).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        KEY,
        f"Basic {KEY}",
        "Basic " + base64.b64encode(f":{KEY}".encode()).decode(),
        "Basic %%%",
        f"Token {KEY}",
        f"Bearer {KEY}x",
        f"Bearer {KEY[:-1]}",
        f"Bearer {KEY.upper()}",
        f"Bearer {KEY}, Bearer {OTHER_KEY}",
        f"Bearer {KEY} {KEY}",
        f"Bearer token={KEY}",
        f'Bearer "{KEY}"',
        f"Bearer {hash_of(KEY)}",
        "Bearer \xff\xfe",
        "Bearer é",
        "Bearer " + "a" * 10_000,
        "Bearer =",
        "Bearer *",
        "Digest username=x",
    ],
)
@pytest.mark.parametrize("path", [MODEL, "/api/v1/predict", "/api/v1/nope"])
def test_anything_else_does_not(client: Any, path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = client.get(path, headers=headers)
    assert answer.status_code == answer.json["status"] == 401
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_key_in_the_address_is_no_key(client: Any) -> None:
    assert client.get(f"{MODEL}?key={KEY}&access_token={KEY}").status_code == 401


@pytest.mark.parametrize("path", ["/", "/api", "/openapi.json", "/livez", "/readyz"])
def test_everything_else_stays_open(client: Any, path: str) -> None:
    assert client.get(path).status_code == 200


def test_page_still_judges(start: Start, drawing_png: bytes) -> None:
    server = start(api_key_hashes=(hash_of(KEY),))
    part = ("file", "a.png", drawing_png)
    assert server.send(part).status_code == 200
    assert server.send(part, path="/api/v1/predict").status_code == 401


def test_refused_picture_is_not_read(
    start: Start, drawing_png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(api_key_hashes=(hash_of(KEY),))
    monkeypatch.setattr(
        "deepfake_detector.web.uploads.pictures", lambda *_, **__: 1 / 0
    )
    part = ("file", "a.png", drawing_png)
    assert server.send(part, path="/api/v1/predict").status_code == 401


def test_browser_may_ask_without_a_key(client: Any) -> None:
    assert client.options("/api/v1/predict").status_code == 200


def test_key_is_in_no_log(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    for key in (KEY, "wrong-key"):
        client.get(MODEL, headers={"Authorization": f"Bearer {key}"})
    assert caplog.records
    for secret in (KEY, "wrong-key", hash_of(KEY)):
        assert secret not in caplog.text


def test_without_hashes_the_api_is_open(start: Start) -> None:
    assert start().client.get(MODEL).status_code == 200


@pytest.mark.parametrize(
    "text",
    ["", " ", KEY, "a" * 63, "a" * 65, "g" * 64, "٠" * 64, "sha256:" + "a" * 64]
    + ["a" * 64 + "\n", "0x" + "a" * 62],
)
def test_bad_hash_names_the_variable_and_is_not_repeated(
    start: Start, text: str
) -> None:
    with pytest.raises(
        ConfigError, match="DEEPFAKE_API_KEY_HASHES.*number 2"
    ) as caught:
        start(api_key_hashes=(hash_of(KEY), text))
    assert len(text) < 2 or text not in str(caught.value)


def test_keys_are_long_and_never_the_same() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(r"[\w-]{43}", key, re.ASCII) for key in keys)
