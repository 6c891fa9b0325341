"""A soak's aims are missed by exactly what they are about."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import soak_page
from benchmarks.crowd import Outcome
from benchmarks.server_watch import Checkup, Sample, Worker
from benchmarks.soak_report import WARM_UP_S, Round, SoakReport

#: Twenty minutes, each of 40 s of load and nearly 20 s of rest.
ROUNDS = [Round(60.0 * n, 60.0 * n + 40, 60.0 * n + 59) for n in range(20)]
END_S = 1200
#: In the middle of the eleventh.
REPLACED_S = 620

MEMORY = "a worker at rest grows < 1 MB a minute"
FILES = "open files at rest grow < 1 a minute"


def sample(
    at_s: int,
    leak_mb_s: float = 0.0,
    files_s: float = 0.0,
    threads: int = 40,
) -> Sample:
    """Two workers, one of which is replaced; each has more in hand under load."""
    in_hand = 30.0 * (at_s % 7) if at_s % 60 < 40 else 0.0
    is_new = at_s >= REPLACED_S
    lived_s = at_s - REPLACED_S if is_new else at_s
    private_mb = {
        1: 50 + in_hand + leak_mb_s * at_s,
        (3 if is_new else 2): 30 + in_hand + leak_mb_s * lived_s,
    }
    files = 50 + int(files_s * at_s)
    workers = {pid: Worker(50 + mb, mb, 40) for pid, mb in private_mb.items()}
    workers[1] = replace(workers[1], threads=threads)
    pss_mb = 30 + sum(worker.pss_mb for worker in workers.values())
    return Sample(at_s, pss_mb, 300.0, files, 0, workers)


def soak(**changes: Any) -> SoakReport:
    samples = [sample(at_s) for at_s in range(END_S + 1)]
    outcomes = [Outcome("portrait", 200, 9.0 + s, 10.0 + s) for s in range(40)]
    outcomes.append(Outcome("portrait", 503, 20.0, 20.5, retry_after_s=5))
    watch = SimpleNamespace(
        began=10.0,
        samples=changes.pop("samples", samples),
        checkups=changes.pop("checkups", [Checkup("/livez", 200, 1.0)]),
    )
    outcomes += changes.pop("outcomes", [])
    return replace(SoakReport({}, ROUNDS, outcomes, watch, 0), **changes)


def missed(report: SoakReport) -> list[str]:
    return [name for name, aim in report.aims.items() if aim["held"] is False]


def threads_aim() -> str:
    return next(name for name in soak().aims if name.endswith("threads"))


def test_good_soak_holds_every_aim() -> None:
    report = soak()
    assert report.holds
    assert all(aim["held"] for aim in report.aims.values())


@pytest.mark.parametrize(
    ("change", "aim"),
    [
        ({"outcomes": [Outcome("x", 500, 11, 12)]}, "no answer but 200, 415, 503"),
        (
            {"outcomes": [Outcome("x", 0, 11, 12, error="ConnectionResetError")]},
            "no connection error",
        ),
        ({"outcomes": [Outcome("x", 503, 11, 12)]}, "Retry-After with every 503"),
        ({"checkups": [Checkup("/readyz", 503, 1.0)]}, "always alive and ready"),
        ({"left_in_uploads": 1}, "uploads/ empty"),
    ],
)
def test_aim_is_missed(change: dict[str, Any], aim: str) -> None:
    report = soak(**change)
    assert missed(report) == [aim]
    assert not report.holds


@pytest.mark.parametrize(
    ("make", "aim"),
    [
        (lambda s: sample(s, leak_mb_s=0.03), MEMORY),
        (lambda s: sample(s, files_s=0.1), FILES),
        (lambda s: sample(s, threads=100), threads_aim()),
    ],
    ids=["memory", "files", "threads"],
)
def test_what_grows_is_noticed(make: Callable[[int], Sample], aim: str) -> None:
    assert missed(soak(samples=[make(s) for s in range(END_S + 1)])) == [aim]


def test_each_life_has_its_own_line() -> None:
    samples = [sample(s, leak_mb_s=0.03) for s in range(END_S + 1)]
    figure = soak(samples=samples).aims[MEMORY]["figure"]
    assert figure == pytest.approx([1.8, 1.8, 1.8])


def warming(at_s: int) -> Sample:
    """Each worker grows by 0.1 MB a second for nearly five minutes, then no more."""
    whole = sample(at_s)
    workers = {
        pid: replace(
            worker,
            private_mb=worker.private_mb
            + 0.1 * min(at_s - (REPLACED_S if pid == 3 else 0), WARM_UP_S - 1),
        )
        for pid, worker in whole.workers.items()
    }
    return replace(whole, workers=workers)


def test_warm_up_is_no_growth() -> None:
    report = soak(samples=[warming(s) for s in range(END_S + 1)])
    assert report.aims[MEMORY]["held"]
    assert str(report.aims[MEMORY]["figure"]) == "[0.0, 0.0, 0.0]"  # and no -0.0


def larger(worker: Worker, shared_mb: float) -> Worker:
    return replace(worker, pss_mb=worker.pss_mb + shared_mb)


def test_what_is_shared_is_no_growth() -> None:
    """A neighbour that is replaced leaves the pages that it shared to the others."""
    samples = [
        replace(s, workers={pid: larger(w, s.at_s) for pid, w in s.workers.items()})
        for s in map(sample, range(END_S + 1))
    ]
    assert soak(samples=samples).aims[MEMORY]["figure"] == [0.0, 0.0, 0.0]


def test_worker_that_was_there_from_the_start_was_not_replaced() -> None:
    samples = [sample(s) for s in range(REPLACED_S)]
    one = {1: samples[0].workers[1]}  # the other was starting
    first = replace(samples[0], workers=one)
    report = soak(samples=[first, *samples[1:]], rounds=ROUNDS[:10])
    assert missed(report) == ["a worker was replaced"]


def test_soak_that_is_too_short_says_so() -> None:
    report = soak(rounds=ROUNDS[:3])
    for name in (MEMORY, FILES):
        assert report.aims[name] == {"held": None, "figure": []}
    assert report.holds
    assert f"| {MEMORY} | none | too short to say |" in soak_page.page(report.to_dict())


def test_line_goes_through_four_rests_of_a_warm_worker() -> None:
    warm = sum(one.rested_s >= WARM_UP_S for one in ROUNDS[:9])
    assert warm == 4
    assert len(soak(rounds=ROUNDS[:9]).aims[MEMORY]["figure"]) == 2
    assert soak(rounds=ROUNDS[:8]).aims[MEMORY]["figure"] == []


def test_rounds_tell_server_and_clients() -> None:
    first, second, *rest = soak().by_round
    assert (first["to_s"], second["to_s"], len(rest)) == (40.0, 100.0, 18)
    assert (first["worker_mb_after"], first["open_files_after"]) == (90.0, 50)
    assert first["private_mb_after"] == {1: 50.0, 2: 30.0}
    assert first["worker_mb"] > first["worker_mb_after"]
    assert (first["threads"], first["uploads_after"]) == (80, 0)
    assert first["accepted_per_second"] == 1.0
    assert (first["p95_ms"], first["refused"], second["refused"]) == (1000, 1, 0)
