"""Two ways to serve, put under the same load in turns, one right after the other."""

from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.figures import Spread
from benchmarks.gunicorn_server import Server, serving
from benchmarks.load_client import Target, Turn, post_for, post_once
from benchmarks.ways import Way

PERCENTILES: Final = (50, 95, 99)


@dataclass(frozen=True)
class Load:
    """What each server is put under.

    Parameters
    ----------
    jpeg : bytes
        The picture.
    clients : int
        Clients at once, for the throughput.
    seconds : float
        Length of a turn.
    turns : int
        Turns of each way.
    """

    jpeg: bytes
    clients: int
    seconds: float
    turns: int


@dataclass
class Side:
    """What the turns of one way gave, in the order they were taken.

    Parameters
    ----------
    crowded : list of Turn
        Turns with all clients at once.
    alone : list of Turn
        Turns with one client, for the latency.
    cpu_ms : list of float
        Processor time of the server for one request of a crowded turn, milliseconds.
    worker_mb : list of float
        Memory of one worker after each turn, megabytes.
    total_mb : list of float
        Memory of the master and all workers, megabytes.
    """

    crowded: list[Turn] = field(default_factory=list)
    alone: list[Turn] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    worker_mb: list[float] = field(default_factory=list)
    total_mb: list[float] = field(default_factory=list)

    def rates(self) -> list[float]:
        """Return the answers a second of each crowded turn."""
        return [turn.per_second for turn in self.crowded]

    def to_dict(self) -> dict[str, Any]:
        """Return medians with their spread, JSON-ready."""
        loads = {"all clients": self.crowded, "one client": self.alone}
        client_cores = [turn.client_cores for turn in self.crowded]
        return {
            "requests_per_second": _spread(self.rates()),
            "latency_ms": {
                load: {
                    f"p{percent}": _spread([t.percentile_ms(percent) for t in turns])
                    for percent in PERCENTILES
                }
                for load, turns in loads.items()
            },
            "server_cpu_ms_per_request": _spread(self.cpu_ms),
            "cores_taken_by_clients": _spread(client_cores),
            "memory_mb_per_worker": _spread(self.worker_mb),
            "memory_mb_in_all": _spread(self.total_mb),
        }


def duel(ours: Way, plain: Way, load: Load) -> tuple[Side, Side]:
    """Serve both ways at once, and put one after the other under load.

    Parameters
    ----------
    ours, plain : Way
        The two ways.
    load : Load
        Picture, clients and turns.

    Returns
    -------
    our_side, plain_side : Side
        Figures turn by turn, so that they can be paired.

    Raises
    ------
    RuntimeError
        If a server does not come up, or answers without a score.
    """
    our_side, plain_side = Side(), Side()
    with serving(plain.command) as plain_server, serving(ours.command) as our_server:
        contestants = (
            (plain, plain_server, plain_side),
            (ours, our_server, our_side),
        )
        for way, server, _ in contestants:
            _warm_up(way, server, load)
        for _ in range(load.turns):
            for way, server, side in contestants:
                _crowd(way, server, side, load)
            for way, server, side in contestants:
                side.alone.append(_turn(way, server, load, clients=1))
    return our_side, plain_side


def starts(ours: Way, plain: Way, turns: int) -> tuple[list[float], list[float]]:
    """Start and end both ways in turns, after one start that fills the disk's cache.

    Parameters
    ----------
    ours, plain : Way
        The two ways.
    turns : int
        Starts of each that count.

    Returns
    -------
    our_seconds, plain_seconds : list of float
        Time until ready, start by start.

    Raises
    ------
    RuntimeError
        If a server does not come up.
    """
    our_seconds: list[float] = []
    plain_seconds: list[float] = []
    for _ in range(turns + 1):
        for way, seconds in ((plain, plain_seconds), (ours, our_seconds)):
            with serving(way.command) as server:
                seconds.append(server.ready_s)
    return our_seconds[1:], plain_seconds[1:]


def _crowd(way: Way, server: Server, side: Side, load: Load) -> None:
    """One turn with all clients, and what it cost the server."""
    used = server.cpu_seconds()
    turn = _turn(way, server, load, load.clients)
    used = server.cpu_seconds() - used
    side.crowded.append(turn)
    side.cpu_ms.append(1e3 * used / turn.answers)
    side.worker_mb.append(server.worker_megabytes())
    side.total_mb.append(server.tree_megabytes())


def _warm_up(way: Way, server: Server, load: Load) -> None:
    """Let every worker answer, and see that what they answer is a score."""
    _turn(way, server, load, load.clients)
    answer = post_once(Target(server.port, way.post_path), load.jpeg)
    if not isinstance(answer["p_fake"], float):
        raise RuntimeError(f"expected the score of a face, got {answer}")


def _turn(way: Way, server: Server, load: Load, clients: int) -> Turn:
    target = Target(server.port, way.post_path)
    return post_for(target, load.jpeg, clients, load.seconds)


def _spread(values: list[float]) -> dict[str, Any]:
    return Spread(tuple(values)).to_dict()
