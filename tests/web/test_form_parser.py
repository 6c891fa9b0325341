"""Forms: read as Werkzeug reads them, and refused where it would keep quiet."""

import io
from typing import Any

import pytest

from deepfake_detector.exceptions import UploadError
from deepfake_detector.web.form_parser import FormParser

HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
END = b"\r\n--x--\r\n"


def parse(
    body: bytes, boundary: str = "x", mimetype: str = "multipart/form-data"
) -> tuple[Any, Any, Any]:
    parser = FormParser(lambda *_, **__: io.BytesIO())
    options = {"boundary": boundary}
    parsed: tuple[Any, Any, Any] = parser.parse(
        io.BytesIO(body), mimetype, len(body), options
    )
    return parsed


def test_whole_form_is_read() -> None:
    _, fields, files = parse(HEAD + b"picture" + END)
    assert (list(fields), files["file"].read()) == ([], b"picture")


@pytest.mark.parametrize("mimetype", ["application/json", "image/png", "", "a/b/c"])
def test_what_is_no_form_has_no_fields(mimetype: str) -> None:
    _, fields, files = parse(b'{"file": 1}', mimetype=mimetype)
    assert (list(fields), list(files)) == ([], [])


@pytest.mark.parametrize(
    ("body", "boundary"),
    [
        (HEAD + b"picture", "x"),
        (HEAD + b"picture" + END, "y"),
        (HEAD + b"picture" + END, ""),
        (HEAD.replace(b"a.png", b"gr\xf6\xdfe.png") + b"picture" + END, "x"),
        (bytes(500), "x"),
    ],
)
def test_broken_form_is_refused(body: bytes, boundary: str) -> None:
    with pytest.raises(UploadError, match="^The form cannot be read. Send multipart"):
        parse(body, boundary)
