"""The JSON of the API."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.image_metadata import read_metadata

Start = Callable[..., Any]

PREDICT = "/api/v1/predict"
FACE = FaceBox(20, 10, 70, 64)


def test_prediction_is_the_analysis(start: Start, drawing_png: bytes) -> None:
    server = start([0.0], [FACE], cut_offs=CutOffs(0.25, 0.5))
    answer = server.send(("file", "a.png", drawing_png), path=PREDICT)
    assert answer.status_code == 200
    fields = answer.json
    assert fields.pop("facts") == read_metadata(drawing_png).to_dict()
    assert fields == {
        "verdict": "likely_fake",
        "p_fake": 0.5,
        "cut_offs": {"likely_real": 0.25, "likely_fake": 0.5},
        "whole_picture": False,
        "width": 120,
        "height": 90,
        "faces_found": 1,
        "faces": [
            {
                "verdict": "likely_fake",
                "p_fake": 0.5,
                "box": {"left": 20, "top": 10, "width": 70, "height": 64},
                "stability": {
                    "stable": True,
                    "p_fake": {"plain": 0.5, "jpeg": 0.5, "half": 0.5, "shift": 0.5},
                    "overturned_by": [],
                },
                "reason": None,
            }
        ],
        "words": [
            "How often a real face is called fake here was not measured.",
            "Where fakes are rare, most faces called fake may be real.",
        ],
        "model": "test model",
    }


@pytest.mark.parametrize(
    "text, likely_fake",
    [("0.9", 0.9), ("0", 0.0), ("1", 1.0), (".5", 0.5), ("1e-1", 0.1), (" 0.3 ", 0.3)],
)
def test_threshold_of_the_sender_is_used(
    start: Start, drawing_png: bytes, text: str, likely_fake: float
) -> None:
    answer = start([0.0], [FACE], cut_offs=CutOffs(0.25, 0.5)).send(
        ("file", "a.png", drawing_png), path=PREDICT, threshold=text
    )
    assert answer.json["cut_offs"] == {
        "likely_real": min(0.25, likely_fake),
        "likely_fake": likely_fake,
    }


@pytest.mark.parametrize("text", ["", "  "])
def test_field_left_empty_is_no_threshold(
    start: Start, drawing_png: bytes, text: str
) -> None:
    answer = start([0.0], [FACE], cut_offs=CutOffs(0.25, 0.5)).send(
        ("file", "a.png", drawing_png), path=PREDICT, threshold=text
    )
    assert answer.json["cut_offs"]["likely_fake"] == 0.5


@pytest.mark.parametrize(
    "text",
    ["nan", "inf", "-inf", "-1", "-0.0001", "2", "1.0001", "abc", "0,5", "50 %", "0x1"]
    + ["0_1", "1e400", "1e", ".", "٠.٥", "0.5 0.6", "9" * 5000, "None", "\0"],
)
@pytest.mark.parametrize("path", ["/", PREDICT])
def test_threshold_that_is_no_probability_is_refused(
    start: Start, drawing_png: bytes, text: str, path: str
) -> None:
    server = start([0.0], [FACE])
    answer = server.send(("file", "a.png", drawing_png), path=path, threshold=text)
    assert answer.status_code == 400
    assert "threshold: expected a number from 0 to 1" in answer.text
    assert server.left_over() == []


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
    assert set(answer.json) == {"type", "title", "status", "detail", "request_id"}


@pytest.mark.parametrize(
    ("word", "judged"),
    [("", 2), ("all", 2), ("1", 1), ("2", 2), ("20", 2), (" ALL ", 2)],
)
def test_only_so_many_faces_are_judged(
    start: Start, drawing_png: bytes, word: str, judged: int
) -> None:
    server = start([0.0, 3.0], [FACE, FaceBox(0, 0, 66, 66)])
    answer = server.send(("file", "a.png", drawing_png), path=PREDICT, faces=word)
    assert len(answer.json["faces"]) == judged
    assert answer.json["faces_found"] == 2


@pytest.mark.parametrize(
    "word", ["0", "21", "-1", "1.5", ".0", "none", "٢", "9" * 400, "\0"]
)
def test_other_words_for_faces_are_refused(
    start: Start, drawing_png: bytes, word: str
) -> None:
    answer = start().send(("file", "a.png", drawing_png), path=PREDICT, faces=word)
    assert answer.status_code == 400
    assert answer.json["detail"].startswith("faces: expected all, or how many")


def test_several_pictures_are_answered_in_their_order(
    start: Start, drawing_png: bytes
) -> None:
    server = start([0.0], [FACE])
    parts = [("file", "a.png", drawing_png), ("file", "b.jpg", b"no picture")] * 2
    answer = server.send(*parts, path=PREDICT)
    assert answer.status_code == 200
    one = server.send(("file", "a.png", drawing_png), path=PREDICT).json
    refused = server.send(("file", "b.jpg", b"no picture"), path=PREDICT).json
    refused["request_id"] = answer.headers["X-Request-ID"]
    assert answer.json == {"results": [one, {"problem": refused}] * 2}
    assert server.left_over() == []
