"""What the serving benchmark counts, and what its page leaves out."""

import time
from typing import Any

import pytest

from benchmarks import aims_page, load_client, serving_page
from benchmarks.figures import Aim, Spread
from benchmarks.load_client import Target, post_for

SECONDS = 0.2


def test_late_answers_count_as_latencies_but_not_in_the_rate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def spans(end: float, target: Target, body: bytes) -> list[tuple[float, float]]:
        begin = end - SECONDS
        return [
            (begin - 0.4, begin - 0.3),  # of the lead-in: neither
            (begin - 0.1, begin + 0.1),  # began before: a rate, no latency
            (begin + 0.1, begin + 0.15),  # both
            (begin + 0.15, end + 9.0),  # answered late: a latency, no rate
        ]

    monkeypatch.setattr(load_client, "_post_until", spans)
    monkeypatch.setattr(time, "perf_counter", lambda: 100.0)
    turn = post_for(Target(1, "/"), b"", clients=1, seconds=SECONDS)
    assert turn.per_second == pytest.approx(2 / SECONDS)
    assert turn.latencies_ms == pytest.approx((50.0, 9050.0))
    assert turn.answers == 4


@pytest.mark.parametrize(
    ("answers", "shown"),
    [(39, "| 39 | 50 | – | – |"), (40, "| 40 | 50 | 95 | – |"), (200, "| 95 | 99 |")],
)
def test_percentile_of_too_few_answers_is_left_out(answers: int, shown: str) -> None:
    figure = Spread((1.0,)).to_dict()
    by_clients = {
        "requests_per_second": figure,
        "latencies": Spread((float(answers), 1000.0)).to_dict(),
        "latency_ms": {f"p{p}": {"median": p} for p in (50, 95, 99)},
        "server_cpu_ms_per_request": figure,
    }
    side = {"by_clients": {"1": by_clients}, "memory_mb_per_worker": figure}
    assert shown in serving_page.page(report(served={"x": {"y": side}}))


def report(**changes: Any) -> dict[str, Any]:
    figure = Spread((1.0, 3.0)).to_dict()
    return {
        "machine": {"cpu": "Some CPU"},
        "aims": {"held": Aim(2, is_least=True).judge(Spread((1.0, 3.0)))},
        "ratios": {
            "missed": Aim(1, is_least=False).judge(Spread((1.0, 3.0))),
            "without an aim": figure,
        },
        "ms_per_face_on_one_core": {
            "net": {"operations": 1e9},
            "net by runtime": {"batch of 1": figure},
        },
        "core": {"float32 gflops": figure},
        "ms_by_stage_on_one_core": {},
        "served": {},
        "start_s": {},
        "installed": {"packages": 1, "total_mb": 1.0, "largest_mb": {}},
    } | changes


def test_ratio_without_an_aim_is_not_judged() -> None:
    assert "| without an aim | 2 | 1 to 3 |  |  |" in serving_page.page(report())


def test_page_of_aims_alone_leaves_out_what_has_none() -> None:
    bulk = {
        "all": {"pictures_per_second": Aim(1, is_least=True).judge(Spread((4.0,)))},
        "one process": {"pictures_per_second": Spread((4.0,)).to_dict()},
    }
    assert aims_page.page(report(bulk=bulk)).splitlines() == [
        "| Some CPU | median | spread | aimed at | held |",
        "| --- | --- | --- | --- | --- |",
        "| held | 2 | 1 to 3 | >= 2 | yes |",
        "| missed | 2 | 1 to 3 | <= 1 | **no** |",
        "| scan, all, a second | 4 | 4 to 4 | >= 1 | yes |",
    ]
