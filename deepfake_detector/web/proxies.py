"""Whose word on a visitor's address is believed: our proxies', or nobody's."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix


def register(app: Flask, trusted: int) -> None:
    """Believe `X-Forwarded-For` and `X-Forwarded-Proto` of so many proxies.

    Parameters
    ----------
    app : Flask
        The application.
    trusted : int
        Proxies between the visitors and the server; 0 where there are none, and whoever
        sends these headers then is not believed.
    """
    if trusted:
        # The host is nobody's to say: no address is ever made from it.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=trusted, x_proto=trusted, x_host=0, x_port=0, x_prefix=0
        )
