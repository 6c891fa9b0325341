"""Several ways to serve, put under the same load in turns, one after the other."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
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
    clients : sequence of int
        Clients at once, of one turn after the other.
    seconds : float
        Length of a turn.
    turns : int
        Turns of each way with each number of clients.
    has_face : bool, default True
        Whether an answer must hold a score; where not, it must hold none.
    """

    jpeg: bytes
    clients: Sequence[int]
    seconds: float
    turns: int
    has_face: bool = True


@dataclass
class Side:
    """What the turns of one way gave, in the order they were taken.

    Parameters
    ----------
    turns : dict of int to list of Turn
        By the number of clients.
    cpu_ms : dict of int to list of float
        Processor time of the server for one request, milliseconds, likewise.
    worker_mb : list of float
        Memory of one worker after each turn, megabytes.
    total_mb : list of float
        Memory of the master and all workers, megabytes.
    """

    turns: dict[int, list[Turn]] = field(default_factory=dict)
    cpu_ms: dict[int, list[float]] = field(default_factory=dict)
    worker_mb: list[float] = field(default_factory=list)
    total_mb: list[float] = field(default_factory=list)

    def rates(self, clients: int) -> list[float]:
        """Return the answers a second of each turn.

        Parameters
        ----------
        clients : int
            With so many clients.

        Returns
        -------
        list of float
            Turn by turn.
        """
        return [turn.per_second for turn in self.turns[clients]]

    def latencies(self, clients: int, percent: int) -> list[float]:
        """Return a percentile of the latencies of each turn.

        Parameters
        ----------
        clients : int
            With so many clients.
        percent : int
            From 1 to 99.

        Returns
        -------
        list of float
            Milliseconds, turn by turn.
        """
        return [turn.percentile_ms(percent) for turn in self.turns[clients]]

    def to_dict(self) -> dict[str, Any]:
        """Return medians with their spread, JSON-ready."""
        return {
            "by_clients": {
                str(clients): {
                    "requests_per_second": _spread(self.rates(clients)),
                    "latencies": _spread([len(turn.latencies_ms) for turn in turns]),
                    "latency_ms": {
                        f"p{percent}": _spread(self.latencies(clients, percent))
                        for percent in PERCENTILES
                    },
                    "server_cpu_ms_per_request": _spread(self.cpu_ms[clients]),
                    "cores_taken_by_clients": _spread([t.client_cores for t in turns]),
                }
                for clients, turns in self.turns.items()
            },
            "memory_mb_per_worker": _spread(self.worker_mb),
            "memory_mb_in_all": _spread(self.total_mb),
        }


def contest(ways: Mapping[str, Way], load: Load) -> dict[str, Side]:
    """Serve all ways at once, and put one after the other under load.

    Parameters
    ----------
    ways : mapping of str to Way
        The ways by name.
    load : Load
        Picture, clients and turns.

    Returns
    -------
    dict of str to Side
        Figures of each way, turn by turn, so that they can be paired.

    Raises
    ------
    RuntimeError
        If a server does not come up, or answers without a score where the picture has
        a face, or with one where it has none.
    """
    sides = {name: Side() for name in ways}
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(serving(way.command))
            for name, way in ways.items()
        }
        for name, way in ways.items():
            _warm_up(way, servers[name], load)
        for _ in range(load.turns):
            for clients in load.clients:
                for name, way in ways.items():
                    _take(way, servers[name], sides[name], load, clients)
    return sides


def starts(ways: Mapping[str, Way], turns: int) -> dict[str, list[float]]:
    """Start and end each way in turns, after one start that fills the disk's cache.

    Parameters
    ----------
    ways : mapping of str to Way
        The ways by name.
    turns : int
        Starts of each that count.

    Returns
    -------
    dict of str to list of float
        Seconds until ready, start by start.

    Raises
    ------
    RuntimeError
        If a server does not come up.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns + 1):
        for name, way in ways.items():
            with serving(way.command) as server:
                seconds[name].append(server.ready_s)
    return {name: taken[1:] for name, taken in seconds.items()}


def _take(way: Way, server: Server, side: Side, load: Load, clients: int) -> None:
    """One turn, and what it cost the server."""
    used = server.cpu_seconds()
    turn = _turn(way, server, load, clients)
    used = server.cpu_seconds() - used
    side.turns.setdefault(clients, []).append(turn)
    side.cpu_ms.setdefault(clients, []).append(1e3 * used / turn.answers)
    side.worker_mb.append(server.worker_megabytes())
    side.total_mb.append(server.tree_megabytes())


def _warm_up(way: Way, server: Server, load: Load) -> None:
    """Let every worker answer, and see that there is a score where there is a face."""
    _turn(way, server, load, min(8, max(load.clients)))
    answer = post_once(Target(server.port, way.post_path), load.jpeg)
    if isinstance(answer["p_fake"], float) is not load.has_face:
        expected = "the score of a face" if load.has_face else "no score"
        raise RuntimeError(f"expected {expected}, got {answer}")


def _turn(way: Way, server: Server, load: Load, clients: int) -> Turn:
    target = Target(server.port, way.post_path)
    return post_for(target, load.jpeg, clients, load.seconds)


def _spread(values: list[float]) -> dict[str, Any]:
    return Spread(tuple(values)).to_dict()
