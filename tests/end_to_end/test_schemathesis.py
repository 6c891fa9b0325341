"""Whatever is sent to the API, its answer is one that /openapi.json describes.

Schemathesis makes requests up from the description, good ones and bad ones, and holds
the answers against it. The model and the face search are the shipped ones.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import schemathesis
from flask import Flask
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from numpy.typing import NDArray
from PIL import Image
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import (
    EngineEvent,
    FatalError,
    NonFatalError,
    ScenarioFinished,
)
from werkzeug.serving import make_server

from deepfake_detector.config import ServeConfig
from deepfake_detector.detector import Detector
from deepfake_detector.web import create_app
from deepfake_detector.web.api_keys import hash_of
from deepfake_detector.web.openapi import describe
from deepfake_detector.web.openapi_schemas import ref
from deepfake_detector.web.reference import Reference

pytestmark = pytest.mark.slow

KEY = "a-key-of-this-test"

#: Between the portrait's size as WebP and as JPEG, so that one of them is too large.
MAX_BYTES = 60_000

#: A good form may hold a file that is no picture, or too much of one.
ACCEPTED = ["2xx", "304", "413", "415", "422"]

Serving = Callable[..., AbstractContextManager[tuple[str, Flask]]]


@pytest.fixture(scope="module")
def serving(
    portrait: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serving]:
    """Serve the shipped model without a rate limit; address and application."""
    schemathesis.openapi.format("binary", files(portrait))
    uploads: Path = tmp_path_factory.mktemp("uploads")
    settings: dict[str, Any] = {
        "upload_dir": uploads,
        "rate_limit": "",
        "max_upload_bytes": MAX_BYTES,
    }
    detector = Detector.load(ServeConfig(**settings))

    @contextmanager
    def serve(**more: Any) -> Iterator[tuple[str, Flask]]:
        app = create_app(detector, ServeConfig(**settings, **more))
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", app
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    yield serve
    assert list(uploads.iterdir()) == []


def files(portrait: NDArray[np.uint8]) -> st.SearchStrategy[bytes]:
    """Pictures with a face and without, too large ones, broken ones, any bytes."""
    jpeg, webp = encoded(portrait, "JPEG", quality=95), encoded(portrait, "WEBP")
    assert len(webp) < MAX_BYTES < len(jpeg)
    whole = [jpeg, webp, encoded(np.zeros((64, 48, 3), dtype=np.uint8), "PNG")]
    cut = st.builds(
        lambda data, end: data[:end],
        st.sampled_from(whole),
        st.integers(1, MAX_BYTES // 10),
    )
    return st.one_of(st.sampled_from(whole), cut, st.binary(max_size=200))


def encoded(pixels: NDArray[np.uint8], file_format: str, **options: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, file_format, **options)
    return file.getvalue()


def tried(
    address: str, examples: int, headers: dict[str, str] | None = None
) -> list[EngineEvent]:
    """Let Schemathesis try a server, always with the same requests."""
    config = {
        "seed": 42,
        "headers": headers or {},
        "generation": {
            "mode": "all",
            "max-examples": examples,
            "deterministic": True,
            "database": "none",
        },
        "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
    }
    schema = schemathesis.openapi.from_url(
        f"{address}/openapi.json", config=SchemathesisConfig.from_dict(config)
    )
    return list(from_schema(schema).execute())


def faults(events: Sequence[EngineEvent]) -> list[str]:
    """What went wrong, with the requests to see it again."""
    return [text for event in events for text in _faults(event)]


def _faults(event: EngineEvent) -> Iterator[str]:
    if isinstance(event, NonFatalError):
        yield f"{event.label}: {event.value!r}"
    if isinstance(event, FatalError):
        yield repr(event.exception)
    if isinstance(event, ScenarioFinished):
        for case_id, checks in event.recorder.checks.items():
            for check in checks:
                found = check.failure_info
                if found is None or is_mistaken(check.name, event, case_id):
                    continue
                yield (
                    f"{event.phase}, {event.recorder.label}: "
                    f"{found.failure.title}: {found.failure.message}\n"
                    f"{found.code_sample[:1000]}"
                )


def is_mistaken(check: str, event: ScenarioFinished, case_id: str) -> bool:
    """Whether a form that is said to be against the description is as it says.

    To break a field that may be a number or empty, Schemathesis makes it no number, and
    leaves it empty; of an empty list, a form holds nothing.
    """
    body = event.recorder.cases[case_id].value.body
    if check != "negative_data_rejection" or not isinstance(body, dict):
        return False
    body = {name: value for name, value in body.items() if value not in ([], {})}
    components = describe(ServeConfig())["components"]
    schema = ref("PredictRequest") | {"components": components}
    if isinstance(files := body.get("file"), list):
        body = body | {"file": ["a picture"] * len(files)}
    return Draft202012Validator(schema).is_valid(body)


def statuses(events: Sequence[EngineEvent]) -> set[int]:
    """The statuses that were answered."""
    return {
        interaction.response.status_code
        for event in events
        if isinstance(event, ScenarioFinished)
        for interaction in event.recorder.interactions.values()
        if interaction.response is not None
    }


def test_every_answer_is_as_described(serving: Serving) -> None:
    with serving() as (address, _):
        events = tried(address, examples=200)
    found = faults(events)
    assert found == [], "\n\n".join(found)
    # It got past the first refusals, too; which others it meets is a matter of chance.
    assert {200, 400, 405} <= statuses(events)


def test_every_answer_of_a_server_with_keys_is_as_described(serving: Serving) -> None:
    with serving(api_key_hashes=(hash_of(KEY),)) as (address, _):
        headers = {"Authorization": f"Bearer {KEY}"}
        events = tried(address, examples=20, headers=headers)
    found = faults(events)
    assert found == [], "\n\n".join(found)
    assert {200, 400, 401} <= statuses(events)


def test_answer_that_is_not_as_described_is_found(serving: Serving) -> None:
    with serving() as (address, app):
        reference: Reference = app.extensions["deepfake_detector.reference"]
        analysis = reference.shapes["Alive"]
        analysis["required"].append("more")
        events = tried(address, examples=5)
    assert any("GET /livez: Response violates" in text for text in faults(events))
