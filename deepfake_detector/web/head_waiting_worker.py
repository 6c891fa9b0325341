"""HeadWaitingWorker: gunicorn's threaded worker, proof against idle and slow clients.

Gunicorn's own gives a thread to every connection: for five seconds to one that sends
nothing, and for ever to one whose headers do not end. A few dozen of them, and nobody
else is answered.
"""

import errno
import resource
import select
import socket
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from selectors import EVENT_READ
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

#: How long a request's head may take to come in, from its connection on, in seconds.
HEAD_SECONDS: Final = 10.0

#: Most bytes of a head; gunicorn's own limits hold for each line of it.
MOST_HEAD_BYTES: Final = 64 * 1024

#: How long a thread waits for the rest of a body that nobody has read, in seconds.
REST_SECONDS: Final = 0.05

#: How long a client may take to close a connection on which all is said, in seconds.
GOODBYE_SECONDS: Final = 2.0

#: File descriptors of a worker that connections leave for everything else.
SPARE_FILES: Final = 128

_HEAD_END: Final = b"\r\n\r\n"
_TOO_LONG: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Connection: close\r\nContent-Length: 0\r\n\r\n"
)
#: What `accept` says where there is no room for one more connection.
_NO_ROOM: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_REST_S: Final = 0.1


@dataclass
class _Waiting:
    """A connection that no thread is concerned with."""

    ends_at: float
    head: bytearray = field(default_factory=bytearray)
    drained: int = 0


