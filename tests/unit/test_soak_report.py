"""A soak's aims are missed by exactly what they are about."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.crowd import Outcome
from benchmarks.server_watch import Checkup, Sample
from benchmarks.soak_report import SoakReport

MINUTES = 4


def sample(at_s: int, leak_mb_s: float = 0.0, files_s: float = 0.0) -> Sample:
    """Two workers, one of which is replaced after two minutes."""
    pss = 100.0 + leak_mb_s * at_s
    workers = {1: pss, (2 if at_s < 120 else 3): pss}
    files = 50 + int(files_s * at_s)
    return Sample(at_s, 30 + 2 * pss, 300.0, files, 80, 1, workers)


def soak(**changes: Any) -> SoakReport:
    samples = [sample(at_s) for at_s in range(60 * MINUTES)]
    outcomes = [Outcome("portrait", 200, 9.0 + s, 10.0 + s) for s in range(200)]
    outcomes.append(Outcome("portrait", 503, 20.0, 20.5, retry_after_s=5))
    watch = SimpleNamespace(
        began=10.0,
        samples=changes.pop("samples", samples),
        checkups=changes.pop("checkups", [Checkup("/livez", 200, 1.0)]),
    )
    outcomes += changes.pop("outcomes", [])
    report = SoakReport({"minutes": MINUTES}, outcomes, watch, 0)
    return replace(report, **changes)


def missed(report: SoakReport) -> list[str]:
    return [name for name, aim in report.aims.items() if aim["held"] is False]


def test_good_soak_holds_every_aim() -> None:
    report = soak()
    assert missed(report) == []
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
    ("make", "aims"),
    [
        (
            lambda s: sample(s, leak_mb_s=0.05),
            ["memory grows < 1 MB a minute", "so it does in each worker's life"],
        ),
        (lambda s: sample(s, files_s=0.1), ["open files stay"]),
    ],
    ids=["memory", "files"],
)
def test_what_grows_is_noticed(make: Callable[[int], Sample], aims: list[str]) -> None:
    assert missed(soak(samples=[make(s) for s in range(60 * MINUTES)])) == aims


def test_soak_that_is_too_short_says_so() -> None:
    report = soak(samples=[sample(s) for s in range(90)])
    assert report.aims["open files stay"] == {"held": None, "figure": None}
    assert missed(report) == ["a worker was replaced"]


def test_half_minutes_tell_server_and_clients() -> None:
    first, second, *rest = soak().half_minutes()
    assert (first["to_s"], second["to_s"], len(rest)) == (30.0, 60.0, 6)
    assert (first["pss_mb"], first["open_files"], first["threads"]) == (230.0, 50, 80)
    assert first["accepted_per_second"] == 1.0
    assert (first["p95_ms"], first["refused"], second["refused"]) == (1000, 1, 0)
