"""A request that comes in too slowly, or is answered too slowly, is cut off."""

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, request

from deepfake_detector.exceptions import SlowUploadError, TookTooLongError
from deepfake_detector.web import deadlines
from deepfake_detector.web.deadlines import Deadline

Start = Callable[..., Any]

PREDICT = "/api/v1/predict"

#: Seconds that a test can wait for, in which three bytes surely come in.
SHORT_S = 0.5


class Clock:
    """Time that passes as the test says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(deadlines.time, "monotonic", clock.monotonic)
    return clock


class Trickle(io.RawIOBase):
    """A body that takes a second for every read."""

    def __init__(self, clock: Clock, content: bytes) -> None:
        self._clock = clock
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self._clock.now += 1
        return self._content.read(min(size, 10) if size >= 0 else 10)


def echo(seconds: float) -> Flask:
    """An application that answers with what it was sent."""
    app = Flask("test")
    app.add_url_rule("/", view_func=lambda: request.get_data(), methods=["POST"])
    app.register_error_handler(SlowUploadError, lambda error: (str(error), 408))
    deadlines.register(app, seconds)
    return app


def environ(body: Any, length: int | None, **more: Any) -> dict[str, Any]:
    made = {"wsgi.input": body, "REQUEST_METHOD": "POST", "PATH_INFO": "/", **more}
    if length is not None:
        made["CONTENT_LENGTH"] = str(length)
    return made


def sent(app: Flask, body: Any, length: int | None, **more: Any) -> Any:
    overrides = environ(body, length, **more)
    return app.test_client().post("/", environ_overrides=overrides)


def test_deadline_counts_down_and_ends(clock: Clock) -> None:
    deadline = Deadline(5)
    clock.now += 4.5
    assert deadline.left_s() == 0.5
    deadline.check()
    clock.now += 0.5
    assert deadline.left_s() == 0
    with pytest.raises(TookTooLongError, match="took too long") as caught:
        deadline.check()
    assert caught.value.http_headers == {"Retry-After": "5"}


@pytest.mark.parametrize(
    ("length", "seconds", "status"), [(30, 10, 200), (200, 10, 408), (105, 10, 408)]
)
def test_slow_body_is_cut_off(
    clock: Clock, length: int, seconds: float, status: int
) -> None:
    answer = sent(echo(seconds), Trickle(clock, bytes(length)), length)
    assert answer.status_code == status
    if status == 408:
        assert "did not arrive within 10 seconds" in answer.text
    else:
        assert answer.data == bytes(length)


@pytest.mark.parametrize(
    ("content", "length", "terminated", "expected"),
    [
        (b"abc", 3, False, b"abc"),
        (b"abc and the next request", 3, False, b"abc"),
        (b"", 0, False, b""),
        # Without a length nobody knows where the body ends, unless the server does.
        (b"abc", None, False, b""),
        (b"abc", None, True, b"abc"),
    ],
)
def test_body_is_read_up_to_its_end(
    content: bytes, length: int | None, terminated: bool, expected: bytes
) -> None:
    more = {"wsgi.input_terminated": True} if terminated else {}
    assert sent(echo(10), io.BytesIO(content), length, **more).data == expected


@pytest.mark.parametrize("length", ["-1", "three", "1e3", "9" * 30, "", "٣"])
def test_odd_length_is_no_fault(start: Start, length: str) -> None:
    answer = start().client.post(
        PREDICT,
        data=b"--x--",
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": length},
    )
    assert answer.status_code in (400, 413)


def test_body_that_ends_early_is_a_bad_request(start: Start) -> None:
    answer = start().client.post(
        PREDICT,
        data=b"--x\r\n",
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": "5000"},
    )
    assert answer.status_code == 400


def test_slow_upload_is_answered_408_and_leaves_nothing(
    start: Start, clock: Clock
) -> None:
    server = start(request_seconds=10.0)
    answer = server.client.post(
        PREDICT,
        content_type="multipart/form-data; boundary=x",
        environ_overrides={
            "wsgi.input": Trickle(clock, bytes(5000)),
            "CONTENT_LENGTH": "5000",
        },
    )
    assert answer.status_code == answer.json["status"] == 408
    assert answer.headers["Connection"] == "close"
    assert server.left_over() == []


def test_refused_client_that_dawdles_is_heard_for_a_while_only(
    start: Start, clock: Clock
) -> None:
    body = Trickle(clock, bytes(5000))
    answer = start(request_seconds=600.0).client.post(
        "/nope", environ_overrides={"wsgi.input": body, "CONTENT_LENGTH": "5000"}
    )
    assert answer.status_code == 404
    assert clock.now <= 1000 + 12


def test_pictures_that_come_too_late_are_refused(
    start: Start,
    drawing_png: bytes,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = start(request_seconds=10.0)
    judge = server.detector.analyse

    def slowly(*args: Any, **options: Any) -> Any:
        clock.now += 6
        return judge(*args, **options)

    monkeypatch.setattr(server.detector, "analyse", slowly)
    parts = [("file", "a.png", drawing_png)] * 4
    results = server.send(*parts, path=PREDICT).json["results"]
    problems = [result.get("problem", {}).get("status") for result in results]
    assert problems == [None, None, 503, 503]
    assert "took too long" in results[3]["problem"]["detail"]
    page = server.send(*parts)
    assert page.status_code == 200
    assert page.text.count("took too long") >= 2
    assert server.left_over() == []


@pytest.fixture
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize("key", ["gunicorn.socket", "werkzeug.socket"])
def test_read_that_waits_for_the_client_ends(
    connection: tuple[socket.socket, socket.socket], key: str
) -> None:
    ours, theirs = connection
    theirs.sendall(b"abc")
    with ours.makefile("rb") as stream:
        more = {key: ours, "wsgi.input_terminated": True}
        assert sent(echo(0.2), stream, 5000, **more).status_code == 408
    ours.sendall(b"the answer")
    assert theirs.recv(100) == b"the answer"


def test_connection_is_left_alone_once_the_body_is_here(
    connection: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = connection
    theirs.sendall(b"abc")
    app = Flask("test")

    def answer_late() -> bytes:
        data = request.get_data()
        time.sleep(2 * SHORT_S)  # longer than the body may take
        return data

    app.add_url_rule("/", view_func=answer_late, methods=["POST"])
    deadlines.register(app, SHORT_S)
    with ours.makefile("rb") as stream:
        more = {"gunicorn.socket": ours, "wsgi.input_terminated": True}
        assert sent(app, stream, 3, **more).data == b"abc"
    theirs.sendall(b"the next request")
    assert ours.recv(100) == b"the next request"


def test_connection_is_left_alone_once_answered(
    connection: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = connection
    theirs.sendall(b"abc")
    app = echo(600)
    with ours.makefile("rb") as stream:
        more = {"gunicorn.socket": ours, "wsgi.input_terminated": True}
        assert sent(app, stream, 3, **more).data == b"abc"
    theirs.sendall(b"the next request")
    assert ours.recv(100) == b"the next request"


def test_connection_that_is_gone_is_no_fault() -> None:
    gone, other = socket.socketpair()
    gone.close()
    other.close()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            time.sleep(2 * SHORT_S)
            return b""

    more = {"gunicorn.socket": gone, "wsgi.input_terminated": True}
    assert sent(echo(SHORT_S), Slow(), 5000, **more).status_code == 408


def test_requests_share_one_thread(
    connection: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = connection
    app, before = echo(600), threading.active_count()
    with ours.makefile("rb") as stream:
        more = {"gunicorn.socket": ours, "wsgi.input_terminated": True}
        for _ in range(20):
            theirs.sendall(b"abc")
            assert sent(app, stream, 3, **more).data == b"abc"
    assert threading.active_count() == before + 1


def test_hurried_read_ends_before_those_that_came_earlier(
    connection: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = connection
    theirs.sendall(b"abc")
    app = Flask("test")

    def read_in_a_hurry() -> bytes:
        request.environ["wsgi.input"].read(1)  # which begins a watch of ten minutes
        return deadlines.hurried(request.environ, SHORT_S).read()

    app.add_url_rule("/", view_func=read_in_a_hurry, methods=["POST"])
    app.register_error_handler(SlowUploadError, lambda error: (str(error), 408))
    deadlines.register(app, 600)
    with ours.makefile("rb") as stream:
        more = {"gunicorn.socket": ours, "wsgi.input_terminated": True}
        assert sent(app, stream, 5000, **more).status_code == 408
