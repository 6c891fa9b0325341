"""A gunicorn of our own on a free port: started, timed until ready, weighed, ended."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

HOST: Final = "127.0.0.1"

#: Longest time that a server may take to be ready or to end, seconds.
_PATIENCE_S: Final = 180.0
_POLL_S: Final = 0.005


@dataclass(frozen=True)
class Command:
    """How a server is started, and how one sees that it is ready.

    Parameters
    ----------
    arguments : tuple of str
        What follows ``python -m gunicorn``.
    environment : mapping of str to str
        Variables that are set for it; ``{port}`` in a value becomes the port.
    directory : Path
        Folder it starts in.
    ready_path : str
        What answers 200 once pictures can be judged.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path
    ready_path: str


@dataclass(frozen=True)
class Server:
    """A running, ready server.

    Parameters
    ----------
    process : subprocess.Popen
        Gunicorn's master.
    port : int
        Where it listens.
    ready_s : float
        Time from its start to its first answer, seconds.
    """

    process: subprocess.Popen[bytes]
    port: int
    ready_s: float

    def worker_pids(self) -> Sequence[int]:
        """Return the process ids of the workers that there are just now."""
        return _children(self.process.pid)

    def worker_megabytes(self) -> float:
        """Return the memory of one worker: proportional set sizes over workers.

        Returns
        -------
        float
            Megabytes of 10**6 bytes. A page that n processes share counts 1/n in each.
        """
        workers = _children(self.process.pid)
        return sum(map(pss_megabytes, workers)) / len(workers)

    def tree_megabytes(self) -> float:
        """Return the memory of the master and all workers together, in megabytes."""
        pids = [self.process.pid, *_children(self.process.pid)]
        return sum(map(pss_megabytes, pids))

    def cpu_seconds(self) -> float:
        """Return the processor time that master and workers have taken so far."""
        pids = [self.process.pid, *_children(self.process.pid)]
        return sum(map(_cpu_seconds, pids))


@contextmanager
def serving(command: Command) -> Iterator[Server]:
    """Start a server, wait until it is ready, and end it whatever happens.

    Parameters
    ----------
    command : Command
        How it is started.

    Yields
    ------
    Server
        Ready to answer.

    Raises
    ------
    RuntimeError
        If it ends, or is not ready in time; what it said is in the message.
    """
    port = _free_port()
    fill = {"port": str(port)}
    arguments = [argument.format(**fill) for argument in command.arguments]
    environment = {k: v.format(**fill) for k, v in command.environment.items()}
    with tempfile.TemporaryFile() as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *arguments],
            cwd=command.directory,
            env=os.environ | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(process, port, command.ready_path, log)
            yield Server(process, port, time.perf_counter() - started)
        finally:
            _end(process)


def end_on_sigterm() -> None:
    """Let a polite kill of the benchmark run its `finally`, which ends the servers."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def _wait_until_ready(
    process: subprocess.Popen[bytes], port: int, path: str, log: IO[bytes]
) -> None:
    give_up = time.perf_counter() + _PATIENCE_S
    while not _answers(port, path):
        if process.poll() is not None or time.perf_counter() > give_up:
            log.seek(0)
            said = log.read().decode(errors="replace")
            raise RuntimeError(f"the server did not come up; it said:\n{said}")
        time.sleep(_POLL_S)


def _answers(port: int, path: str) -> bool:
    """Whether a GET is answered 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE_S)
        return
    process.kill()
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _children(pid: int) -> Sequence[int]:
    words = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(word) for word in words]


def pss_megabytes(pid: int) -> float:
    """Weigh a process; a page that n processes share counts 1/n in each.

    Parameters
    ----------
    pid : int
        Its id.

    Returns
    -------
    float
        Megabytes of 10**6 bytes.

    Raises
    ------
    FileNotFoundError or ProcessLookupError
        If it has ended.
    """
    return _mapped_megabytes(pid, "Pss")


def private_megabytes(pid: int) -> float:
    """Weigh what a process shares with no other: what would be free if it ended.

    Parameters
    ----------
    pid : int
        Its id.

    Returns
    -------
    float
        Megabytes of 10**6 bytes.

    Raises
    ------
    FileNotFoundError or ProcessLookupError
        If it has ended.
    """
    return _mapped_megabytes(pid, "Private_Clean", "Private_Dirty")


def _mapped_megabytes(pid: int, *kinds: str) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    fields = (line.partition(":") for line in rollup.splitlines())
    kilobytes = sum(
        int(amount.split()[0]) for kind, _, amount in fields if kind in kinds
    )
    return kilobytes * 1024 / 1e6


def _cpu_seconds(pid: int) -> float:
    """User and system time; the name before them may hold blanks, but ends in ``)``."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    user, system = map(int, fields.split()[11:13])
    return (user + system) / os.sysconf("SC_CLK_TCK")
