"""A registry on this machine that answers well, badly, or not at all."""

import hashlib
import json
import socket
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from supply_chain.exceptions import SupplyChainError
from supply_chain.image_reference import ImageReference
from supply_chain.image_registry import (
    MAX_MANIFEST_BYTES,
    ImageRegistry,
    Manifest,
)
from tests.supply_chain.conftest import Answer, Answering, Asked, LocalServer

IMAGE = ImageReference.parse("python:3.12")
INDEX: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.index.v1+json",
    "manifests": [
        {"digest": "x", "platform": {"os": "linux", "architecture": "arm64"}},
        {"digest": "y", "platform": {"os": "linux", "architecture": "amd64"}},
        {"digest": "z", "platform": {"os": "unknown", "architecture": "unknown"}},
        {"digest": "s"},
    ],
}


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def content_of(manifest: Any) -> bytes:
    return json.dumps(manifest).encode()


def registry(content: bytes, **headers: str) -> Answering:
    """A registry that has one image."""
    digest = digest_of(content)
    headers = {"Docker-Content-Digest": digest} | headers

    def answering(asked: Asked) -> Answer:
        if asked.path == "/v2/library/python/manifests/3.12":
            assert asked.method == "HEAD"
            return Answer(headers=headers)
        if asked.path == f"/v2/library/python/manifests/{digest}":
            return Answer(body=content, headers=headers)
        return Answer(404)

    return answering


def ask(server: LocalServer, answering: Answering, timeout_s: float = 5.0) -> Manifest:
    server.answering = answering
    with ImageRegistry(server.url, timeout_s) as asked:
        return asked.manifest(IMAGE)


def test_digest_and_platforms_of_a_tag_are_told(server: LocalServer) -> None:
    content = content_of(INDEX)
    assert ask(server, registry(content)) == Manifest(
        digest_of(content), ("linux/amd64", "linux/arm64")
    )
    assert [asked.method for asked in server.asked] == ["HEAD", "GET"]
    assert all(
        asked.headers["Accept"].startswith("application/vnd.oci.image.index")
        for asked in server.asked
    )


def test_one_image_has_no_platforms(server: LocalServer) -> None:
    assert ask(server, registry(content_of({"schemaVersion": 2}))).platforms == ()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("python:3.12", "library/python"),
        ("team/python:3.12", "team/python"),
        ("registry.example/python:3.12", "python"),
    ],
)
def test_path_is_the_registrys(server: LocalServer, name: str, path: str) -> None:
    with ImageRegistry(server.url) as asked, pytest.raises(SupplyChainError):
        asked.manifest(ImageReference.parse(name))
    assert server.asked[0].path == f"/v2/{path}/manifests/3.12"


def behind_token(
    server: LocalServer, token: Answer, challenge: str | None = None
) -> Answering:
    inner = registry(content_of(INDEX))
    challenge = challenge or (
        f'Bearer realm="{server.url}/token",service="registry",'
        'scope="repository:library/python:pull"'
    )

    def answering(asked: Asked) -> Answer:
        if asked.path.startswith("/token"):
            assert "service=registry&scope=repository" in asked.path
            assert "Authorization" not in asked.headers
            return token
        if asked.headers.get("Authorization") != "Bearer abc.def":
            return Answer(401, headers={"WWW-Authenticate": challenge})
        return inner(asked)

    return answering


@pytest.mark.parametrize("field", ["token", "access_token"])
def test_token_for_anybody_is_fetched(server: LocalServer, field: str) -> None:
    token = Answer(body=content_of({field: "abc.def"}))
    found = ask(server, behind_token(server, token))
    assert found.digest == digest_of(content_of(INDEX))


BAD_TOKENS = {
    "none": Answer(body=b"{}"),
    "empty": Answer(body=b'{"token": ""}'),
    "a number": Answer(body=b'{"token": 3}'),
    "a list": Answer(body=b"[]"),
    "no JSON": Answer(body=b"<html>"),
    "deep": Answer(body=b"[" * 100_000),
    "with a line break": Answer(body=b'{"token": "a\\r\\nX-Evil: 1"}'),
    "refused": Answer(401),
    "another": Answer(body=b'{"token": "other"}'),
}


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_bad_token_ends_it(server: LocalServer, name: str) -> None:
    with pytest.raises(SupplyChainError, match="nothing was changed"):
        ask(server, behind_token(server, BAD_TOKENS[name]))


@pytest.mark.parametrize(
    "challenge",
    [
        "Basic realm=x",
        "Bearer",
        'Bearer service="x"',
        'Bearer realm="http://registry.example/token"',
        'Bearer realm="file:///etc/passwd"',
        'Bearer realm="token"',
        "Bearer realm=" + '"' * 10_000,
    ],
)
def test_bad_challenge_ends_it(server: LocalServer, challenge: str) -> None:
    token = Answer(body=content_of({"token": "abc.def"}))
    with pytest.raises(SupplyChainError, match="nothing was changed"):
        ask(server, behind_token(server, token, challenge))
    assert not [asked for asked in server.asked if asked.path.startswith("/token")]


