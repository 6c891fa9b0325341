"""The fields of a form: read, or refused by name."""

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from deepfake_detector.detector import MAX_FACES
from deepfake_detector.exceptions import UploadError
from deepfake_detector.heatmap import METHODS
from deepfake_detector.web.judging_options import (
    FALSE_WORDS,
    TRUE_WORDS,
    JudgingOptions,
)

Start = Callable[..., Any]


def read(*fields: tuple[str, str]) -> JudgingOptions:
    return JudgingOptions.read(MultiDict(fields))


def test_nothing_said_is_the_default() -> None:
    assert read() == JudgingOptions(False, None, None, MAX_FACES)
    empty = [(name, " ") for name in ("threshold", "explain", "faces", "whole_picture")]
    assert read(*empty) == read()


def test_every_field_is_read() -> None:
    options = read(
        ("threshold", "0.9"),
        ("explain", "Occlusion"),
        ("faces", "3"),
        ("whole_picture", "yes"),
    )
    assert options == JudgingOptions(True, 0.9, "occlusion", 3)


@pytest.mark.parametrize("text", ["3", "3.", "3.0", "03", "3." + 20 * "0"])
def test_whole_number_may_have_a_point(text: str) -> None:
    assert read(("faces", text)).max_faces == 3


def test_nothing_below_nothing_is_nothing() -> None:
    assert str(read(("threshold", "-0.0")).threshold) == "0.0"


@pytest.mark.parametrize("word", TRUE_WORDS)
def test_words_for_yes(word: str) -> None:
    options = read(("explain", word), ("whole_picture", word))
    assert (options.heatmap_method, options.whole_picture) == (METHODS[0], True)


@pytest.mark.parametrize("word", FALSE_WORDS)
def test_words_for_no(word: str) -> None:
    options = read(("explain", word), ("whole_picture", word))
    assert (options.heatmap_method, options.whole_picture) == (None, False)


@pytest.mark.parametrize(
    "name",
    ["treshold", "Threshold", "threshold ", "", "file", "files", "explain[]", "\0"]
    + ["_charset_", "threshold\r\n", "thr\u0435shold", "x" * 5000],
)
def test_field_that_is_none_of_ours_is_refused_by_the_known_names(name: str) -> None:
    with pytest.raises(UploadError) as caught:
        read((name, "0.9"))
    assert str(caught.value) == (
        "Expected no fields but file (the picture itself), threshold, explain, faces, "
        "whole_picture, and got another. Check how its name is spelt."
    )


@pytest.mark.parametrize(
    ("name", "values"),
    [("threshold", ("0.1", "0.9")), ("faces", ("1", "1")), ("explain", ("", "cam"))],
)
def test_field_that_is_there_twice_is_refused(
    name: str, values: tuple[str, str]
) -> None:
    with pytest.raises(UploadError, match=f"{name}: expected one, got several"):
        read(*[(name, value) for value in values])


@pytest.mark.parametrize("path", ["/", "/api/v1/predict"])
def test_misspelt_option_stops_a_request(
    start: Start, drawing_png: bytes, path: str
) -> None:
    server = start()
    answer = server.send(("file", "a.png", drawing_png), path=path, treshold="0.9")
    assert answer.status_code == 400
    assert "threshold, explain, faces, whole_picture" in answer.text
    assert "treshold" not in answer.text
    assert server.left_over() == []
