"""One line in the log for every request, without a word of the visitor's."""

import logging
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, Response, request

from deepfake_detector.config import ServeConfig
from deepfake_detector.web import request_labels
from deepfake_detector.web.request_ids import current_id

logger = logging.getLogger(__name__)

#: Statuses whose answers have no body.
_WITHOUT_BODY: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


def register(app: Flask, config: ServeConfig) -> None:
    """Write a line when a request is answered.

    Parameters
    ----------
    app : Flask
        The application.
    config : ServeConfig
        Says whether visitors' addresses are written too.
    """

    def write(response: Response) -> Response:
        _write(response, config.log_addresses)
        return response

    app.after_request(write)


def _write(response: Response, with_address: bool) -> None:
    fields: dict[str, Any] = {
        "request_id": current_id(),
        "method": request_labels.method(),
        "route": request_labels.route(),
        "status": response.status_code,
        "duration_ms": round(1000 * request_labels.seconds(), 1),
        "request_bytes": request.content_length,
        "response_bytes": _length(response),
    }
    if with_address:
        fields["address"] = request.remote_addr
    logger.log(
        logging.DEBUG if request_labels.is_probe() else logging.INFO,
        "%(method)s %(route)s answered %(status)d in %(duration_ms).1f ms",
        fields,
        extra=fields,
    )


def _length(response: Response) -> int | None:
    """Bytes of the body that is sent; None where that is not known beforehand."""
    if request.method == "HEAD" or response.status_code in _WITHOUT_BODY:
        return 0
    if response.content_length is not None:
        return response.content_length
    return response.calculate_content_length()
