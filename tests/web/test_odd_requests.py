"""Requests that no browser sends: refused in words that say what was expected."""

from collections.abc import Callable
from typing import Any

import pytest

from deepfake_detector.face_crops import FaceBox
from tests.web.test_openapi import document, faults

Start = Callable[..., Any]

PREDICT = "/api/v1/predict"
FACE = FaceBox(20, 10, 70, 64)
FORM = "multipart/form-data"
NO_FILE = "No file part"
BROKEN = "The form cannot be read"


def form(*heads: bytes, content: bytes = b"hello", end: bytes = b"--x--\r\n") -> bytes:
    """Parts with these heads, parted by x."""
    parts = (b"--x\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head in heads)
    return b"".join(parts) + end


def part(name: bytes = b'"file"', rest: bytes = b'; filename="a.png"') -> bytes:
    return b"Content-Disposition: form-data; name=" + name + rest


#: What is sent: content type, body; and the status and words of the answer.
BODIES: dict[str, tuple[str | None, bytes, int, str]] = {
    "nothing": (None, b"", 400, NO_FILE),
    "no content type": (None, form(part()), 400, NO_FILE),
    "empty content type": ("", form(part()), 400, NO_FILE),
    "content type of one word": ("multipart", form(part()), 400, NO_FILE),
    "JSON": ("application/json", b'{"file": "abc"}', 400, NO_FILE),
    "broken JSON": ("application/json", b'{"file', 400, NO_FILE),
    "a picture and no form": ("image/png", b"\x89PNG\r\n\x1a\n", 400, NO_FILE),
    "url-encoded": ("application/x-www-form-urlencoded", b"file=abc", 400, NO_FILE),
    "no boundary": (FORM, form(part()), 400, BROKEN),
    "empty boundary": (f"{FORM}; boundary=", form(part()), 400, BROKEN),
    "another boundary": (f"{FORM}; boundary=y", form(part()), 400, BROKEN),
    "long boundary": (f"{FORM}; boundary={'x' * 9000}", form(part()), 400, BROKEN),
    "boundary with a space": (f'{FORM}; boundary="x y"', form(part()), 400, BROKEN),
    "two boundaries": (
        f"{FORM}; boundary=y; boundary=x",
        form(part()),
        415,
        "not a JPEG, PNG or WebP",
    ),
    "file name with a zero byte": (
        f"{FORM}; boundary=x",
        form(part(rest=b'; filename="a\x00.png"')),
        415,
        "not a JPEG, PNG or WebP",
    ),
    "file name in an old encoding": (
        f"{FORM}; boundary=x",
        form(part(rest='; filename="größe.png"'.encode("latin-1"))),
        400,
        BROKEN,
    ),
    "no end": (f"{FORM}; boundary=x", form(part(), end=b""), 400, BROKEN),
    "only an end": (f"{FORM}; boundary=x", b"--x--\r\n", 400, NO_FILE),
    "no parts": (f"{FORM}; boundary=x", b"", 400, NO_FILE),
    "bytes": (f"{FORM}; boundary=x", bytes(range(256)) * 10, 400, BROKEN),
    "part without a name": (
        f"{FORM}; boundary=x",
        form(b'Content-Disposition: form-data; filename="a.png"'),
        400,
        NO_FILE,
    ),
    "part without a head": (f"{FORM}; boundary=x", form(b""), 400, BROKEN),
    "head that is no head": (f"{FORM}; boundary=x", form(b"\xff\xfe: "), 400, BROKEN),
    "name in UTF-16": (
        f"{FORM}; boundary=x",
        form(part('"file"'.encode("utf-16"))),
        400,
        BROKEN,
    ),
    "name in capitals": (f"{FORM}; boundary=x", form(part(b'"FILE"')), 400, NO_FILE),
    "array of PHP": (f"{FORM}; boundary=x", form(part(b'"file[]"')), 400, NO_FILE),
    "unknown charset of a part": (
        f"{FORM}; boundary=x",
        form(
            part() + b"\r\nContent-Type: image/png; charset=utf-7",
            part(b'"threshold"', b"") + b"\r\nContent-Type: text/plain; charset=zip",
        ),
        400,
        "threshold: expected a number",
    ),
    "unknown transfer encoding": (
        f"{FORM}; boundary=x",
        form(part() + b"\r\nContent-Transfer-Encoding: base64"),
        415,
        "not a JPEG, PNG or WebP",
    ),
    "option as a file": (
        f"{FORM}; boundary=x",
        form(part(), part(b'"threshold"')),
        400,
        "Send every picture in the field",
    ),
    "file as text beside a file": (
        f"{FORM}; boundary=x",
        form(part(), part(rest=b"")),
        400,
        "Expected no fields but file",
    ),
    "charset field of browsers": (
        f"{FORM}; boundary=x",
        form(part(), part(b'"_charset_"', b"")),
        400,
        "Expected no fields but file",
    ),
    "thousands of fields": (
        f"{FORM}; boundary=x",
        form(*[part(b'"threshold"', b"")] * 3000),
        413,
        "largest accepted",
    ),
    "option of a megabyte": (
        f"{FORM}; boundary=x",
        form(part(b'"threshold"', b""), content=b"1" * 1_000_000),
        413,
        "largest accepted",
    ),
}


@pytest.mark.parametrize("path", ["/", PREDICT])
@pytest.mark.parametrize("name", BODIES)
def test_odd_body_is_refused_in_words(start: Start, name: str, path: str) -> None:
    content_type, body, status, words = BODIES[name]
    server = start([0.0], [FACE])
    answer = server.client.post(path, data=body, content_type=content_type)
    assert answer.status_code == status
    assert words in answer.text
    if path == PREDICT:
        assert answer.content_type == "application/problem+json"
        problem = {"$ref": "#/components/schemas/Problem"}
        assert faults(document(server), problem, answer.json) == []
    assert server.left_over() == []


@pytest.mark.parametrize(
    "head",
    [
        b"content-disposition:form-data;name=file;filename=a",
        part(rest=b"; filename*=UTF-8''%e2%82%ac.png"),
        part(rest=b"; filename=\"a.png\"; filename*=x'y'%ff"),
        part() + b"\r\nContent-Type: application/x-msdownload",
        part() + b"\r\nContent-Type: text/html; charset=utf-7",
        part() + b"\r\nX-Anything: " + b"x" * 2000,
    ],
)
def test_picture_under_an_odd_head_is_judged(
    start: Start, drawing_png: bytes, head: bytes
) -> None:
    server = start([0.0], [FACE])
    answer = server.client.post(
        PREDICT,
        data=form(head, content=drawing_png),
        content_type=f"{FORM}; boundary=x",
    )
    assert answer.status_code == 200
    assert server.left_over() == []


@pytest.mark.parametrize(
    "query", ["threshold=0.9", "treshold=1", "x", "a=&b=", "%ff=1"]
)
def test_options_in_the_address_of_the_api_are_refused(
    start: Start, drawing_png: bytes, query: str
) -> None:
    server = start([0.0], [FACE])
    answer = server.send(("file", "a.png", drawing_png), path=f"{PREDICT}?{query}")
    assert answer.status_code == 400
    assert answer.json["detail"].startswith("Expected options as fields of the form")


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "QUERY", "BREW"]
)
def test_other_methods_are_refused(start: Start, method: str) -> None:
    answer = start().client.open(PREDICT, method=method)
    assert answer.status_code == 405
    assert answer.content_type == "application/problem+json"
    assert set(answer.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}
    assert (answer.data == b"") is (method == "HEAD")


