"""Headers of every answer: what a browser may load, send and remember."""

from typing import Final

from flask import Flask, Response, request

#: The page has no script and no inline style, so none is allowed. Its `data:` pictures
#: are the visitor's own and the heatmaps over it.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def register(app: Flask) -> None:
    """Send the headers with every answer of the application.

    Parameters
    ----------
    app : Flask
        The application.
    """
    app.after_request(_add_headers)


def _add_headers(response: Response) -> Response:
    response.headers.update(HEADERS)
    if request.endpoint != "static":
        # An answer may hold the visitor's picture: nobody may keep a copy.
        response.headers["Cache-Control"] = "no-store"
    return response
