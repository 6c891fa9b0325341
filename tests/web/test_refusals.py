"""Why something was refused, in a word of a closed set."""

import inspect

import pytest
from werkzeug import exceptions as http
from werkzeug.exceptions import default_exceptions

from deepfake_detector import exceptions as own
from deepfake_detector.web.refusals import REASONS, reason_of


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (own.UploadError("x"), "form"),
        (own.UploadTooLargeError("x"), "too_large"),
        (own.UnsupportedImageError("x"), "unsupported"),
        (own.CorruptImageError("x"), "corrupt"),
        (own.ImageTooLargeError("x"), "too_many_pixels"),
        (own.StorageError("x"), "storage"),
        (own.ArtifactError("x"), "model"),
        (own.KeyRequiredError("x"), "key"),
        (own.TooManyRequestsError("x", 1), "rate_limit"),
        (own.BusyError("x", 1), "busy"),
        (own.TookTooLongError("x", 1), "timeout"),
        (http.RequestTimeout(), "timeout"),
        (http.BadRequest(), "form"),
        (http.RequestEntityTooLarge(), "too_large"),
        (http.TooManyRequests(), "rate_limit"),
        (http.ServiceUnavailable(), "busy"),
        (http.ImATeapot(), "form"),
        (http.NotImplemented(), "fault"),
        (ZeroDivisionError(), "fault"),
        (http.NotFound(), None),
        (http.MethodNotAllowed(), None),
    ],
)
def test_reason(error: Exception, reason: str | None) -> None:
    assert reason_of(error) == reason


def test_every_error_there_is_has_a_reason_of_the_set() -> None:
    errors = [kind() for kind in default_exceptions.values()]
    for kind in vars(own).values():
        if inspect.isclass(kind) and issubclass(kind, own.DeepfakeDetectorError):
            later = issubclass(kind, own.RefusedForNowError)
            errors.append(kind("x", 1) if later else kind("x"))
    assert {reason_of(error) for error in errors} <= {*REASONS, None}