def test_options_method_names_the_methods(start: Start) -> None:
    answer = start().client.options(PREDICT)
    assert (answer.status_code, answer.data) == (200, b"")
    assert set(answer.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/predict/", 404),
        ("/api/v1/", 404),
        ("/api/v1/Predict", 404),
        ("/api/v1/predict%00", 404),
        ("/api/v1/%ff%fe", 404),
        ("/api/v1/../v1/x", 404),
        ("/api/v1/" + "x" * 5000, 404),
        ("/api/%2e%2e/%2e%2e/etc/passwd", 404),
        ("/api/v1/predict;x=1", 404),
        ("/openapi.json/", 404),
        ("/openapi.jsonx", 404),
        ("/livez/x", 404),
    ],
)
def test_address_that_is_none_of_the_api_is_a_problem(
    start: Start, path: str, status: int
) -> None:
    answer = start().client.get(path)
    assert answer.status_code == answer.json["status"] == status
    assert answer.content_type == "application/problem+json"
    assert "etc" not in answer.text


@pytest.mark.parametrize("path", ["/openapi.json", "/api/v1/model", "/livez"])
def test_wrong_method_of_an_address_for_programs_is_a_problem(
    start: Start, path: str
) -> None:
    answer = start().client.post(path)
    assert answer.status_code == answer.json["status"] == 405
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "text/html"},
        {"Accept": "\xff/\xfe;q=nan"},
        {"Accept-Language": "xx-" + "y" * 3000},
        {"If-None-Match": '"' + "x" * 3000},
        {"If-None-Match": "W/"},
        {"If-Modified-Since": "yesterday"},
        {"Range": "bytes=0-10,-1,5-2"},
        {"Content-Length": "5"},
        {"Content-Type": "multipart/form-data"},
        {"Cookie": "\xff=\xfe; session=" + "x" * 3000},
        {"Authorization": "Bearer \xff"},
        {"Authorization": "Basic ="},
        {"X-HTTP-Method-Override": "DELETE"},
    ],
)
def test_odd_header_changes_nothing(start: Start, headers: dict[str, str]) -> None:
    answer = start().client.get("/api/v1/model", headers=headers)
    assert answer.status_code == 200
    assert answer.json["name"] == "test model"
