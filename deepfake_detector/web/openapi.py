"""The API described to programs: OpenAPI 3.1, made from the code that it describes."""

from http import HTTPMethod
from typing import Any, Final

from deepfake_detector.config import ServeConfig
from deepfake_detector.web.openapi_schemas import REQUEST_ID_PATTERN, ref, schemas

Fields = dict[str, Any]

#: Version of the API, as in its addresses; answers may get more fields within one.
API_VERSION: Final = "1"

JSON_TYPE: Final = "application/json"
PROBLEM_TYPE: Final = "application/problem+json"
FORM_TYPE: Final = "multipart/form-data"

#: Name of the security scheme, where keys are configured.
KEY_SCHEME: Final = "key"

#: Why each status is answered, and what to do.
REFUSALS: Final = {
    "400": "The form is not as it must be: no picture, too many, or an option that is "
    "misspelt or has a value it cannot have. `detail` says which.",
    "401": "The key is missing or unknown. Send `Authorization: Bearer KEY`.",
    "408": "The request took longer than the server waits. Send it again, smaller or "
    "over a faster line.",
    "413": "A file, or the whole request, has more bytes than the limit.",
    "415": "The content is not a picture in one of the formats.",
    "422": "The picture is damaged, was cut short, or has more pixels than the limit.",
    "429": "Too many requests from this address. Wait as Retry-After says.",
    "500": "A fault in the server. Nothing of the upload was kept.",
    "503": "The server is busy, or cannot judge just now. Wait as Retry-After says.",
}

#: What else the header of a refusal says, by status.
_REFUSAL_HEADERS: Final = {
    "401": ("WWW-Authenticate",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
}


def describe(config: ServeConfig) -> Fields:
    """Describe the API.

    Parameters
    ----------
    config : ServeConfig
        The server's limits, and whether the API needs a key.

    Returns
    -------
    dict
        An OpenAPI 3.1 document, JSON-ready.
    """
    return {
        "openapi": "3.1.0",
        "info": _info(),
        "servers": [{"url": "/", "description": "Where this document comes from."}],
        "tags": [
            {"name": "pictures", "description": "Judging, and by what."},
            {"name": "service", "description": "The server itself; no key needed."},
        ],
        "paths": _paths(config),
        "components": _components(config),
    }


def _info() -> Fields:
    return {
        "title": "Deepfake Detector",
        "version": API_VERSION,
        "description": "Finds the faces of a picture and says of each, with a "
        "calibrated probability, whether it is likely fake, likely real or "
        "inconclusive. Pictures are deleted as soon as they are judged. Answers may "
        "get new fields; those that are there stay.",
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }


def _paths(config: ServeConfig) -> Fields:
    keyed: Fields = {"security": [{KEY_SCHEME: []}]} if config.api_key_hashes else {}
    return {
        "/api/v1/predict": {HTTPMethod.POST.lower(): _predict(config) | keyed},
        "/api/v1/model": {HTTPMethod.GET.lower(): _model(config) | keyed},
        "/livez": {HTTPMethod.GET.lower(): _livez()},
        "/readyz": {HTTPMethod.GET.lower(): _readyz()},
        "/openapi.json": {HTTPMethod.GET.lower(): _document()},
    }


def _predict(config: ServeConfig) -> Fields:
    refused = [*REFUSALS] if config.api_key_hashes else _without("401")
    return {
        "operationId": "predict",
        "tags": ["pictures"],
        "summary": "Judge pictures",
        "description": "Send one picture, or several in one request. One picture is "
        "answered with its analysis, or with the problem that it has; several with "
        "`results`, one for each.",
        "requestBody": {
            "required": True,
            "content": {FORM_TYPE: {"schema": ref("PredictRequest")}},
        },
        "responses": {
            "200": _answer(
                "What was found.", {"oneOf": [ref("Analysis"), ref("Results")]}
            ),
            **_refusals(*refused),
        },
    }


def _model(config: ServeConfig) -> Fields:
    refused = ("401", "500") if config.api_key_hashes else ("500",)
    return {
        "operationId": "model",
        "tags": ["pictures"],
        "summary": "The model and the limits",
        "description": "What the model is, what was measured of it, and what a request "
        "may hold. Send the ETag back in If-None-Match to get it only when it changed.",
        "responses": {
            "200": _answer("The model.", ref("Model"), etag=True),
            "304": _unchanged(),
            **_refusals(*refused),
        },
    }


def _livez() -> Fields:
    return {
        "operationId": "livez",
        "tags": ["service"],
        "summary": "Does it live",
        "responses": {
            "200": _answer("The process answers.", ref("Alive")),
            **_refusals("500"),
        },
    }


def _readyz() -> Fields:
    return {
        "operationId": "readyz",
        "tags": ["service"],
        "summary": "Can it judge",
        "responses": {
            "200": _answer("A picture could be judged now.", ref("Ready")),
            "503": _answer("No picture could be judged now.", ref("NotReady")),
            **_refusals("500"),
        },
    }


def _document() -> Fields:
    return {
        "operationId": "openapi",
        "tags": ["service"],
        "summary": "This description",
        "responses": {
            "200": _answer(
                "An OpenAPI 3.1 document.",
                {"type": "object", "required": ["openapi", "info", "paths"]},
                etag=True,
            ),
            "304": _unchanged(),
            **_refusals("500"),
        },
    }


def _without(status: str) -> list[str]:
    return [code for code in REFUSALS if code != status]


def _answer(description: str, schema: Fields, etag: bool = False) -> Fields:
    headers = _headers("X-Request-ID", *(("ETag",) if etag else ()))
    content = {JSON_TYPE: {"schema": schema}}
    return {"description": description, "headers": headers, "content": content}


def _unchanged() -> Fields:
    return {
        "description": "It is what the ETag in If-None-Match stands for.",
        "headers": _headers("X-Request-ID", "ETag"),
    }


def _refusals(*statuses: str) -> Fields:
    return {s: {"$ref": f"#/components/responses/{s}"} for s in statuses}


def _headers(*names: str) -> Fields:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _components(config: ServeConfig) -> Fields:
    components: Fields = {
        "schemas": schemas(config),
        "responses": {
            status: _refusal(status, text) for status, text in REFUSALS.items()
        },
        "headers": _header_components(),
    }
    if config.api_key_hashes:
        components["securitySchemes"] = {
            KEY_SCHEME: {
                "type": "http",
                "scheme": "bearer",
                "description": "A key from whoever runs this server.",
            }
        }
    return components


def _refusal(status: str, text: str) -> Fields:
    return {
        "description": text,
        "headers": _headers("X-Request-ID", *_REFUSAL_HEADERS.get(status, ())),
        "content": {PROBLEM_TYPE: {"schema": ref("Problem")}},
    }


def _header_components() -> Fields:
    return {
        "X-Request-ID": {
            "description": "Names this request in the server's log. One that a request "
            "brings along is kept where it looks like this.",
            "required": True,
            "schema": {"type": "string", "pattern": REQUEST_ID_PATTERN},
        },
        "Retry-After": {
            "description": "When to try again, in seconds.",
            "schema": {"type": "integer", "minimum": 0},
        },
        "WWW-Authenticate": {
            "description": "How to show that one may: with a bearer key.",
            "required": True,
            "schema": {"type": "string"},
        },
        "ETag": {
            "description": "Changes whenever the answer does.",
            "required": True,
            "schema": {"type": "string"},
        },
    }
