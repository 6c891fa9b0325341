"""Numbers of several processes, in processes of their own: the folder is for good."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deepfake_detector.config import REPOSITORY

BEGIN = """
import os, sys
from pathlib import Path
from deepfake_detector.verdict import Verdict
from deepfake_detector.web import metric_files
from deepfake_detector.web.prometheus import Metrics

def worker(place, work):
    child = os.fork()
    if child == 0:
        metric_files.take(place)
        work()
        os._exit(0)
    os.waitpid(child, 0)

def told(name):
    lines = metrics.text().decode().splitlines()
    return sum(float(x.split()[-1]) for x in lines if x.startswith(name))

def judge():
    metrics.in_hand.inc()
    metrics.count_picture(Verdict.LIKELY_FAKE)

folder = metric_files.share()
metrics = Metrics()
"""


def run(script: str, **environ: str) -> str:
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", BEGIN + script],
        cwd=REPOSITORY,
        env=os.environ | environ,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_workers_add_up_and_their_ends_lose_nothing() -> None:
    run("""
taken = []
for _ in range(2):
    taken.append(metric_files.free_place(taken))
assert taken == [0, 1]
for place in taken:
    worker(place, judge)
assert told("deepfake_verdicts_total") == 2
assert told("deepfake_in_hand") == 2
metric_files.leave(0)
assert told("deepfake_verdicts_total") == 2
assert told("deepfake_in_hand") == 1
assert metric_files.free_place([1]) == 0
worker(0, judge)
worker(0, judge)
assert told("deepfake_verdicts_total") == 4
""")


def test_hundred_workers_leave_no_more_files_than_one() -> None:
    run("""
worker(metric_files.free_place([]), judge)
files = len(list(folder.iterdir()))
for _ in range(100):
    worker(metric_files.free_place([]), judge)
    metric_files.leave(0)
assert len(list(folder.iterdir())) == files - 1  # what was in hand is forgotten
assert told("deepfake_verdicts_total") == 101
assert told("deepfake_in_hand") == 0
""")


def test_worker_finds_its_files_whole() -> None:
    """What a worker makes itself is empty at first: numbers read just then failed."""
    run("""
place = metric_files.free_place([])
made = {file.name: file.stat().st_size for file in folder.iterdir()}
assert len(made) == 6 and all(made.values())
worker(place, judge)
assert {file.name for file in folder.iterdir()} == set(made)
""")


def test_lowest_free_place_is_given() -> None:
    run("""
assert [metric_files.free_place(x) for x in ([], [0], [1], [0, 2], [0, 1])] == [
    0, 1, 0, 1, 2]
""")


def test_folder_is_private_and_goes_with_its_process_alone() -> None:
    folder = run("""
assert metric_files.share() == folder
assert folder.stat().st_mode & 0o777 == 0o700
child = os.fork()
if child == 0:
    sys.exit()  # a forked worker ends
os.waitpid(child, 0)
assert folder.is_dir()
print(folder)
""")
    assert not Path(folder.strip()).exists()


def test_folder_that_cannot_be_made_is_an_error_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run("""
from deepfake_detector.exceptions import ConfigError
metric_files._folder = None
metric_files._SHARED_MEMORY = "/nowhere"
metric_files.tempfile.mkdtemp = lambda **_: open("/nowhere/at/all")
try:
    metric_files.share()
except ConfigError as error:
    assert "set TMPDIR" in str(error) and "nowhere" not in str(error)
else:
    sys.exit("no error")
""")


def test_folder_of_the_environment_is_not_taken_over(tmp_path: Path) -> None:
    run("assert str(folder) != sys.argv[0]", PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    assert list(tmp_path.iterdir()) == []
