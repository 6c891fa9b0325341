"""What views raise, turned into a page for people or into JSON for programs.

JSON errors are problem details as RFC 9457 describes them.
"""

import json
import logging
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from deepfake_detector.exceptions import DeepfakeDetectorError, RefusedForNowError
from deepfake_detector.web import request_labels, uploads
from deepfake_detector.web.prometheus import current_metrics
from deepfake_detector.web.request_ids import current_id
from deepfake_detector.web.service import current_service
from deepfake_detector.wording import words

logger = logging.getLogger(__name__)

#: What a refused client may go on sending, as a multiple of the request's limit.
DRAIN_FACTOR: Final = 2

#: When to come back where the server cannot work and does not know when, in seconds.
RETRY_AFTER_S: Final = 60

#: Title of the page for each status.
_TITLES: Final = {
    HTTPStatus.BAD_REQUEST: words("That did not work"),
    HTTPStatus.UNAUTHORIZED: words("A key is needed"),
    HTTPStatus.NOT_FOUND: words("There is no such page"),
    HTTPStatus.METHOD_NOT_ALLOWED: words("This address works differently"),
    HTTPStatus.REQUEST_TIMEOUT: words("The upload took too long"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: words("The file is too large"),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: words("This kind of file cannot be checked"),
    HTTPStatus.UNPROCESSABLE_ENTITY: words("The picture cannot be checked"),
    HTTPStatus.TOO_MANY_REQUESTS: words("Too many pictures at once"),
    HTTPStatus.INTERNAL_SERVER_ERROR: words("Something went wrong on our side"),
    HTTPStatus.SERVICE_UNAVAILABLE: words("Not just now"),
}

#: What to do about errors that Flask raises by itself.
_DETAILS: Final = {
    HTTPStatus.BAD_REQUEST: words(
        "The request could not be understood. Use the form on the start page, or send "
        "multipart/form-data to /api/v1/predict."
    ),
    HTTPStatus.NOT_FOUND: words(
        "The form is on the start page, /. Programs send pictures to /api/v1/predict."
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: words(
        "Pictures are sent by POST, to / from the form or to /api/v1/predict from a "
        "program."
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: words(
        "A fault in this program stopped it; nothing of your upload was kept. Try "
        "again, or try another picture."
    ),
}

#: Statuses that a corrected upload mends: their page shows the form again.
_MENDED_BY_FORM: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)

_NO_PAGE: Final = words(
    "There is no such address here, and no page. Programs send pictures to "
    "/api/v1/predict; /api tells how."
)

_NOT_FOR_PEOPLE: Final = ("/api/", "/openapi.json", "/livez", "/readyz")


def register(app: Flask) -> None:
    """Let the application answer every error in its own words.

    Parameters
    ----------
    app : Flask
        The application.
    """
    app.register_error_handler(DeepfakeDetectorError, _answer_own_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_unexpected)
    app.after_request(_hear_out)


def problem(status: HTTPStatus, detail: str) -> dict[str, Any]:
    """Describe an error to a program.

    Parameters
    ----------
    status : HTTPStatus
        What is answered.
    detail : str
        What was expected, what came, and what to do.

    Returns
    -------
    dict
        A problem detail of RFC 9457, JSON-ready, with the request's id.
    """
    return {
        "type": "about:blank",
        "title": _TITLES.get(status, status.phrase),
        "status": int(status),
        "detail": detail,
        "request_id": current_id(),
    }


def _answer_own_error(error: DeepfakeDetectorError) -> Response:
    current_metrics().count_refusal(error)
    status = error.http_status
    ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    alarming = ours and not isinstance(error, RefusedForNowError)
    _log(status, str(error), logging.ERROR if alarming else logging.WARNING)
    response = _answer(status, error.words)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    response.headers.update(error.http_headers)
    return response


def _answer_http_error(error: HTTPException) -> Response:
    current_metrics().count_refusal(error)
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        config = current_service().config
        detail: str = uploads.request_too_large_text(
            config.max_upload_bytes, config.max_request_bytes
        )
    elif status is HTTPStatus.NOT_FOUND and not current_service().config.page:
        detail = _NO_PAGE
    else:
        detail = _DETAILS.get(status, error.description or status.description)
    _log(status, detail, logging.WARNING)
    response = _answer(status, detail)
    # A 405 says which methods are allowed, and so on.
    for name, value in error.get_headers():
        response.headers.setdefault(name, value)
    return response


def _answer_unexpected(error: Exception) -> Response:
    current_metrics().count_refusal(error)
    logger.error("%s failed", _route(), exc_info=error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _answer(status, _DETAILS[status])


def _log(status: HTTPStatus, detail: str, level: int) -> None:
    """One line; the route instead of the address, which holds the client's words."""
    logger.log(level, "%s answered %d: %s", _route(), status, detail)


def _route() -> str:
    return f"{request_labels.method()} {request_labels.route()}"


def _answer(status: HTTPStatus, detail: str) -> Response:
    title = _TITLES.get(status, status.phrase)
    if request.path.startswith(_NOT_FOR_PEOPLE) or not current_service().config.page:
        body = json.dumps(problem(status, detail))
        return Response(body, status, content_type="application/problem+json")
    page = render_template(
        "error.html",
        status=int(status),
        title=title,
        detail=detail,
        shows_form=status in _MENDED_BY_FORM,
    )
    return make_response(page, status)


def _hear_out(response: Response) -> Response:
    """Take in the rest of a refused request, so that the client hears the answer."""
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        limit = DRAIN_FACTOR * current_service().config.max_request_bytes
        uploads.drain_body(request, limit)
    return response
