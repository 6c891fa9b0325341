"""The JSON of the API."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from deepfake_detector.face_crops import FaceBox

Start = Callable[..., Any]

PREDICT = "/api/v1/predict"
FACE = FaceBox(20, 10, 70, 64)


def test_prediction_is_the_analysis(start: Start, drawing_png: bytes) -> None:
    answer = start([0.0], [FACE]).send(("file", "a.png", drawing_png), path=PREDICT)
    assert answer.status_code == 200
    assert answer.json == {
        "verdict": "fake",
        "p_fake": 0.5,
        "threshold": 0.5,
        "whole_picture": False,
        "width": 120,
        "height": 90,
        "faces_found": 1,
        "faces": [
            {
                "verdict": "fake",
                "p_fake": 0.5,
                "box": {"left": 20, "top": 10, "width": 70, "height": 64},
            }
        ],
        "model": "test model",
    }


def test_fields_keep_their_order(start: Start, drawing_png: bytes) -> None:
    answer = start([0.0], [FACE]).send(("file", "a.png", drawing_png), path=PREDICT)
    assert list(json.loads(answer.text))[:2] == ["verdict", "p_fake"]


def test_picture_without_a_face_has_no_score(start: Start, drawing_png: bytes) -> None:
    answer = start(boxes=[]).send(("file", "a.png", drawing_png), path=PREDICT)
    assert (answer.json["verdict"], answer.json["p_fake"]) == ("no_face", None)


@pytest.mark.parametrize(
    ("word", "scored"), [("1", True), ("on", True), ("0", False), ("", False)]
)
def test_whole_picture_is_scored_where_asked_for(
    start: Start, drawing_png: bytes, word: str, scored: bool
) -> None:
    answer = start(boxes=[]).send(
        ("file", "a.png", drawing_png), path=PREDICT, whole_picture=word
    )
    assert answer.json["whole_picture"] is scored


def test_other_words_for_whole_picture_are_refused(
    start: Start, drawing_png: bytes
) -> None:
    answer = start(boxes=[]).send(
        ("file", "a.png", drawing_png), path=PREDICT, whole_picture="maybe"
    )
    assert answer.status_code == 400
    assert answer.json["detail"].startswith("whole_picture: expected 1 or 0")


def test_one_pixel_is_a_picture_without_a_face(
    start: Start, as_png: Callable[..., bytes]
) -> None:
    dot = as_png(Image.new("RGB", (1, 1)))
    answer = start().send(("file", "dot.png", dot), path=PREDICT)
    assert (answer.status_code, answer.json["verdict"]) == (200, "no_face")


def test_error_is_a_problem_detail(start: Start) -> None:
    answer = start().send(("file", "a.jpg", b"no picture"), path=PREDICT)
    assert answer.content_type == "application/problem+json"
    assert answer.status_code == answer.json["status"] == 415
    assert set(answer.json) == {"type", "title", "status", "detail"}
