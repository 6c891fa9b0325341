"""Pages of other origins that may call the API from a browser; none unless named."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask_cors import CORS

from deepfake_detector.exceptions import ConfigError

#: Paths that other origins may use, as regular expressions.
OPEN_PATHS: Final = (r"/api/v1/.*", r"/openapi\.json")

#: How long a browser may remember that it may, in seconds.
_MAX_AGE_S: Final = 600

_ORIGIN_PATTERN: Final = re.compile(
    r"https?://[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:\d{1,5})?",
    re.ASCII,
)
_LARGEST_PORT: Final = 65_535


def register(app: Flask, origins: Sequence[str]) -> None:
    """Let pages of these origins call the API; without any no such header is sent.

    Parameters
    ----------
    app : Flask
        The application.
    origins : sequence of str
        Each as a browser sends it: ``https://example.org`` or with a port.

    Raises
    ------
    ConfigError
        If one of them is no origin, or stands for all.
    """
    for origin in origins:
        _check(origin)
    if not origins:
        return
    app.after_request(_let_others_read)
    CORS(
        app,
        resources=list(OPEN_PATHS),
        origins=list(origins),
        methods=["GET", "POST"],
        allow_headers=["Authorization", "X-Request-ID"],
        expose_headers=["X-Request-ID", "Retry-After"],
        supports_credentials=False,
        always_send=False,
        max_age=_MAX_AGE_S,
    )


def _let_others_read(response: Response) -> Response:
    if any(re.fullmatch(pattern, request.path) for pattern in OPEN_PATHS):
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        # Flask-CORS says so of several origins only: what was kept for one that may
        # not read must not be shown to one that may.
        response.vary.add("Origin")
    return response


def _check(origin: str) -> None:
    setting = "cors_origins (DEEPFAKE_CORS_ORIGINS)"
    if "*" in origin:
        raise ConfigError(
            f"{setting}: expected the origins by name, got {origin!r}; with a star any "
            "page of the web could let its visitors' browsers work this server"
        )
    if not _ORIGIN_PATTERN.fullmatch(origin) or not _port_fits(origin):
        raise ConfigError(
            f"{setting}: expected origins such as https://example.org or "
            "http://localhost:3000, in small letters and without a path, got "
            f"{origin!r}"
        )


def _port_fits(origin: str) -> bool:
    _, _, port = urlsplit(origin).netloc.partition(":")
    return not port or 0 < int(port) <= _LARGEST_PORT
