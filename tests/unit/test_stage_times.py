"""Stages are timed, also those that fail, and add up."""

import time

import pytest

from deepfake_detector.stage_times import StageTimes


def test_stages_of_several_pictures_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 5.0, 7.0, 10.0, 10.5])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    times = StageTimes()
    for name in ("faces", "model", "faces"):
        with times.stage(name):
            pass
    assert times.seconds == {"faces": 1.5, "model": 2.0}


def test_a_stage_that_fails_counts_too() -> None:
    times = StageTimes()
    with pytest.raises(ValueError, match="damaged"), times.stage("decode"):
        raise ValueError("damaged")
    assert times.seconds["decode"] >= 0.0
    assert list(times.seconds) == ["decode"]
