"""The report that the page carries: the API's answer, and when and by what."""

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deepfake_detector.face_crops import FaceBox

Start = Callable[..., Any]

FACE = FaceBox(20, 20, 70, 70)


def report_of(page: str) -> dict[str, Any]:
    (link,) = re.findall(
        r'href="data:application/json;base64,([^"]+)" download="deepfake-report.json"',
        page,
    )
    report: dict[str, Any] = json.loads(base64.b64decode(link))
    return report


@pytest.mark.parametrize("explain", ["0", "occlusion"])
@pytest.mark.parametrize("pictures", [1, 2])
def test_report_holds_what_the_api_answers(
    start: Start, drawing_png: bytes, pictures: int, explain: str
) -> None:
    server = start([1.5], [FACE])
    parts = [("file", "a.png", drawing_png)] * pictures
    answer = server.send(*parts, path="/api/v1/predict", explain=explain).json
    report = report_of(server.send(*parts, explain=explain).text)
    assert answer.items() <= report.items()
    assert set(report) - set(answer) == {"created", "request_id", "model_files"}


def test_report_says_when_and_by_which_request(
    start: Start, drawing_png: bytes
) -> None:
    answer = start(boxes=[FACE]).send(("file", "a.png", drawing_png))
    report = report_of(answer.text)
    age = datetime.now(UTC) - datetime.fromisoformat(report["created"])
    assert timedelta(0) <= age < timedelta(minutes=5)
    assert report["request_id"] == answer.headers["X-Request-ID"]
    assert report["request_id"] in answer.text


def test_report_of_several_says_why_one_was_refused(
    start: Start, drawing_png: bytes
) -> None:
    parts = [("file", "a.png", drawing_png), ("file", "b.png", b"no picture")]
    first, second = report_of(start(boxes=[FACE]).send(*parts).text)["results"]
    assert first["p_fake"] == 0.5
    assert second["problem"]["status"] == 415
