"""Static files whose address changes with their content, so that browsers keep them."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, current_app, request
from werkzeug.security import safe_join

#: How long a browser may keep a file whose address holds its version, in seconds.
MAX_AGE_S: Final = 31_536_000

#: Hex digits of a version.
VERSION_LENGTH: Final = 12

_PARAMETER: Final = "v"


def register(app: Flask) -> None:
    """Let `url_for("static", ...)` name the version, and such answers be kept.

    Parameters
    ----------
    app : Flask
        The application.
    """
    app.url_defaults(_add_version)
    app.after_request(_let_keep)


def _add_version(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint == "static" and "filename" in values:
        version = _version(values["filename"])
        if version is not None:
            values.setdefault(_PARAMETER, version)


def _let_keep(response: Response) -> Response:
    if request.endpoint != "static":
        return response
    asked = request.args.get(_PARAMETER)
    name = (request.view_args or {}).get("filename", "")
    if asked is not None and asked == _version(name):
        response.headers["Cache-Control"] = f"public, max-age={MAX_AGE_S}, immutable"
    else:
        response.headers["Cache-Control"] = "no-cache"
    return response


def _version(name: str) -> str | None:
    """The first digits of a file's hash, or None where there is no such file."""
    place = safe_join(current_app.static_folder or "", name)
    if place is None or not Path(place).is_file():
        return None
    return _hash(place, Path(place).stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _hash(place: str, _changed_ns: int) -> str:
    return hashlib.sha256(Path(place).read_bytes()).hexdigest()[:VERSION_LENGTH]
