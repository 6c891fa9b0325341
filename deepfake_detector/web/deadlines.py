"""How long a request may take: to come in whole, and then to be answered."""

import io
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from threading import Timer
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

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        body = _TimedBody(environ, self._seconds)
        environ["wsgi.input"] = body
        # It ends by itself, whatever the server's own input does.
        environ["wsgi.input_terminated"] = True
        try:
            return self._application(environ, start_response)
        finally:
            body.stop_watch()


class _TimedBody(io.RawIOBase):
    """A request's body that ends with an error where it does not come in in time."""

    def __init__(self, environ: "WSGIEnvironment", seconds: float) -> None:
        self._source: IO[bytes] = environ["wsgi.input"]
        self._connection = next(
            (environ[k] for k in _SOCKET_KEYS if k in environ), None
        )
        self._seconds = seconds
        self._deadline = Deadline(seconds)
        self._watch: Timer | None = None
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
            self._watch.cancel()

    def _read(self, wanted: int) -> bytes:
        """Read so much, or less where the body or the time ends."""
        if not self._deadline.left_s():
            return b""
        if self._watch is None and self._connection is not None:
            self._watch = Timer(self._deadline.left_s(), _hang_up, [self._connection])
            self._watch.daemon = True
            self._watch.start()
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


def _hang_up(connection: socket.socket) -> None:
    """Let a read that waits for the client end now."""
    # A server reads until it has as much as it was asked for, so a timeout of the
    # socket would begin again with every byte. The call is the plain socket's even for
    # TLS, whose own would drop the encryption of the answer.
    with suppress(OSError):  # it may be gone already
        socket.socket.shutdown(connection, socket.SHUT_RD)
