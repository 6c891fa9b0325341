"""How long a request may take: to come in whole, and then to be answered."""

import heapq
import io
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import IO, TYPE_CHECKING, Final

from flask import Flask
from werkzeug.exceptions import BadRequest
from werkzeug.wsgi import get_content_length

from deepfake_detector.exceptions import SlowUploadError, TookTooLongError
from deepfake_detector.wording import words

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from typing_extensions import Buffer

#: When to send again pictures for which there was no time, in seconds.
RETRY_AFTER_S: Final = 5

#: Where a server keeps the connection: gunicorn, and Werkzeug's own.
_SOCKET_KEYS: Final = ("gunicorn.socket", "werkzeug.socket")


class Deadline:
    """A moment by which something must be done.

    Parameters
    ----------
    seconds : float
        How far off it is.
    """

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    def left_s(self) -> float:
        """Return the time that is left.

        Returns
        -------
        float
            Seconds; 0 where it is over.
        """
        return max(0.0, self._ends_at - time.monotonic())

    def check(self) -> None:
        """Go on only where there is time left.

        Raises
        ------
        TookTooLongError
            If it is over.
        """
        if not self.left_s():
            raise TookTooLongError(
                words(
                    "This picture was not checked: the ones before it took too long. "
                    "Send it again, in a request of its own."
                ),
                RETRY_AFTER_S,
            )


def register(app: Flask, seconds: float) -> None:
    """Cut off clients that send their request too slowly.

    Parameters
    ----------
    app : Flask
        The application.
    seconds : float
        How long a request's body may take to come in.
    """
    app.wsgi_app = _TimedBodies(app.wsgi_app, seconds)  # type: ignore[method-assign]


def hurried(environ: "WSGIEnvironment", seconds: float) -> IO[bytes]:
    """Leave the rest of a request's body less time.

    Parameters
    ----------
    environ : dict
        The request, as the server tells it.
    seconds : float
        How long it may take at most from now on.

    Returns
    -------
    file-like
        The body.
    """
    body: IO[bytes] = environ["wsgi.input"]
    if isinstance(body, _TimedBody):
        body.hurry(seconds)
    return body


class _TimedBodies:
    """A WSGI application whose requests come in within their time, or fail."""

    def __init__(self, application: "WSGIApplication", seconds: float) -> None:
        self._application = application
        self._seconds = seconds
        self._watchman = _Watchman()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        body = _TimedBody(environ, self._seconds, self._watchman)
        environ["wsgi.input"] = body
        # It ends by itself, whatever the server's own input does.
        environ["wsgi.input_terminated"] = True
        try:
            return self._application(environ, start_response)
        finally:
            body.stop_watch()


class _TimedBody(io.RawIOBase):
    """A request's body that ends with an error where it does not come in in time."""

    def __init__(
        self, environ: "WSGIEnvironment", seconds: float, watchman: "_Watchman"
    ) -> None:
        self._source: IO[bytes] = environ["wsgi.input"]
        self._connection = next(
            (environ[k] for k in _SOCKET_KEYS if k in environ), None
        )
        self._seconds = seconds
        self._deadline = Deadline(seconds)
        self._watchman = watchman
        self._watch: _Watch | None = None
        self._left = get_content_length(environ)
        if self._left is None and "wsgi.input_terminated" not in environ:
            self._left = 0  # a read would wait for ever

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer") -> int:
        view = memoryview(buffer)
        wanted = len(view) if self._left is None else min(len(view), self._left)
        data = self._read(wanted) if wanted else b""
        if len(data) < wanted:
            self._require_end(data)
        if self._left is not None:
            self._left -= len(data)
            if not self._left:
                self.stop_watch()
        view[: len(data)] = data
        return len(data)

    def hurry(self, seconds: float) -> None:
        if seconds < self._deadline.left_s():
            self.stop_watch()
            self._watch, self._deadline = None, Deadline(seconds)

    def stop_watch(self) -> None:
        """Leave the connection alone from now on."""
        if self._watch is not None:
            self._watchman.leave_alone(self._watch)

    def _read(self, wanted: int) -> bytes:
        """Read so much, or less where the body or the time ends."""
        if not self._deadline.left_s():
            return b""
        if self._watch is None and self._connection is not None:
            left_s = self._deadline.left_s()
            self._watch = self._watchman.watch(self._connection, left_s)
        try:
            return self._source.read(wanted)
        except Exception as error:
            if self._deadline.left_s():
                raise BadRequest from error  # cut off, or chunks that are none
            return b""

    def _require_end(self, data: bytes) -> None:
        """Fail where the body has no right to end after these bytes."""
        if not self._deadline.left_s():
            raise SlowUploadError(
                words(
                    "The upload did not arrive within {seconds:g} seconds. Send a "
                    "smaller picture, or try again on a faster connection.",
                    seconds=self._seconds,
                )
            )
        if self._left is not None and not data:
            raise BadRequest  # the client has hung up


@dataclass(order=True)
class _Watch:
    """A connection that is hung up on at a time; None where it is left alone."""

    ends_at: float
    connection: socket.socket | None = field(compare=False)


class _Watchman:
    """Ends reads that wait for their clients too long, from one thread for them all.

    A `threading.Timer` for each would begin and end a thread for every request, which
    takes longer than reading most of them.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._watches: list[_Watch] = []  # a heap
        self._thread: Thread | None = None

    def watch(self, connection: socket.socket, seconds: float) -> _Watch:
        watch = _Watch(time.monotonic() + seconds, connection)
        with self._changed:
            heapq.heappush(self._watches, watch)
            # Rarely: those that are left alone stay in the heap until their time.
            if self._watches[0] is watch:
                self._changed.notify()
            if self._thread is None:
                self._thread = Thread(target=self._hang_up, daemon=True)
                self._thread.start()
        return watch

    def leave_alone(self, watch: _Watch) -> None:
        with self._changed:
            watch.connection = None

    def _hang_up(self) -> None:
        with self._changed:
            while True:
                wait_s = None
                if self._watches:
                    wait_s = self._watches[0].ends_at - time.monotonic()
                if wait_s is None or wait_s > 0:
                    self._changed.wait(wait_s)
                else:
                    _let_reads_end(heapq.heappop(self._watches).connection)


def _let_reads_end(connection: socket.socket | None) -> None:
    # A server reads until it has as much as it was asked for, so a timeout of the
    # socket would begin again with every byte. The call is the plain socket's even for
    # TLS, whose own would drop the encryption of the answer.
    if connection is not None:
        with suppress(OSError):  # it may be gone already
            socket.socket.shutdown(connection, socket.SHUT_RD)
