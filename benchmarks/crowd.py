"""Many clients at once, in a process of their own, who take any answer as it comes."""

import http.client
import multiprocessing
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

from benchmarks.gunicorn_server import HOST
from benchmarks.load_mix import CONTENT_TYPE, Sending

_TIMEOUT_S: Final = 120.0

#: One in so many clients begins with the largest picture, so that the server has soon
#: taken what memory it needs, and more than that is a leak.
_LARGE_FIRST: Final = 8

#: How a kept connection looks that the server closed while nobody used it.
_CLOSED: Final = (
    http.client.RemoteDisconnected,
    BrokenPipeError,
    ConnectionResetError,
)


@dataclass(frozen=True)
class Outcome:
    """What became of one request.

    Parameters
    ----------
    name : str
        What was sent.
    status : int
        Of the answer; 0 where there was none.
    started, ended : float
        On the clock of `time.perf_counter`, seconds.
    retry_after_s : int or None
        The answer's Retry-After, seconds.
    error : str
        Class of the connection error; empty where there was none.
    reconnected : bool
        Whether it was sent again, because a kept connection had been closed.
    """

    name: str
    status: int
    started: float
    ended: float
    retry_after_s: int | None = None
    error: str = ""
    reconnected: bool = False

    @property
    def milliseconds(self) -> float:
        """Time from the first byte sent to the last one read."""
        return 1e3 * (self.ended - self.started)


@dataclass(frozen=True)
class Crowd:
    """Clients with a kept connection each, who send as soon as they are answered.

    Parameters
    ----------
    port : int
        Where they send to, on this computer.
    path : str
        Path of the address.
    mix : sequence of Sending
        What they send, drawn by its shares.
    clients : int
        How many.
    seconds : float
        How long they go on; what was sent by then is waited for.
    obeys : bool
        Whether a refused client waits as long as Retry-After says. If not, it comes
        back at once, as no browser would.
    """

    port: int
    path: str
    mix: Sequence[Sending]
    clients: int
    seconds: float
    obeys: bool

    def run(self) -> list[Outcome]:
        """Let them loose, in another process.

        Returns
        -------
        list of Outcome
            One for each request, in no order.

        Raises
        ------
        RuntimeError
            If that process ends without a word.
        """
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_report, args=(self, theirs), daemon=True)
        process.start()
        theirs.close()
        try:
            outcomes: list[Outcome] = ours.recv()
        except EOFError:
            raise RuntimeError("the clients' process ended without a word") from None
        finally:
            process.terminate()
            process.join()
        return outcomes


def _report(crowd: Crowd, pipe: Connection) -> None:
    """Run all clients in threads of this process, and send what they saw."""
    end = time.perf_counter() + crowd.seconds
    over = threading.Event()
    with ThreadPoolExecutor(crowd.clients) as pool:
        jobs = [
            pool.submit(_Client(crowd, seed, over).send_until, end)
            for seed in range(crowd.clients)
        ]
        over.wait(crowd.seconds)
        over.set()
        pipe.send([outcome for job in jobs for outcome in job.result()])


class _Client:
    """One of the crowd."""

    def __init__(self, crowd: Crowd, seed: int, over: threading.Event) -> None:
        self._crowd = crowd
        self._seed = seed
        self._random = random.Random(seed)  # noqa: S311  which picture comes next
        self._over = over
        self._shares = [sending.share for sending in crowd.mix]
        self._connection = self._new_connection()

    def send_until(self, end: float) -> list[Outcome]:
        sending = max(self._crowd.mix, key=lambda sending: len(sending.body))
        if self._seed % _LARGE_FIRST:
            sending = self._drawn()
        outcomes = []
        while time.perf_counter() < end:
            outcome = self._send(sending)
            outcomes.append(outcome)
            sending = self._drawn()
            if self._crowd.obeys and outcome.retry_after_s:
                self._over.wait(outcome.retry_after_s)
        self._connection.close()
        return outcomes

    def _drawn(self) -> Sending:
        return self._random.choices(self._crowd.mix, self._shares)[0]

    def _new_connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(HOST, self._crowd.port, timeout=_TIMEOUT_S)

    def _send(self, sending: Sending) -> Outcome:
        started = time.perf_counter()
        was_kept = self._connection.sock is not None
        try:
            return self._exchange(sending, started)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            if not (was_kept and isinstance(error, _CLOSED)):
                return _failed(sending, started, error)
        try:
            return self._exchange(sending, started, reconnected=True)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return _failed(sending, started, error)

    def _exchange(
        self, sending: Sending, started: float, reconnected: bool = False
    ) -> Outcome:
        headers = {"Content-Type": CONTENT_TYPE}
        self._connection.request("POST", self._crowd.path, sending.body, headers)
        answer = self._connection.getresponse()
        answer.read()
        retry_after = None
        with suppress(TypeError, ValueError):  # missing, or a date
            retry_after = int(answer.headers["Retry-After"])
        return Outcome(
            sending.name,
            answer.status,
            started,
            time.perf_counter(),
            retry_after,
            reconnected=reconnected,
        )


def _failed(sending: Sending, started: float, error: Exception) -> Outcome:
    kind = type(error).__name__
    return Outcome(sending.name, 0, started, time.perf_counter(), error=kind)
