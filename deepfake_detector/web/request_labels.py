"""What the log and the counters call a request: words of ours, never the visitor's.

A path, and even a method, is whatever the visitor sent. Both are answered here from a
closed set, so that nobody can write into the log or grow the counters.
"""

import time
from typing import Final

from flask import g, request

#: Methods that are called by their name.
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

#: Any other method.
OTHER_METHOD: Final = "OTHER"

#: Any address that the program does not have, also by the method asked for.
NO_ROUTE: Final = "unknown"

#: Routes that machines ask every few seconds.
PROBED_ROUTES: Final = ("/livez", "/readyz", "/metrics")


def method() -> str:
    """Return the current request's method.

    Returns
    -------
    str
        One of `METHODS`, or `OTHER_METHOD`.
    """
    return request.method if request.method in METHODS else OTHER_METHOD


def route() -> str:
    """Return the pattern of the current request's address.

    Returns
    -------
    str
        Such as ``/static/<path:filename>``, or `NO_ROUTE`.
    """
    return request.url_rule.rule if request.url_rule else NO_ROUTE


def is_probe() -> bool:
    """Say whether the current request is one of a machine that watches.

    Returns
    -------
    bool
        True for the health checks and the metrics.
    """
    return route() in PROBED_ROUTES


def seconds() -> float:
    """Return how long the current request has been in hand.

    Returns
    -------
    float
        Wall-clock seconds since its first line and headers were read.
    """
    began: float = g.get("request_began", time.perf_counter())
    return time.perf_counter() - began