class HeadWaitingWorker(ThreadWorker):  # type: ignore[misc]
    """Waits for whole heads of requests in its main loop, and has threads answer them.

    Whoever is not done after `HEAD_SECONDS` is cut off. Where connections are all
    taken, the one that has waited longest for a head makes room. Connections that were
    answered are closed without anybody waiting for their clients. When it ends, whoever
    is connected is answered, and whoever comes later is refused at once.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting: dict[Any, _Waiting] = {}
        self._leaving: dict[Any, _Waiting] = {}
        self._stops_by: float | None = None
        self._lacks_room = False

    def init_process(self) -> None:
        """Take no more connections than the limit of open files has room for."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if files != resource.RLIM_INFINITY:
            most = min(self.cfg.worker_connections, max(1, files - SPARE_FILES))
            self.worker_connections: int = most
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection; out of file descriptors, let an idle one be dropped.

        Parameters
        ----------
        listener : socket.socket
            Where somebody knocks.
        """
        try:
            super().accept(listener)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            # Not now: what is readable with it may be about the one to be dropped.
            self._lacks_room = True

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept connections from now on, or none; the last thing before an end.

        Parameters
        ----------
        enabled : bool
            Whether to accept any.
        """
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            self._close_up()

    def enqueue_req(self, conn: Any) -> None:
        """Have a thread answer a connection's next request, once its head is here.

        Parameters
        ----------
        conn : gunicorn.workers.gthread.TConn
            A new connection, or a kept one on which something came.
        """
        if self.cfg.is_ssl:  # what comes is not the head yet
            super().enqueue_req(conn)
            return
        waiting = _Waiting(time.monotonic() + HEAD_SECONDS)
        if conn.parser is not None:  # what was read with the request before
            waiting.head += conn.parser.unreader.take_buffered()
        conn.sock.setblocking(False)
        self.poller.register(conn.sock, EVENT_READ, partial(self._read_head, conn))
        self._waiting[conn] = waiting
        if _HEAD_END in waiting.head:
            self._answer(conn)
        else:
            self._read_head(conn, conn.sock)

    def finish_request(self, conn: Any, fs: "Future[Any]") -> None:
        """Keep a connection whose request was answered, or take leave of it.

        Parameters
        ----------
        conn : gunicorn.workers.gthread.TConn
            The connection.
        fs : Future
            Whether to keep it.
        """
        if fs.cancelled() or fs.exception() or fs.result():
            super().finish_request(conn, fs)
        else:
            self._take_leave(conn)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """Whether to keep a connection: not where its body is still to come."""
        by = time.monotonic() + REST_SECONDS
        return keepalive and bool(conn.parser.finish_body(deadline=by))

    def murder_pending(self) -> None:
        """Cut off who is late, and make room where all connections are taken."""
        super().murder_pending()
        now = time.monotonic()
        if not self.alive and self._stops_by is None:
            self._stops_by = now + GOODBYE_SECONDS
        for some in (self._waiting, self._leaving):
            late = [c for c, waiting in some.items() if self._end_of(waiting) <= now]
            for conn in late:
                self._drop(conn, some)
        if self._lacks_room or self.nr_conns >= self.worker_connections:
            made_room = self._make_room()
            if self._lacks_room and not made_room:
                self.log.warning("no connection taken: too many open files")
                time.sleep(_REST_S)  # else the loop would spin until one ends
            self._lacks_room = False

    def _close_up(self) -> None:
        """Take in who has knocked already, and let nobody else knock.

        Left open until the end, the door would let clients in whom nobody hears.
        """
        for listener in self.sockets:
            while self.nr_conns < self.worker_connections and _somebody_at(listener):
                self.accept(listener)
                if self._lacks_room:
                    break
            listener.close()

    def _end_of(self, waiting: _Waiting) -> float:
        if self._stops_by is None:
            return waiting.ends_at
        return min(waiting.ends_at, self._stops_by)

    def _read_head(self, conn: Any, sock: socket.socket) -> None:
        head = self._waiting[conn].head
        try:
            data = sock.recv(MOST_HEAD_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        searched = max(0, len(head) - len(_HEAD_END) + 1)
        head += data
        if head.find(_HEAD_END, searched) >= 0:
            self._answer(conn)
        elif not data:
            self._drop(conn, self._waiting)
        elif len(head) > MOST_HEAD_BYTES:
            self._refuse(conn)

    def _answer(self, conn: Any) -> None:
        """Hand a connection to a thread, with what was read of it."""
        self.poller.unregister(conn.sock)
        head = self._waiting.pop(conn).head
        conn.init()
        conn.parser.unreader.unread(bytes(head))
        super().enqueue_req(conn)

    def _refuse(self, conn: Any) -> None:
        self.poller.unregister(conn.sock)
        del self._waiting[conn]
        try:
            conn.sock.send(_TOO_LONG)
        except OSError:
            pass
        self._take_leave(conn)

    def _take_leave(self, conn: Any) -> None:
        """Say that nothing more comes, and close once the client has heard it.

        Closed at once, what the client still sends would be answered by a reset, which
        can cost it the answer. Gunicorn waits here, and accepts nobody meanwhile.
        """
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, EVENT_READ, partial(self._drain, conn))
        except (OSError, ValueError):  # it is gone
            self.nr_conns -= 1
            conn.close()
            return
        self._leaving[conn] = _Waiting(time.monotonic() + GOODBYE_SECONDS)

    def _drain(self, conn: Any, sock: socket.socket) -> None:
        try:
            data = sock.recv(MOST_HEAD_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        leaving = self._leaving[conn]
        leaving.drained += len(data)
        if not data or leaving.drained > MOST_HEAD_BYTES:
            self._drop(conn, self._leaving)

    def _drop(self, conn: Any, some: dict[Any, _Waiting]) -> None:
        del some[conn]
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def _make_room(self) -> bool:
        """Close the connection that has waited longest, if any waits."""
        for some in (self._leaving, self._waiting):
            if some:
                self._drop(next(iter(some)), some)
                return True
        if not self.keepalived_conns:
            return False
        self.keepalived_conns[0].timeout = 0.0
        self.murder_keepalived()
        return True


def _somebody_at(listener: socket.socket) -> bool:
    knocking = select.poll()
    knocking.register(listener.fileno(), select.POLLIN)
    return bool(knocking.poll(0))
