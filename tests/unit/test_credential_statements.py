"""What content credentials state, read without a word to the network."""

import builtins
import io
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import c2pa
import pytest

from deepfake_detector.credential_statements import (
    CredentialStatements,
    SignatureState,
)
from deepfake_detector.image_metadata import read_metadata
from tests.picture_files import (
    drawn,
    manifest_store,
    riff_chunk,
    webp_file,
    with_box,
)
from tests.signed_pictures import manifest, signed

MIME_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WebP": "image/webp"}
GENERATED = "trainedAlgorithmicMedia"


def signed_drawing(encoding: str = "JPEG", **options: Any) -> bytes:
    states = options.pop("states", None) or manifest(GENERATED)
    return signed(drawn(encoding), MIME_TYPES[encoding], states, **options)


@pytest.mark.parametrize("encoding", MIME_TYPES)
def test_statements_are_read(encoding: str) -> None:
    read = CredentialStatements.read(signed_drawing(encoding), encoding)
    assert read == CredentialStatements(
        SignatureState.ISSUER_NOT_CHECKED, "Drawn 1.2", (GENERATED,)
    )


@pytest.mark.parametrize("encoding", MIME_TYPES)
def test_picture_that_was_changed_no_longer_fits(encoding: str) -> None:
    picture = bytearray(signed_drawing(encoding))
    # The pixels: last in a JPEG and PNG, before the credentials in a WebP.
    at = picture.index(b"VP8 ") + 60 if encoding == "WebP" else len(picture) - 20
    picture[at] ^= 1
    read = CredentialStatements.read(bytes(picture), encoding)
    assert read.signature == SignatureState.INVALID
    assert read.source_types == (GENERATED,)


def test_source_of_what_a_picture_is_made_from_is_told_too() -> None:
    picture = signed(
        drawn("JPEG"),
        "image/jpeg",
        manifest("humanEdits"),
        ingredient=signed_drawing("JPEG"),
    )
    read = CredentialStatements.read(picture, "JPEG")
    assert set(read.source_types) == {"humanEdits", GENERATED}


def test_hostile_name_of_a_program_is_made_readable() -> None:
    name = "<b>\u202e\x1b[31m\n" + "x" * 100_000
    states = manifest(name=name)
    read = CredentialStatements.read(signed_drawing(states=states), "JPEG")
    assert read.claim_generator is not None
    assert read.claim_generator.startswith("<b>[31m xxx")
    assert len(read.claim_generator) == 200


@pytest.mark.parametrize("encoding", MIME_TYPES)
@pytest.mark.parametrize(
    "store",
    [
        manifest_store(),
        manifest_store(inside=b"\0" * 1000),
        manifest_store(inside=b"\0\0\0\x10jumb" + b"\xff" * 8),
        manifest_store(inside=manifest_store() * 2000),
    ],
    ids=["empty", "zeros", "cut box", "stores in a store"],
)
def test_broken_credentials_are_unreadable(encoding: str, store: bytes) -> None:
    if encoding == "JPEG" and len(store) > 65_000:
        store = store[:65_000]
    read = read_metadata(with_box(encoding, store)).credentials
    assert read == CredentialStatements(SignatureState.UNREADABLE)


@pytest.mark.parametrize("encoding", MIME_TYPES)
def test_every_beginning_of_a_signed_file_is_survived(encoding: str) -> None:
    picture = signed_drawing(encoding)
    for length in range(0, len(picture), 211):
        read = CredentialStatements.read(picture[:length], encoding)
        assert read.signature != SignatureState.ISSUER_NOT_CHECKED


def test_file_without_credentials_states_nothing() -> None:
    read = CredentialStatements.read(drawn("PNG"), "PNG")
    assert read == CredentialStatements(SignatureState.UNREADABLE)


