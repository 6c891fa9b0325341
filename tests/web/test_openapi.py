"""The description of the API is valid, complete, and true of every real answer."""

from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from deepfake_detector.config import ServeConfig
from deepfake_detector.detector import MAX_FACES
from deepfake_detector.exceptions import ArtifactError
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.heatmap import METHODS
from deepfake_detector.images import FORMATS
from deepfake_detector.verdict import Verdict
from deepfake_detector.web.openapi import REFUSALS, describe

Start = Callable[..., Any]

PREDICT = "/api/v1/predict"
FACE = FaceBox(20, 10, 70, 64)
SMALL = FaceBox(0, 0, 20, 20)
KEY_HASH = "0" * 64


def document(server: Any) -> dict[str, Any]:
    """What the server says of itself."""
    answer = server.client.get("/openapi.json")
    assert answer.status_code == 200
    described: dict[str, Any] = answer.json
    return described


def faults(described: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    """What of a value is not as a schema of the document says."""
    whole = schema | {"components": described["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


def faults_of_answer(server: Any, path: str, method: str, answer: Any) -> list[str]:
    """What of an answer is not as the document says."""
    described = document(server)
    responses = described["paths"][path][method]["responses"]
    assert str(answer.status_code) in responses
    response = responses[str(answer.status_code)]
    if "$ref" in response:
        response = described["components"]["responses"][str(answer.status_code)]
    for name, header in response["headers"].items():
        header = described["components"]["headers"][header["$ref"].split("/")[-1]]
        assert name in answer.headers or not header.get("required")
    if "content" not in response:
        return [] if not answer.data else ["a body where there should be none"]
    ((content_type, content),) = response["content"].items()
    assert answer.content_type == content_type
    return faults(described, content["schema"], answer.json)


@pytest.mark.parametrize("keys", [(), (KEY_HASH,)], ids=["open", "with keys"])
def test_document_is_valid(keys: tuple[str, ...]) -> None:
    described = describe(ServeConfig(api_key_hashes=keys))
    validate(described)
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_document_is_public_and_may_be_kept_shortly(start: Start) -> None:
    client = start().client
    answer = client.get("/openapi.json")
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    known = {"If-None-Match": answer.headers["ETag"]}
    again = client.get("/openapi.json", headers=known)
    assert (again.status_code, again.data) == (304, b"")
    assert answer.json["servers"][0]["url"] == "/"


def test_every_route_of_the_api_is_described_and_no_other(start: Start) -> None:
    server = start()
    routes = {
        (rule.rule, method.lower())
        for rule in server.client.application.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
        or rule.rule in ("/livez", "/readyz", "/openapi.json")
    }
    described = {
        (path, method)
        for path, methods in document(server)["paths"].items()
        for method in methods
    }
    assert described == routes


@pytest.mark.parametrize("keys", [(), (KEY_HASH,)], ids=["open", "with keys"])
def test_key_is_asked_for_only_where_one_is_configured(keys: tuple[str, ...]) -> None:
    described = describe(ServeConfig(api_key_hashes=keys))
    operations = {
        path: next(iter(methods.values()))
        for path, methods in described["paths"].items()
    }
    keyed = {path for path, operation in operations.items() if "security" in operation}
    refusing = {path for path, o in operations.items() if "401" in o["responses"]}
    expected = {PREDICT, "/api/v1/model"} if keys else set()
    assert keyed == refusing == expected
    assert ("securitySchemes" in described["components"]) is bool(keys)


def test_limits_and_choices_are_the_codes() -> None:
    config = ServeConfig(max_files=7, max_upload_bytes=1_234_567)
    shapes = describe(config)["components"]["schemas"]
    form = shapes["PredictRequest"]["properties"]
    assert (
        form["file"]["maxItems"]
        == shapes["Results"]["properties"]["results"]["maxItems"]
    )
    assert form["file"]["maxItems"] == 7
    assert "1,234,567 bytes each" in form["file"]["description"]
    assert form["faces"]["oneOf"][0]["maximum"] == MAX_FACES
    assert set(METHODS) <= set(form["explain"]["enum"])
    assert shapes["Verdict"]["enum"] == list(Verdict)
    formats = shapes["Limits"]["properties"]["formats"]["items"]["enum"]
    assert formats == list(FORMATS)


ANSWERS: dict[str, tuple[dict[str, Any], str]] = {
    "likely fake": ({"logits": [4.0], "boxes": [FACE]}, "likely_fake"),
    "inconclusive": ({"logits": [0.0], "boxes": [FACE]}, "inconclusive"),
    "likely real": ({"logits": [-4.0], "boxes": [FACE]}, "likely_real"),
    "overturned": (
        {"logits": [4.0, -4.0, 4.0, 4.0], "boxes": [FACE]},
        "inconclusive",
    ),
    "too small": ({"boxes": [SMALL]}, "too_small"),
    "no face": ({"boxes": []}, "no_face"),
    "two faces, one too small": (
        {"logits": [4.0], "boxes": [FACE, SMALL]},
        "likely_fake",
    ),
    "thirty faces": ({"logits": [-4.0], "boxes": [FACE] * 30}, "inconclusive"),
    "whole pictures": ({"logits": [4.0], "rule": "whole"}, "likely_fake"),
}


@pytest.mark.parametrize("explain", ["0", *METHODS])
@pytest.mark.parametrize("name", ANSWERS)
def test_answer_is_as_described(
    start: Start, drawing_png: bytes, name: str, explain: str
) -> None:
    settings, verdict = ANSWERS[name]
    server = start(**settings)
    answer = server.send(("file", "a.png", drawing_png), path=PREDICT, explain=explain)
    assert answer.json["verdict"] == verdict
    assert faults_of_answer(server, PREDICT, "post", answer) == []


def test_answer_with_every_option_is_as_described(
    start: Start, drawing_png: bytes
) -> None:
    server = start([0.0], boxes=[])
    answer = server.send(
        ("file", "a.png", drawing_png),
        path=PREDICT,
        threshold="0.3",
        explain="cam",
        faces="2",
        whole_picture="1",
    )
    assert answer.json["whole_picture"] is True
    assert faults_of_answer(server, PREDICT, "post", answer) == []


def test_server_that_does_not_check_stability_is_as_described(
    start: Start, drawing_png: bytes
) -> None:
    server = start([4.0], [FACE])
    server.detector.check_stability = False
    answer = server.send(("file", "a.png", drawing_png), path=PREDICT)
    assert answer.json["faces"][0]["stability"] is None
    assert faults_of_answer(server, PREDICT, "post", answer) == []


@pytest.mark.parametrize("explain", ["0", *METHODS])
def test_answer_to_several_pictures_is_as_described(
    start: Start, drawing_png: bytes, explain: str
) -> None:
    server = start([4.0], [FACE])
    parts = [("file", "a.png", drawing_png), ("file", "b.gif", b"GIF89a")]
    answer = server.send(*parts, path=PREDICT, explain=explain)
    first, second = answer.json["results"]
    assert (first["verdict"], second["problem"]["status"]) == ("likely_fake", 415)
    assert faults_of_answer(server, PREDICT, "post", answer) == []


def test_what_is_not_described_is_a_fault(start: Start, drawing_png: bytes) -> None:
    server = start([4.0], [FACE])
    answer = server.send(("file", "a.png", drawing_png), path=PREDICT).json
    described = document(server)
    schema = {"$ref": "#/components/schemas/Analysis"}
    assert faults(described, schema, answer) == []
    for wrong in (
        answer | {"more": 1},
        {name: value for name, value in answer.items() if name != "model"},
        answer | {"p_fake": 1.5},
        answer | {"verdict": "fake"},
    ):
        assert len(faults(described, schema, wrong)) == 1


REFUSED: dict[str, tuple[list[tuple[str, str | None, bytes]], dict[str, str], int]] = {
    "no picture": ([], {}, 400),
    "misspelt option": ([("file", "a", b"x")], {"treshold": "1"}, 400),
    "bad option": ([("file", "a", b"x")], {"threshold": "high"}, 400),
    "large": ([("file", "a", bytes(3000))], {}, 413),
    "no picture's bytes": ([("file", "a", b"hello")], {}, 415),
    "empty": ([("file", "a", b"")], {}, 422),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusal_is_as_described(start: Start, name: str) -> None:
    parts, fields, status = REFUSED[name]
    server = start(max_upload_bytes=2000)
    answer = server.send(*parts, path=PREDICT, **fields)
    assert answer.status_code == status
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    assert faults_of_answer(server, PREDICT, "post", answer) == []


def test_request_without_a_key_is_refused_as_described(
    start: Start, drawing_png: bytes
) -> None:
    server = start(api_key_hashes=(KEY_HASH,))
    answer = server.send(("file", "a.png", drawing_png), path=PREDICT)
    assert answer.status_code == 401
    assert faults_of_answer(server, PREDICT, "post", answer) == []
    model = server.client.get("/api/v1/model")
    assert model.status_code == 401
    assert faults_of_answer(server, "/api/v1/model", "get", model) == []


def test_request_too_many_is_refused_as_described(
    start: Start, drawing_png: bytes
) -> None:
    server = start(rate_limit="1 per hour")
    first, second = (
        server.send(("file", "a.png", drawing_png), path=PREDICT) for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (200, 429)
    assert int(second.headers["Retry-After"]) > 0
    assert faults_of_answer(server, PREDICT, "post", second) == []


def test_faults_of_ours_are_as_described(
    start: Start, drawing_png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start()
    for error, status in ((ZeroDivisionError(), 500), (ArtifactError("broken"), 503)):

        def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        monkeypatch.setattr(server.detector, "analyse", fail)
        answer = server.send(("file", "a.png", drawing_png), path=PREDICT)
        assert answer.status_code == status
        assert faults_of_answer(server, PREDICT, "post", answer) == []


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/openapi.json"])
def test_answers_about_the_service_are_as_described(start: Start, path: str) -> None:
    server = start()
    answer = server.client.get(path)
    assert answer.status_code == 200
    assert faults_of_answer(server, path, "get", answer) == []


def test_server_that_is_not_ready_is_as_described(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> None:
        raise ArtifactError("broken")

    server = start()
    monkeypatch.setattr(server.detector, "score_crops", fail)
    answer = server.client.get("/readyz")
    assert answer.status_code == 503
    assert faults_of_answer(server, "/readyz", "get", answer) == []


def test_every_refusal_says_why() -> None:
    responses = describe(ServeConfig())["components"]["responses"]
    assert set(responses) == set(REFUSALS)
    assert all(response["description"] for response in responses.values())
