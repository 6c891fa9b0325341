"""Headers of every answer: what a browser may load, send and remember."""

from typing import Final

from flask import Flask, Response, request

#: Everything comes from this server: no inline script or style, no other host. `data:`
#: pictures are the visitor's own and the heatmaps over them, `blob:` their preview.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
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

#: Sent where the request came over TLS: come by TLS alone from now on, for a year.
STRICT_TRANSPORT_SECURITY: Final = "max-age=31536000"


def register(app: Flask) -> None:
    """Send the headers with every answer of the application.

    Parameters
    ----------
    app : Flask
        The application.
    """
    app.after_request(_add_headers)


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = STRICT_TRANSPORT_SECURITY
    # An answer may hold the visitor's picture: nobody may keep a copy. What holds none,
    # such as the stylesheet and the description of the API, has said so by itself.
    response.headers.setdefault("Cache-Control", "no-store")
    return response
