"""SoakReport: half a minute a row, trends after the warm-up, and the aims."""

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

from benchmarks.crowd import Outcome
from benchmarks.server_watch import Sample, ServerWatch
from benchmarks.trend import Trend

#: 503 is the one 5xx that is meant; 415 is the answer to a text named .jpg.
MEANT: Final = frozenset({HTTPStatus.OK, 415, HTTPStatus.SERVICE_UNAVAILABLE})

#: Most that memory may grow in a minute, megabytes.
MOST_MB_A_MINUTE: Final = 1.0

#: Most that open files and threads may grow in a minute.
MOST_FILES_A_MINUTE: Final = 1.0
MOST_THREADS_A_MINUTE: Final = 1.0

_ROW_S: Final = 30.0
#: What a server, or a new worker, has to take the memory that it needs, seconds.
_WARM_UP_S: Final = 60.0
#: A worker's life is looked at from so many samples on, one a second.
_LEAST_SAMPLES: Final = 60


@dataclass(frozen=True)
class SoakReport:
    """What a soak showed.

    Parameters
    ----------
    settings : mapping
        What was put on the server.
    outcomes : sequence of Outcome
        What became of each request.
    watch : ServerWatch
        What was seen of the server.
    left_in_uploads : int
        Files in the folder of uploads after the last answer.
    """

    settings: Mapping[str, Any]
    outcomes: Sequence[Outcome]
    watch: ServerWatch
    left_in_uploads: int

    @property
    def holds(self) -> bool:
        """Whether every aim that could be judged is held."""
        return all(aim["held"] is not False for aim in self.aims.values())

    @cached_property
    def trends(self) -> dict[str, Trend]:
        """How memory, files and threads grow after the warm-up; none if too short."""
        end_s = 60 * self.settings["minutes"]
        under_load = [s for s in self.watch.samples if _WARM_UP_S <= s.at_s <= end_s]
        if len(under_load) < _LEAST_SAMPLES:
            return {}
        at_s = [sample.at_s for sample in under_load]
        return {
            "memory_mb": Trend.through(at_s, [s.pss_mb for s in under_load]),
            "open_files": Trend.through(at_s, [s.files for s in under_load]),
            "threads": Trend.through(at_s, [s.threads for s in under_load]),
        }

    @cached_property
    def lives(self) -> list[dict[str, Any]]:
        """The memory of each worker over its life, after a warm-up of its own."""
        end_s = 60 * self.settings["minutes"]
        lives = []
        for pid in self._worker_pids():
            life = [s for s in self.watch.samples if pid in s.worker_pss_mb]
            warm_s = life[0].at_s + _WARM_UP_S
            warm = [s for s in life if warm_s <= s.at_s <= end_s]
            trend = None
            if len(warm) >= _LEAST_SAMPLES:
                at_s = [s.at_s for s in warm]
                trend = Trend.through(at_s, [s.worker_pss_mb[pid] for s in warm])
            lives.append(
                {"from_s": life[0].at_s, "to_s": life[-1].at_s, "memory_mb": trend}
            )
        return lives

    @cached_property
    def aims(self) -> dict[str, dict[str, Any]]:
        """Each aim: whether it is held (None: too short to say), and the figure."""
        statuses = Counter(o.status for o in self.outcomes if not o.error)
        errors = Counter(o.error for o in self.outcomes if o.error)
        refused = [o for o in self.outcomes if o.status == 503]
        unwell = [c for c in self.watch.checkups if c.status != HTTPStatus.OK]
        silent = sum(o.retry_after_s is None for o in refused)
        replaced = len(self.lives) - len(self.watch.samples[0].worker_pss_mb)
        return {
            "no answer but 200, 415, 503": _aim(set(statuses) <= MEANT, dict(statuses)),
            "no connection error": _aim(not errors, dict(errors)),
            "Retry-After with every 503": _aim(silent == 0, silent),
            "always alive and ready": _aim(not unwell, len(unwell)),
            f"memory grows < {MOST_MB_A_MINUTE:g} MB a minute": self._flat(
                "memory_mb", MOST_MB_A_MINUTE
            ),
            "so it does in each worker's life": self._flat_lives(),
            "open files stay": self._flat("open_files", MOST_FILES_A_MINUTE),
            "threads stay": self._flat("threads", MOST_THREADS_A_MINUTE),
            "a worker was replaced": _aim(replaced > 0, replaced),
            "uploads/ empty": _aim(self.left_in_uploads == 0, self.left_in_uploads),
        }

    def half_minutes(self) -> Iterator[dict[str, Any]]:
        """Yield what was seen in each half minute: of the server, and of clients."""
        began = self.watch.began
        for number in range(round(60 * self.settings["minutes"] / _ROW_S)):
            low, high = number * _ROW_S, (number + 1) * _ROW_S
            seen = [s for s in self.watch.samples if low <= s.at_s < high]
            ended = [o for o in self.outcomes if low <= o.ended - began < high]
            if seen:
                yield _of_server(high, seen) | _of_clients(ended)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, JSON-ready."""
        return {
            "settings": dict(self.settings),
            "every_30_s": list(self.half_minutes()),
            "trends": {name: t.to_dict() for name, t in self.trends.items()},
            "workers": [
                {
                    "from_s": round(life["from_s"], 1),
                    "to_s": round(life["to_s"], 1),
                    "memory_mb": life["memory_mb"] and life["memory_mb"].to_dict(),
                }
                for life in self.lives
            ],
            "aims": self.aims,
        }

    def rows(self) -> list[tuple[str, str]]:
        """Return the table for people: a line each half minute, then the aims."""
        lines = [
            (
                f"{row['to_s']:g} s",
                f"{row['pss_mb']:g} MB, {row['open_files']} files, {row['threads']} "
                f"threads, {row['uploads']} uploads, {row['accepted_per_second']:g}/s, "
                f"p95 {row['p95_ms']} ms, {row['refused']} refused",
            )
            for row in self.half_minutes()
        ]
        words = {True: "held", False: "MISSED", None: "too short to say"}
        return lines + [
            (name, f"{words[aim['held']]}: {aim['figure']}")
            for name, aim in self.aims.items()
        ]

    def _worker_pids(self) -> list[int]:
        """All that there were, in the order they came."""
        pids = (pid for sample in self.watch.samples for pid in sample.worker_pss_mb)
        return list(dict.fromkeys(pids))

    def _flat(self, name: str, bound: float) -> dict[str, Any]:
        trend = self.trends.get(name)
        if trend is None:
            return _aim(None, None)
        return _aim(not trend.exceeds(bound), trend.to_dict())

    def _flat_lives(self) -> dict[str, Any]:
        trends = [life["memory_mb"] for life in self.lives if life["memory_mb"]]
        if not trends:
            return _aim(None, None)
        steady = not any(trend.exceeds(MOST_MB_A_MINUTE) for trend in trends)
        return _aim(steady, [round(trend.per_minute, 3) for trend in trends])


def _aim(held: bool | None, figure: Any) -> dict[str, Any]:
    return {"held": held, "figure": figure}


def _of_server(to_s: float, seen: Sequence[Sample]) -> dict[str, Any]:
    return {
        "to_s": to_s,
        "pss_mb": round(statistics.median(s.pss_mb for s in seen), 1),
        "open_files": seen[-1].files,
        "threads": seen[-1].threads,
        "uploads": seen[-1].uploads,
    }


def _of_clients(ended: Sequence[Outcome]) -> dict[str, Any]:
    accepted = [o.milliseconds for o in ended if o.status not in (0, 503)]
    cuts = statistics.quantiles(accepted, n=20) if len(accepted) > 1 else [0.0] * 19
    return {
        "accepted_per_second": round(len(accepted) / _ROW_S, 1),
        "p95_ms": round(cuts[18]),
        "refused": sum(o.status == 503 for o in ended),
        "errors": sum(bool(o.error) for o in ended),
    }
