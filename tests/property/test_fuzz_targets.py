"""The seeds of fuzzing hold, and its runner reads what libFuzzer prints."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import run
from tests.fuzz.targets import REPOSITORY, TARGETS, crash_prefix

#: The end of what is printed where a check does not hold.
BROKEN = """
#2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 40Mb
#812\tNEW    cov: 26 ft: 92 corp: 25/1451b lim: 652 exec/s: 2025 rss: 41Mb L: 2/6 MS: 2

 === Uncaught Python exception: ===
AssertionError: nothing may be raised
Traceback (most recent call last):
==7== ERROR: libFuzzer: fuzz target exited
stat::peak_rss_mb:              41
Test unit written to {path}
"""


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_hold(name: str) -> None:
    target = importlib.import_module(f"tests.fuzz.{name}")
    seeds = list(target.seeds())
    assert len(seeds) >= 8
    for seed in (*seeds, b"", b"\xff", bytes(target.MAX_LEN)):
        assert len(seed) <= target.MAX_LEN
        target.check(seed)


def test_what_broke_is_reported_with_the_line_that_breaks_it_again() -> None:
    path = f"{crash_prefix('decoder')}crash-0"
    text = BROKEN.format(path=path)
    again = "python -m tests.fuzz.one decoder out/fuzz/crashes/decoder-crash-0"
    why = "AssertionError: nothing may be raised"
    assert run.crashes("decoder", 77, text) == [{"why": why, "again": again}]
    assert run.counters(text) == {
        "executions": 812,
        "coverage": 26,
        "features": 92,
        "peak_rss_mb": 41,
    }


def test_process_that_was_killed_counts_as_broken() -> None:
    (crash,) = run.crashes("decoder", -9, "#1\nkilled\n")
    assert crash["why"].endswith("killed")
    assert run.crashes("decoder", 0, "") == []


@pytest.mark.slow
def test_runner_fuzzes_and_prints_one_object() -> None:
    pytest.importorskip("atheris")
    command = [sys.executable, "-m", "tests.fuzz.run", "--minutes", "0.05"]
    done = subprocess.run(
        [*command, "--target", "face_crop", "--seed", "1"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["crashes"] == 0
    found = report["targets"]["face_crop"]
    assert found["executions"] > 0 and found["coverage"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(("name", "status"), [("face_crop", 0), ("nonsense", 1)])
def test_one_input_can_be_tried_again(tmp_path: Path, name: str, status: int) -> None:
    pytest.importorskip("atheris")
    again = tmp_path / "input"
    again.write_bytes(b"\0" * 20)
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.one", name, str(again)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stderr