OTHER = digest_of(b"other")
BAD_ANSWERS: dict[str, tuple[Answering, str]] = {
    "unknown image": (lambda _: Answer(404), "does not know this image"),
    "broken": (lambda _: Answer(500), "status 500"),
    "too many requests": (lambda _: Answer(429), "status 429"),
    "no digest": (lambda _: Answer(), "no SHA-256"),
    "garbage digest": (
        registry(content_of(INDEX), **{"Docker-Content-Digest": "sha256:xyz"}),
        "no SHA-256",
    ),
    "digest of another kind": (
        registry(content_of(INDEX), **{"Docker-Content-Digest": f"sha512:{'a' * 128}"}),
        "no SHA-256",
    ),
    "digest in capitals": (
        registry(
            content_of(INDEX),
            **{"Docker-Content-Digest": f"sha256:{'A' * 64}"},
        ),
        "no SHA-256",
    ),
    "digest of nothing it has": (
        registry(content_of(INDEX), **{"Docker-Content-Digest": OTHER}),
        "does not know this image",
    ),
    "content of another digest": (
        lambda asked: Answer(
            body=content_of(INDEX), headers={"Docker-Content-Digest": OTHER}
        ),
        "a digest that the content does not have",
    ),
    "empty": (registry(b""), "something else than a manifest"),
    "a page": (registry(b"<html>"), "something else than a manifest"),
    "a list": (registry(b"[]"), "something else than a manifest"),
    "null": (registry(b"null"), "something else than a manifest"),
    "old schema": (
        registry(content_of({"schemaVersion": 1})),
        "something else than a manifest",
    ),
    "manifests a number": (
        registry(content_of(INDEX | {"manifests": 3})),
        "something else than a manifest",
    ),
    "platform a word": (
        registry(content_of(INDEX | {"manifests": [{"platform": "linux"}]})),
        "something else than a manifest",
    ),
    "deep": (registry(b"[" * 100_000), "something else than a manifest"),
    "too large": (
        registry(b" " * (MAX_MANIFEST_BYTES + 1)),
        "more than any manifest has",
    ),
    "asks for a token again and again": (
        lambda _: Answer(401, headers={"WWW-Authenticate": "Basic"}),
        "wants an account",
    ),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_bad_answer_gives_no_digest(server: LocalServer, name: str) -> None:
    answering, words = BAD_ANSWERS[name]
    with pytest.raises(SupplyChainError, match=f"{words}.*; nothing was changed$"):
        ask(server, answering)


def redirecting(to: Callable[[Asked], str]) -> Answering:
    inner = registry(content_of(INDEX))

    def answering(asked: Asked) -> Answer:
        if asked.path.startswith("/moved"):
            path = asked.path.removeprefix("/moved")
            return inner(Asked(asked.method, path, asked.headers, asked.body))
        return Answer(307, headers={"Location": to(asked)})

    return answering


def test_redirect_is_followed(server: LocalServer) -> None:
    found = ask(server, redirecting(lambda asked: f"/moved{asked.path}"))
    assert found.digest == digest_of(content_of(INDEX))


@pytest.mark.parametrize("to", ["/v2/", "file:///etc/passwd", "http://", "ftp://a/b"])
def test_redirect_to_nowhere_ends_it(server: LocalServer, to: str) -> None:
    with pytest.raises(SupplyChainError, match="nothing was changed"):
        ask(server, redirecting(lambda _: to))


def test_silence_ends_it(server: LocalServer) -> None:
    gone = threading.Event()

    def answering(asked: Asked) -> Answer:
        gone.wait(60)
        return Answer()

    try:
        with pytest.raises(SupplyChainError, match="could not be asked"):
            ask(server, answering, timeout_s=0.1)
    finally:
        gone.set()


def test_content_cut_short_ends_it(server: LocalServer) -> None:
    content = content_of(INDEX)
    answering = registry(content, **{"Content-Length": str(len(content) + 9)})
    with pytest.raises(SupplyChainError, match="nothing was changed"):
        ask(server, answering, timeout_s=0.5)


def bound(taken: socket.socket) -> int:
    taken.bind(("127.0.0.1", 0))
    port: int = taken.getsockname()[1]
    return port


def test_nobody_there_ends_it() -> None:
    # A port that is taken and answers nobody, where a fixed one may be somebody's.
    with (
        closing(socket.socket()) as taken,
        ImageRegistry(f"http://127.0.0.1:{bound(taken)}") as asked,
        pytest.raises(SupplyChainError, match="could not be asked") as caught,
    ):
        asked.manifest(IMAGE)
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "registry.example",
        "http://registry.example",
        "ftp://a",
        "file:///",
        "https:",
    ],
)
def test_only_https_is_asked_elsewhere(address: str) -> None:
    with pytest.raises(SupplyChainError, match="https://"):
        ImageRegistry(address)


def test_no_password_of_the_users_is_sent(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    ask(server, registry(content_of(INDEX)))
    assert not [asked for asked in server.asked if "Authorization" in asked.headers]
