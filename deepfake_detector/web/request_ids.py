"""Every request has an id, by which its visitor and its operator can name it."""

import re
import time
import uuid
from typing import Final, cast

from flask import Flask, Response, g, request

#: Header that brings an id, and that every answer carries.
HEADER: Final = "X-Request-ID"

_KEPT_PATTERN: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


def register(app: Flask) -> None:
    """Give every request an id; call it before anything else looks at requests.

    Parameters
    ----------
    app : Flask
        The application.
    """
    app.before_request(_begin)
    app.after_request(_add_header)


def current_id() -> str:
    """Return the id of the current request.

    Returns
    -------
    str
        1 to 64 letters, digits and hyphens: the one that came with the request, or one
        of ours where none came or what came is something else.
    """
    if "request_id" not in g:
        came = request.headers.get(HEADER, "")
        kept = _KEPT_PATTERN.fullmatch(came) is not None
        g.request_id = came if kept else uuid.uuid4().hex
    return cast(str, g.request_id)


def _begin() -> None:
    g.request_began = time.perf_counter()
    current_id()


def _add_header(response: Response) -> Response:
    response.headers[HEADER] = current_id()
    return response
