"""SoakReport: a row for each round of load, what memory was left after it, the aims."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

import numpy as np

from benchmarks.crowd import Outcome
from benchmarks.server_watch import Sample, ServerWatch
from deepfake_detector.config import ServeConfig

#: 503 is the one 5xx that is meant; 415 is the answer to a text named .jpg.
MEANT: Final = frozenset({HTTPStatus.OK, 415, HTTPStatus.SERVICE_UNAVAILABLE})

#: Most that the memory of a worker at rest may grow in a minute, megabytes, and most
#: that the open files of all may.
MOST_MB_A_MINUTE: Final = 1.0
MOST_FILES_A_MINUTE: Final = 1.0

#: Threads of a worker beside those that take requests and those that judge: its own,
#: the ones that watch uploads and memory, and the runtime's.
_OTHER_THREADS: Final = 8

#: A worker's first time, rests included, that no line goes through, seconds: its heap
#: fills with what each of its threads keeps, and with holes.
WARM_UP_S: Final = 300.0

#: Least that a line goes through.
_LEAST_RESTS: Final = 4


@dataclass(frozen=True)
class Round:
    """Full load, and the rest after it, on the watch's clock.

    Parameters
    ----------
    began_s, ended_s : float
        When clients were let loose, and when the last of them was answered.
    rested_s : float
        When the server had rested for long enough to give free memory back.
    """

    began_s: float
    ended_s: float
    rested_s: float


@dataclass(frozen=True)
class SoakReport:
    """What a soak showed.

    Parameters
    ----------
    settings : mapping
        What was put on the server.
    rounds : sequence of Round
        When; at least one.
    outcomes : sequence of Outcome
        What became of each request.
    watch : ServerWatch
        What was seen of the server.
    left_in_uploads : int
        Files in the folder of uploads after the last answer.
    """

    settings: Mapping[str, Any]
    rounds: Sequence[Round]
    outcomes: Sequence[Outcome]
    watch: ServerWatch
    left_in_uploads: int

    @property
    def holds(self) -> bool:
        """Whether every aim that could be judged is held."""
        return all(aim["held"] is not False for aim in self.aims.values())

    @cached_property
    def rests(self) -> list[Sample]:
        """The server at the end of each rest: what it keeps with nothing in hand."""
        return [
            max(
                (s for s in self.watch.samples if s.at_s <= one.rested_s),
                key=lambda sample: sample.at_s,
            )
            for one in self.rounds
        ]

    @cached_property
    def lives(self) -> list[list[tuple[float, float]]]:
        """Times and private megabytes of each worker at rest, once it is warm.

        Private, since what processes share weighs more in each where another has just
        been replaced. Workers of whom there is too little to see growth are left out.
        """
        born_s: dict[int, float] = {}
        for sample in self.watch.samples:
            for pid in sample.workers:
                born_s.setdefault(pid, sample.at_s)
        lives = [
            [
                (rest.at_s, rest.workers[pid].private_mb)
                for rest in self.rests
                if pid in rest.workers and rest.at_s >= born + WARM_UP_S
            ]
            for pid, born in born_s.items()
        ]
        return [life for life in lives if len(life) >= _LEAST_RESTS]

    @cached_property
    def aims(self) -> dict[str, dict[str, Any]]:
        """Each aim: whether it is held (None: too short to say), and the figure."""
        statuses = Counter(o.status for o in self.outcomes if not o.error)
        errors = Counter(o.error for o in self.outcomes if o.error)
        refused = [o for o in self.outcomes if o.status == 503]
        unwell = [c for c in self.watch.checkups if c.status != HTTPStatus.OK]
        silent = sum(o.retry_after_s is None for o in refused)
        seen = {pid for sample in self.watch.samples for pid in sample.workers}
        replaced = len(seen - set(self.watch.samples[-1].workers))
        threads = max(
            worker.threads
            for sample in self.watch.samples
            for worker in sample.workers.values()
        )
        config = ServeConfig()
        most_threads = config.threads + config.judging_at_once + _OTHER_THREADS
        files = [(rest.at_s, float(rest.files)) for rest in self.rests[1:]]
        return {
            "no answer but 200, 415, 503": _aim(set(statuses) <= MEANT, dict(statuses)),
            "no connection error": _aim(not errors, dict(errors)),
            "Retry-After with every 503": _aim(silent == 0, silent),
            "always alive and ready": _aim(not unwell, len(unwell)),
            f"a worker at rest grows < {MOST_MB_A_MINUTE:g} MB a minute": _flat(
                self.lives, MOST_MB_A_MINUTE
            ),
            f"open files at rest grow < {MOST_FILES_A_MINUTE:g} a minute": _flat(
                [files] if len(files) >= _LEAST_RESTS else [], MOST_FILES_A_MINUTE
            ),
            f"a worker has at most {most_threads} threads": _aim(
                threads <= most_threads, threads
            ),
            "a worker was replaced": _aim(replaced > 0, replaced),
            "uploads/ empty": _aim(self.left_in_uploads == 0, self.left_in_uploads),
        }

    @cached_property
    def by_round(self) -> list[dict[str, Any]]:
        """What was seen in each round: under load, and at rest."""
        return [
            self._under_load(one)
            | {
                "worker_mb_after": _worker_mb([rest]),
                "private_mb_after": {
                    pid: round(worker.private_mb, 1)
                    for pid, worker in rest.workers.items()
                },
                "open_files_after": rest.files,
                "uploads_after": rest.uploads,
            }
            for one, rest in zip(self.rounds, self.rests, strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return everything, JSON-ready."""
        return {
            "settings": dict(self.settings),
            "rounds": self.by_round,
            "aims": self.aims,
        }

    def rows(self) -> list[tuple[str, str]]:
        """Return the table for people: a line each round, then the aims."""
        lines = [
            (
                f"{row['to_s']:g} s",
                f"{row['pss_mb']:g} MB, {row['worker_mb']:g} a worker, "
                f"{row['worker_mb_after']:g} after, {row['open_files_after']} files, "
                f"{row['threads']} threads, {row['accepted_per_second']:g}/s, "
                f"p95 {row['p95_ms']} ms, {row['refused']} refused",
            )
            for row in self.by_round
        ]
        words = {True: "held", False: "MISSED", None: "too short to say"}
        return lines + [
            (name, f"{words[aim['held']]}: {aim['figure']}")
            for name, aim in self.aims.items()
        ]

    def _under_load(self, one: Round) -> dict[str, Any]:
        seen = [s for s in self.watch.samples if one.began_s <= s.at_s < one.ended_s]
        began = self.watch.began
        ended = [
            o for o in self.outcomes if one.began_s <= o.ended - began < one.rested_s
        ]
        accepted = [o.milliseconds for o in ended if o.status not in (0, 503)]
        cuts = statistics.quantiles(accepted, n=20) if len(accepted) > 1 else [0.0] * 19
        return {
            "to_s": round(one.ended_s, 1),
            "pss_mb": round(statistics.median(s.pss_mb for s in seen), 1),
            "worker_mb": _worker_mb(seen),
            "threads": max(s.threads for s in seen),
            "accepted_per_second": round(
                len(accepted) / (one.ended_s - one.began_s), 1
            ),
            "p95_ms": round(cuts[18]),
            "refused": sum(o.status == 503 for o in ended),
            "errors": sum(bool(o.error) for o in ended),
        }


def _worker_mb(samples: Sequence[Sample]) -> float:
    """The median of all workers and samples."""
    every = (worker for sample in samples for worker in sample.workers.values())
    return round(statistics.median(worker.pss_mb for worker in every), 1)


def _flat(
    lines: Sequence[Sequence[tuple[float, float]]], bound: float
) -> dict[str, Any]:
    """Judge the slopes of lines, by least squares, through times and values."""
    slopes = []
    for line in lines:
        seconds, values = zip(*line, strict=True)
        slope, _ = np.polyfit(np.asarray(seconds) / 60, values, 1)
        slopes.append(round(float(slope), 3) + 0.0)  # no minus before 0
    return _aim(max(slopes) < bound if slopes else None, slopes)


def _aim(held: bool | None, figure: Any) -> dict[str, Any]:
    return {"held": held, "figure": figure}
