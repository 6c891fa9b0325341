"""Looks at a server under load: its memory, its open files, and whether it is well."""

import http.client
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks.gunicorn_server import HOST, Server, private_megabytes, pss_megabytes

_EVERY_S: Final = 1.0
_TIMEOUT_S: Final = 60.0
_WELL: Final = ("/livez", "/readyz")


@dataclass(frozen=True)
class Worker:
    """One worker of a server at one moment.

    Parameters
    ----------
    pss_mb : float
        Proportional set size: pages that n processes share count 1/n.
    private_mb : float
        Memory that it shares with no other process.
    threads : int
        Its threads.
    """

    pss_mb: float
    private_mb: float
    threads: int


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
    uploads : int
        Files in the folder of uploads; 0 where none is watched.
    workers : mapping of int to Worker
        Each of them, by process id.
    """

    at_s: float
    pss_mb: float
    rss_mb: float
    files: int
    uploads: int
    workers: Mapping[int, Worker]

    @property
    def threads(self) -> int:
        """Threads of all workers."""
        return sum(worker.threads for worker in self.workers.values())


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
    uploads : Path, optional
        Its folder of uploads, to be looked into.

    Attributes
    ----------
    began : float
        When, on the clock of `time.perf_counter`, seconds.
    """

    def __init__(self, server: Server, uploads: Path | None = None) -> None:
        self.samples: list[Sample] = []
        self.checkups: list[Checkup] = []
        self.began = time.perf_counter()
        self._server = server
        self._uploads = uploads
        self._over = threading.Event()
        # Apart, so that a slow answer delays no sample.
        self._threads = [
            threading.Thread(target=self._repeat, args=(step,), daemon=True)
            for step in (self._sample, self._check_up)
        ]

    def elapsed_s(self) -> float:
        """Tell the time.

        Returns
        -------
        float
            Since the watch began, seconds.
        """
        return time.perf_counter() - self.began

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
            pids = self._server.worker_pids()
            workers = {pid: _worker(pid) for pid in pids}
            master_mb = pss_megabytes(self._server.process.pid)
            self.samples.append(
                Sample(
                    self.elapsed_s(),
                    master_mb + sum(worker.pss_mb for worker in workers.values()),
                    sum(map(_rss_megabytes, pids)),
                    sum(_entries(Path(f"/proc/{pid}/fd")) for pid in pids),
                    _entries(self._uploads) if self._uploads else 0,
                    workers,
                )
            )
        except (FileNotFoundError, ProcessLookupError):
            return  # a worker was just being replaced

    def _check_up(self) -> None:
        for path in _WELL:
            started = time.perf_counter()
            status = _status(self._server.port, path)
            took = 1e3 * (time.perf_counter() - started)
            self.checkups.append(Checkup(path, status, took))


def _worker(pid: int) -> Worker:
    threads = _entries(Path(f"/proc/{pid}/task"))
    return Worker(pss_megabytes(pid), private_megabytes(pid), threads)


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


def _entries(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())
