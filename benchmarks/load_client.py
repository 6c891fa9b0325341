"""Clients that post one picture over and over, each as soon as it is answered."""

import http.client
import json
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.gunicorn_server import HOST

#: What begins or ends in this time after the start does not count, seconds.
_LEAD_IN_S: Final = 0.5
_TIMEOUT_S: Final = 120.0
_BOUNDARY: Final = "benchmark-boundary-7d1f"


@dataclass(frozen=True)
class Target:
    """Where a picture is posted.

    Parameters
    ----------
    port : int
        Port on this computer.
    path : str
        Path of the address.
    """

    port: int
    path: str


@dataclass(frozen=True)
class Turn:
    """What one turn gave.

    Parameters
    ----------
    per_second : float
        Answers that ended within the turn, a second, all clients together.
    latencies_ms : tuple of float
        Time from the request to the whole answer, of each request that began within
        the turn, however late it was answered; sorted.
    client_cores : float
        Processor cores that the clients themselves took.
    answers : int
        All answers, those of the lead-in and the last ones as well.
    """

    per_second: float
    latencies_ms: tuple[float, ...]
    client_cores: float
    answers: int

    def percentile_ms(self, percent: int) -> float:
        """Return a percentile of the latencies.

        Parameters
        ----------
        percent : int
            From 1 to 99.

        Returns
        -------
        float
            Milliseconds.
        """
        cuts = statistics.quantiles(self.latencies_ms, n=100, method="inclusive")
        return cuts[percent - 1]


def post_for(target: Target, jpeg: bytes, clients: int, seconds: float) -> Turn:
    """Post a picture from several clients at once for a while.

    Parameters
    ----------
    target : Target
        Where to.
    jpeg : bytes
        The picture.
    clients : int
        Threads, each with its own kept connection.
    seconds : float
        How long, after half a second of lead-in.

    Returns
    -------
    Turn
        Rate and latencies.

    Raises
    ------
    RuntimeError
        If an answer is not 200.
    """
    begin = time.perf_counter() + _LEAD_IN_S
    end = begin + seconds
    used = time.process_time()
    with ThreadPoolExecutor(clients) as pool:
        # Each sends a file name of its own: the plain way saves under it.
        bodies = [_form(jpeg, f"portrait-{number}.jpg") for number in range(clients)]
        jobs = [pool.submit(_post_until, end, target, body) for body in bodies]
        spans = [span for job in jobs for span in job.result()]
    used = time.process_time() - used
    latencies = sorted(1e3 * (b - a) for a, b in spans if begin <= a)
    ended = sum(begin <= b < end for _, b in spans)
    if len(latencies) < 2:
        raise RuntimeError(
            f"fewer than two answers in {seconds:g} s; use more --seconds"
        )
    cores = used / (seconds + _LEAD_IN_S)
    return Turn(ended / seconds, tuple(latencies), cores, len(spans))


def post_once(target: Target, jpeg: bytes) -> dict[str, Any]:
    """Post a picture and read the answer.

    Parameters
    ----------
    target : Target
        Where to.
    jpeg : bytes
        The picture.

    Returns
    -------
    dict
        The JSON answer.

    Raises
    ------
    RuntimeError
        If it is not 200.
    """
    connection = http.client.HTTPConnection(HOST, target.port, timeout=_TIMEOUT_S)
    try:
        body = _form(jpeg, "portrait.jpg")
        answer: dict[str, Any] = json.loads(_post(connection, target.path, body))
        return answer
    finally:
        connection.close()


def _post_until(
    end: float, target: Target, body: bytes
) -> Sequence[tuple[float, float]]:
    """Start and end of each request, on the clock of `time.perf_counter`."""
    connection = http.client.HTTPConnection(HOST, target.port, timeout=_TIMEOUT_S)
    spans = []
    try:
        while (started := time.perf_counter()) < end:
            _post(connection, target.path, body)
            spans.append((started, time.perf_counter()))
    finally:
        connection.close()
    return spans


def _post(connection: http.client.HTTPConnection, path: str, body: bytes) -> bytes:
    content_type = f"multipart/form-data; boundary={_BOUNDARY}"
    connection.request("POST", path, body, {"Content-Type": content_type})
    response = connection.getresponse()
    answer = response.read()
    if response.status != http.HTTPStatus.OK:
        raise RuntimeError(f"POST {path} was answered {response.status}: {answer!r}")
    return answer


def _form(jpeg: bytes, file_name: str) -> bytes:
    head = (
        f"--{_BOUNDARY}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{file_name}"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return head.encode() + jpeg + f"\r\n--{_BOUNDARY}--\r\n".encode()
