"""Any form, to the API or the page: an answer in kind, and no file left behind."""

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.api_form import FORM, PREDICT, check_answer
from tests.picture_files import drawn

PICTURES = tuple(drawn(encoding) for encoding in ("JPEG", "PNG", "WebP"))
FIELDS = ("threshold", "explain", "faces", "whole_picture", "file", "FILE", "")

paths = st.sampled_from(["/", PREDICT])
contents = (
    st.sampled_from(PICTURES)
    | st.binary(max_size=60)
    | st.builds(lambda p, n: p[:n], st.sampled_from(PICTURES), st.integers(0, 800))
)
values = (
    st.sampled_from([b"1", b"0", b"0.5", b"all", b"nan", b"1e9", b"grad_cam", b"\xff"])
    | st.binary(max_size=20)
    | st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace"))
)
names = st.sampled_from(FIELDS) | st.text(max_size=10)
fields = st.tuples(names, st.none(), values)
files = st.tuples(st.just("file") | names, st.text(max_size=20), contents)
parts = st.lists(files | fields, max_size=4)

Part = tuple[str, str | None, bytes]


def form(found: list[Part]) -> bytes:
    """As a browser writes one, but nothing in the names is escaped."""
    body = b""
    for name, filename, content in found:
        head = f'Content-Disposition: form-data; name="{name}"'
        if filename is not None:
            head += f'; filename="{filename}"'
        body += b"--x\r\n" + head.encode("utf-8", "replace") + b"\r\n\r\n"
        body += content + b"\r\n"
    return body + b"--x--\r\n"


@given(paths, parts)
def test_any_form(path: str, found: list[Part]) -> None:
    check_answer(path, form(found), FORM)


@given(paths, st.binary(max_size=200))
def test_any_body(path: str, body: bytes) -> None:
    check_answer(path, body, FORM)
    check_answer(path, b"--x\r\n" + body + b"\r\n--x--\r\n", FORM)


@given(paths, st.text(max_size=40), parts)
def test_any_content_type(path: str, content_type: str, found: list[Part]) -> None:
    printable = content_type.encode("latin-1", "replace").decode("latin-1")
    line = "".join(filter(str.isprintable, printable))
    check_answer(path, form(found), line)
    check_answer(path, form(found), f"multipart/form-data; boundary={line}")


@given(st.sampled_from(["threshold", "faces", "explain", "whole_picture"]), values)
def test_any_option_beside_a_good_picture(name: str, value: bytes) -> None:
    picture = ("file", "a.png", PICTURES[1])
    answer = check_answer(PREDICT, form([picture, (name, None, value)]), FORM)
    assert answer.status_code in (200, 400)
