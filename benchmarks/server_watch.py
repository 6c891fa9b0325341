"""Looks at a server under load: its memory, its open files, and whether it is well."""

import http.client
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks.gunicorn_server import HOST, Server, pss_megabytes

_EVERY_S: Final = 1.0
_TIMEOUT_S: Final = 60.0
_WELL: Final = ("/livez", "/readyz")


@dataclass(frozen=True)
class Sample:
    """The workers of a server at one moment.

    Parameters
    ----------
    at_s : float
        Time since the watch began, seconds.
    pss_mb : float
        Proportional set size of master and workers: pages that are shared count once.
    rss_mb : float
        Resident set size of the workers: pages that are shared count in each.
    files : int
        Open file descriptors of the workers.
    """

    at_s: float
    pss_mb: float
    rss_mb: float
    files: int


@dataclass(frozen=True)
class Checkup:
    """One question whether the server is well.

    Parameters
    ----------
    path : str
        What was asked.
    status : int
        Of the answer; 0 where there was none.
    milliseconds : float
        Time from the connection to the whole answer.
    """

    path: str
    status: int
    milliseconds: float


class ServerWatch:
    """Samples a server and asks after it every second, until the block is left.

    Parameters
    ----------
    server : Server
        A running server.
    """

    def __init__(self, server: Server) -> None:
        self.samples: list[Sample] = []
        self.checkups: list[Checkup] = []
        self._server = server
        self._began = time.perf_counter()
        self._over = threading.Event()
        # Apart, so that a slow answer delays no sample.
        self._threads = [
            threading.Thread(target=self._repeat, args=(step,), daemon=True)
            for step in (self._sample, self._check_up)
        ]

    def __enter__(self) -> Self:
        self._sample()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._sample()

    def _repeat(self, step: Callable[[], None]) -> None:
        while not self._over.wait(_EVERY_S):
            step()

    def _sample(self) -> None:
        try:
            workers = self._server.worker_pids()
            pss = sum(map(pss_megabytes, [self._server.process.pid, *workers]))
            rss = sum(map(_rss_megabytes, workers))
            files = sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in workers)
        except (FileNotFoundError, ProcessLookupError):
            return  # a worker was just being replaced
        at = time.perf_counter() - self._began
        self.samples.append(Sample(at, pss, rss, files))

    def _check_up(self) -> None:
        for path in _WELL:
            started = time.perf_counter()
            status = _status(self._server.port, path)
            took = 1e3 * (time.perf_counter() - started)
            self.checkups.append(Checkup(path, status, took))


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_S)
    with closing(connection):
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            return 0


def _rss_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    kilobytes = next(
        int(line.split()[1])
        for line in status.splitlines()
        if line.startswith("VmRSS:")
    )
    return kilobytes * 1024 / 1e6