def test_report_of_another_shape_states_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    picture = signed_drawing()
    for report in (
        "[]",
        '{"validation_state": 7, "manifests": [1], "active_manifest": {}}',
        '{"manifests": {"a": 1, "b": {"assertions": {}}, "c": {"assertions": [1]}}}',
        '{"active_manifest": "a", "manifests": {"a": {"claim_generator_info": [1],'
        ' "claim_generator": 7, "assertions": [{"label": "c2pa.actions",'
        ' "data": {"actions": [1, {"digitalSourceType": ["x"]}]}}]}}}',
    ):
        monkeypatch.setattr("c2pa.Reader.json", lambda self, text=report: text)
        read = CredentialStatements.read(picture, "JPEG")
        assert (read.signature, read.source_types) == (SignatureState.UNREADABLE, ())
    for report in ("no JSON", "[" * 100_000):
        monkeypatch.setattr("c2pa.Reader.json", lambda self, text=report: text)
        read = CredentialStatements.read(picture, "JPEG")
        assert read == CredentialStatements(SignatureState.UNREADABLE)


@pytest.mark.parametrize("error", [ImportError, OSError, RuntimeError])
def test_without_the_package_only_their_presence_is_told(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    really = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "c2pa":
            raise error("not here")
        return really(name, *rest)

    picture = signed_drawing()
    monkeypatch.delitem(sys.modules, "c2pa")
    monkeypatch.setattr(builtins, "__import__", refuse)
    facts = read_metadata(picture)
    assert facts.credentials == CredentialStatements(SignatureState.NOT_READ)
    assert facts.words == (
        "The file carries content credentials (C2PA). They were not read here: neither "
        "what they state, nor whether they fit the file.",
    )


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _note(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_GET = do_POST = do_HEAD = _note

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


Making = Callable[[str], bytes]

CALLERS: dict[str, Making] = {
    "remote manifest": lambda url: signed_drawing(remote=f"{url}/a.c2pa"),
    "remote manifest of a PNG": lambda url: signed_drawing("PNG", remote=f"{url}/a"),
    "status of the certificate": lambda url: signed_drawing(ocsp=f"{url}/ocsp"),
    "embedded and remote": lambda url: with_remote_and_store(url),
    "remote ingredient": lambda url: signed(
        drawn("JPEG"),
        "image/jpeg",
        manifest(),
        ingredient=signed_drawing(remote=f"{url}/part.c2pa"),
    ),
}


def with_remote_and_store(url: str) -> bytes:
    """A file that names credentials elsewhere, and holds broken ones of its own."""
    remote = signed_drawing("WebP", remote=f"{url}/a.c2pa")
    return webp_file(remote[12:] + riff_chunk(b"C2PA", manifest_store()))


def test_the_listener_hears_the_library_as_it_comes(
    listener: tuple[str, list[str]],
) -> None:
    """Without our settings it asks: the tests below would notice."""
    url, asked = listener
    picture = signed_drawing(remote=f"{url}/a.c2pa")
    with pytest.raises(c2pa.C2paError):
        c2pa.Reader("image/jpeg", io.BytesIO(picture))
    assert asked == ["/a.c2pa"]


@pytest.mark.parametrize("make", CALLERS.values(), ids=list(CALLERS))
def test_nothing_is_fetched(listener: tuple[str, list[str]], make: Making) -> None:
    url, asked = listener
    picture = make(url)
    asked.clear()  # the library that signs may ask
    for encoding, start in (("JPEG", b"\xff\xd8"), ("PNG", b"\x89P"), ("WebP", b"RI")):
        if picture.startswith(start):
            CredentialStatements.read(picture, encoding)
    read_metadata(picture)
    assert asked == []


def test_credentials_elsewhere_are_named_and_left_there(
    listener: tuple[str, list[str]],
) -> None:
    url, asked = listener
    facts = read_metadata(signed_drawing(remote=f"{url}/a.c2pa"))
    assert (facts.links_credentials, facts.credentials) == (True, None)
    assert asked == []
