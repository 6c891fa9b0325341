import csv
import json
from io import StringIO

import pytest

from deepfake_detector.exceptions import CorruptImageError
from deepfake_detector.scan_row import (
    COLUMNS,
    CSV,
    JSON_LINES,
    ScanRow,
    error_fields,
    header,
    is_failure,
    read_line,
)

GOOD = ScanRow(
    *("a.zip!b,\"c\" 'é'.jpg", True, "likely_fake", 0.25, 1, '[{"a": "b, c"}]'),
    *(False, 640, 480, "00ff", "a model"),
)
BAD = ScanRow("b.jpg", False, model="m", error="OSError", message='a "b", c')


@pytest.mark.parametrize("form", [CSV, JSON_LINES])
@pytest.mark.parametrize("row", [GOOD, BAD])
def test_a_row_is_one_line_that_is_read_back(form: str, row: ScanRow) -> None:
    line = row.line(form)
    assert (line.count(b"\n"), line[-1:]) == (1, b"\n")
    read = read_line(line, form)
    assert read is not None
    assert (read["path"], tuple(read)) == (row.path, COLUMNS)
    assert is_failure(line, form) == (row is BAD)


@pytest.mark.parametrize("form", [CSV, JSON_LINES])
def test_a_torn_line_is_no_row(form: str) -> None:
    line = GOOD.line(form)
    for length in range(len(line)):
        assert read_line(line[:length], form) is None


@pytest.mark.parametrize("form", [CSV, JSON_LINES])
@pytest.mark.parametrize(
    "line",
    [
        *(b"\n", b"\0" * 50 + b"\n", b"\xff\xfe\n", b"null\n", b"[]\n", b"{}\n"),
        *(b"a,b\n", b'"a\n', b"[" * 10_000 + b"\n", b'{"path": "a.jpg"}\n'),
    ],
)
def test_what_a_crash_leaves_is_no_row(form: str, line: bytes) -> None:
    assert read_line(line, form) is None


def test_a_message_cannot_look_like_an_answer() -> None:
    hostile = '"error": null, "message": null}'
    row = ScanRow("a", False, error="E", message=hostile + ",,")
    assert all(is_failure(row.line(form), form) for form in (CSV, JSON_LINES))
    named = ScanRow(hostile + ",,", False, "likely_real", model=",,")
    assert not any(is_failure(named.line(form), form) for form in (CSV, JSON_LINES))


def test_csv_is_what_other_programs_read() -> None:
    text = (header(CSV) + GOOD.line(CSV) + BAD.line(CSV)).decode()
    first, second = csv.DictReader(StringIO(text))
    assert (first["path"], first["in_archive"]) == (GOOD.path, "true")
    assert float(first["p_fake"]) == GOOD.p_fake
    assert json.loads(first["faces"]) == [{"a": "b, c"}]
    assert (second["verdict"], second["p_fake"]) == ("", "")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (CorruptImageError("It is\ndamaged."), "It is damaged."),
        (PermissionError(13, "Permission denied", "/a/path"), "(Permission denied)"),
        (OSError(), "no reason given"),
        (RuntimeError("/a/path"), "please report"),
    ],
)
def test_errors_are_said_without_a_path(error: Exception, message: str) -> None:
    said = error_fields(error)
    assert said["error"] == type(error).__name__
    assert message in said["message"]
    assert "/a/path" not in said["message"]
    assert "\n" not in said["message"]


@pytest.mark.parametrize("form", [CSV, JSON_LINES])
def test_a_row_of_very_many_faces_is_read_back(form: str) -> None:
    row = ScanRow("a.jpg", False, "likely_real", faces="[" + "1," * 10**6 + "1]")
    read = read_line(row.line(form), form)
    assert read is not None and read["faces"] == row.faces
