"""What requests are called: a closed set, whatever is sent."""

from collections.abc import Callable
from typing import Any

import pytest

from deepfake_detector.web import request_labels

Start = Callable[..., Any]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", ("GET", "/")),
        ("POST", "/api/v1/predict", ("POST", "/api/v1/predict")),
        ("GET", "/static/style.css", ("GET", "/static/<path:filename>")),
        ("GET", "/secret?secret=1", ("GET", "unknown")),
        ("GET", "/%0A%00%C3%A4", ("GET", "unknown")),
        ("PUT", "/", ("PUT", "unknown")),
        ("SECRET", "/", ("OTHER", "unknown")),
        ("TRACE", "/", ("OTHER", "unknown")),
        ("get", "/livez", ("GET", "/livez")),
    ],
)
def test_labels_are_ours(
    start: Start, method: str, path: str, expected: tuple[str, str]
) -> None:
    app = start().client.application
    with app.test_request_context(path, method=method):
        assert (request_labels.method(), request_labels.route()) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/livez", True), ("/readyz", True), ("/metrics", True), ("/", False)],
)
def test_probes_are_known(start: Start, path: str, expected: bool) -> None:
    with start().client.application.test_request_context(path):
        assert request_labels.is_probe() is expected


def test_time_begins_with_the_request(start: Start) -> None:
    app = start().client.application
    with app.test_request_context("/"):
        assert request_labels.seconds() < 0.5  # not begun yet: nothing
        app.preprocess_request()
        first, second = request_labels.seconds(), request_labels.seconds()
    assert 0 < first < second
