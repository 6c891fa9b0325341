"""``python train.py`` for real: put to sleep, killed, short of disk, two at once."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from deepfake_detector.config import REPOSITORY
from tests.drawn_sets import write_drawn_set
from tests.faults.crowded import until
from tests.faults.fault_table import fault
from tests.faults.private_disk import private_disk
from tests.faults.wall_clock import WallClock

pytestmark = [pytest.mark.tf, pytest.mark.slow]

Observed = Callable[[str], None]

#: Longest that TensorFlow and the first epochs may take, seconds.
PATIENCE_S = 600
EPOCHS = 6
HOUR_S = 3600.0


def options(place: Path, runs: Path) -> list[str]:
    """A run that takes seconds, and in it an epoch that can be hit."""
    settings = {
        "dataset": "folder",
        "data_dir": place / "drawn",
        "cache_dir": place / "cache",
        "output": runs,
        "architecture": "compact",
        "crop": "whole",
        "image_size": 16,
        "batch_size": 2,
        "learning_rate": 0.001,
        "epochs": EPOCHS,
    }
    pairs = ((f"--{name.replace('_', '-')}", str(v)) for name, v in settings.items())
    return [word for pair in pairs for word in pair] + ["--no-score-test"]


@contextmanager
def training(
    words: list[str], before: tuple[str, ...] = (), **environ: str
) -> Iterator[subprocess.Popen[str]]:
    """A training in a process of its own, killed when the block ends."""
    with subprocess.Popen(
        [*before, sys.executable, "train.py", *words],
        cwd=REPOSITORY,
        env=os.environ | environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def end_of(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its status, and what it said."""
    _, said = process.communicate(timeout=PATIENCE_S)
    return process.returncode, said


def wait_for_epoch(runs: Path, number: int, process: subprocess.Popen[str]) -> Path:
    """The only run folder, once an epoch is done."""

    def is_done() -> bool:
        assert process.poll() is None, process.communicate()[1]
        if not runs.is_dir():
            return False
        return any(epochs_done(run) >= number for run in runs.iterdir())

    until(is_done, PATIENCE_S)
    (run,) = runs.iterdir()
    return run


def losses(run: Path) -> list[float]:
    with (run / "history.csv").open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("place")
    write_drawn_set(place / "drawn")
    return place


@dataclass(frozen=True)
class Pair:
    """Two runs that were started at once, with an empty cache; one was put to sleep."""

    runs: Path
    uncut: list[float]
    slept: list[float]


def run_of(process: subprocess.Popen[str]) -> Path | None:
    """The run folder that a process holds the lock of."""
    assert process.poll() is None, process.communicate()[1]
    for file in Path(f"/proc/{process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed just now
            if file.readlink().name == "training.lock":
                return file.readlink().parent
    return None


def epochs_done(run: Path) -> int:
    """How many the checkpoint of a run holds; TensorFlow need not be loaded to tell."""
    state = run / "checkpoint" / "state.json"
    return int(json.loads(state.read_text())["epoch"]) if state.is_file() else 0


def epochs_of(process: subprocess.Popen[str]) -> int:
    """How many a process has done."""
    run = run_of(process)
    return epochs_done(run) if run else 0


@pytest.fixture(scope="module")
def pair(place: Path) -> Pair:
    clock = WallClock(place / "clock")
    runs, words = place / "pair", options(place, place / "pair")
    with training(words) as one, training(words, **clock.settings) as two:
        until(lambda: epochs_of(two) > 0, PATIENCE_S)
        sleeper = run_of(two)
        two.send_signal(signal.SIGSTOP)
        time.sleep(2)
        clock.jump(HOUR_S)
        two.send_signal(signal.SIGCONT)
        for process in (one, two):
            status, said = end_of(process)
            assert status == 0, said
    (other,) = [run for run in runs.iterdir() if run != sleeper]
    assert sleeper is not None
    return Pair(runs, losses(other), losses(sleeper))


@pytest.fixture
def uncut(pair: Pair) -> list[float]:
    """The losses of a run that nothing happened to."""
    assert len(pair.uncut) == EPOCHS
    return pair.uncut


@fault(
    "two trainings started at once, with one folder of runs and one empty cache",
    "each has a run folder of its own and the same numbers; one cache, whole",
)
def test_two_at_once(place: Path, pair: Pair, observed: Observed) -> None:
    assert len(list(pair.runs.iterdir())) == 2
    caches = list((place / "cache" / "crops").iterdir())
    assert [path.name for path in caches if path.name.startswith(".")] == []
    observed("two folders, the same losses, nothing half in the cache")


@fault(
    "the machine sleeps in the middle of an epoch and wakes an hour later by its clock",
    "the training goes on as if nothing had been",
)
def test_sleep(pair: Pair, uncut: list[float], observed: Observed) -> None:
    assert pair.slept == pytest.approx(uncut, rel=1e-5)
    observed("the losses of the run that did not sleep")


@fault(
    "a training killed (kill -9) in the middle of an epoch, after a second process "
    "was told to resume the same run",
    "the second is refused while the first lives; resumed later, it ends as if uncut",
)
def test_killed(
    place: Path, tmp_path: Path, uncut: list[float], observed: Observed
) -> None:
    runs = tmp_path / "runs"
    with training(options(place, runs)) as process:
        run = wait_for_epoch(runs, 2, process)
        process.send_signal(signal.SIGSTOP)
        with training(["--resume", str(run)]) as second:
            status, said = end_of(second)
        assert status == 2
        assert f"another process is training in {run.name}" in said
        assert "Traceback" not in said
        process.send_signal(signal.SIGKILL)
    assert len(losses(run)) < EPOCHS
    with training(["--resume", str(run)]) as process:
        status, said = end_of(process)
    assert status == 0, said
    assert losses(run) == pytest.approx(uncut, rel=1e-5)
    observed("refused in one line; then the losses of the run that was not killed")


@fault(
    "the disk fills up while a network is trained",
    "one line that says so, the last checkpoint kept; resumed once there is room",
)
def test_full_disk(
    place: Path, tmp_path: Path, uncut: list[float], observed: Observed
) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    with private_disk(runs, "64m") as disk:
        with training(options(place, runs), disk.entered) as process:
            wait_for_epoch(disk.content, 1, process)
            process.send_signal(signal.SIGSTOP)
            disk.fill()
            process.send_signal(signal.SIGCONT)
            status, said = end_of(process)
        assert status == 2, said
        assert "No space left on device" in said
        assert "Traceback" not in said
        (run,) = [path for path in disk.content.iterdir() if path.is_dir()]
        assert 1 <= epochs_done(run) < EPOCHS
        disk.make_room()
        words = ["--resume", str(runs / run.name)]
        with training(words, disk.entered) as process:
            status, said = end_of(process)
        assert status == 0, said
        assert losses(run) == pytest.approx(uncut, rel=1e-5)
    observed("one line; then the losses of the run that had room")
