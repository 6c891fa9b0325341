"""Why a request or a picture was refused, in one word of a closed set."""

from http import HTTPStatus
from typing import Final

from werkzeug.exceptions import HTTPException

from deepfake_detector.exceptions import (
    ArtifactError,
    CorruptImageError,
    DeepfakeDetectorError,
    ImageTooLargeError,
    StorageError,
    TookTooLongError,
    UnsupportedImageError,
    UploadTooLargeError,
)

#: A fault of the program, and nothing of the request.
FAULT: Final = "fault"

#: The first row that fits an error says the reason.
_BY_CLASS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (UploadTooLargeError, "too_large"),
    (UnsupportedImageError, "unsupported"),
    (CorruptImageError, "corrupt"),
    (ImageTooLargeError, "too_many_pixels"),
    (StorageError, "storage"),
    (ArtifactError, "model"),
    (TookTooLongError, "timeout"),
)

_BY_STATUS: Final = {
    HTTPStatus.BAD_REQUEST: "form",
    HTTPStatus.UNAUTHORIZED: "key",
    HTTPStatus.FORBIDDEN: "key",
    HTTPStatus.REQUEST_TIMEOUT: "timeout",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "corrupt",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit",
    HTTPStatus.SERVICE_UNAVAILABLE: "busy",
    HTTPStatus.GATEWAY_TIMEOUT: "timeout",
}

#: Answers that refuse no picture: a wrong address, or a wrong method for it.
_NOT_COUNTED: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)

#: Every reason there is.
REASONS: Final = tuple(
    sorted({reason for _, reason in _BY_CLASS} | {*_BY_STATUS.values(), FAULT})
)


def reason_of(error: Exception) -> str | None:
    """Say why something was refused.

    Parameters
    ----------
    error : Exception
        What was raised.

    Returns
    -------
    str or None
        One of `REASONS`; None where nothing was refused but an address not found.
    """
    for kind, reason in _BY_CLASS:
        if isinstance(error, kind):
            return reason
    status = _status(error)
    if status in _NOT_COUNTED or status < HTTPStatus.BAD_REQUEST:
        return None
    fallback = FAULT if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "form"
    return _BY_STATUS.get(status, fallback)


def _status(error: Exception) -> HTTPStatus:
    if isinstance(error, DeepfakeDetectorError):
        return error.http_status
    if isinstance(error, HTTPException):
        return HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    return HTTPStatus.INTERNAL_SERVER_ERROR
