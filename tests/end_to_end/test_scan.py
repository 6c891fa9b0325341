"""`scan` as people run it: killed, stopped, without space, twice at once, over Ray."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pyarrow import parquet

from deepfake_detector.artifact import ModelCard, write_artifact
from deepfake_detector.cli import main
from deepfake_detector.config import REPOSITORY
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.file_lock import only_process
from deepfake_detector.scan_journal import journal_folder
from tests.picture_files import drawn

TIMEOUT_S = 300
SMALL = 1600


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Options for a model that answers at once: what is tested is what is around it."""
    folder = tmp_path_factory.mktemp("scan") / "model"
    card = ModelCard("stand-in", "compact", (32, 32, 3), CROP_RULES["whole"])
    write_artifact(folder, card, lambda staging: None)
    return ("--model-dir", str(folder), "--backend", "constant")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder and a zip of pictures, some of which are none."""
    folder = tmp_path_factory.mktemp("pictures")
    data = drawn("JPEG")
    with zipfile.ZipFile(folder / "half.zip", "w") as archive:
        for number in range(SMALL // 2):
            archive.writestr(f"in/{number:04}.jpg", data)
    for number in range(SMALL // 2):
        path = folder / f"{number:04}.jpg"
        path.write_bytes(data if number % 50 else b"not a picture")
    return folder


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "deepfake_detector", "scan", *map(str, arguments)]


def run(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=REPOSITORY,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )


@contextmanager
def started(*arguments: object, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """A scan in a process group of its own, of which nothing is left."""
    process = subprocess.Popen(
        command(*arguments),
        cwd=REPOSITORY,
        env=os.environ | environ,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        end_group(process, signal.SIGKILL)


#: A scan that is ended from within, so that it is the same on any machine: when so many
#: rows are there, and the beginning of another, the signal comes.
CUT = """
import os, signal, sys
from deepfake_detector.cli import main
from deepfake_detector.scan_journal import ScanJournal

number, whole_group, rows = int(sys.argv[1]), sys.argv[2] == "group", int(sys.argv[3])
append = ScanJournal.append

def appending(self, lines, done):
    append(self, lines, done)
    if done + len(lines) >= rows:
        os.write(self._file, lines[0][:9])
        os.killpg(0, number) if whole_group else os.kill(os.getpid(), number)

ScanJournal.append = appending
# A shell starts what is to run in the background without it.
signal.signal(signal.SIGINT, signal.default_int_handler)
main(["scan", *sys.argv[4:]], prog_name="cut")
"""


@contextmanager
def cut(
    number: int, rows: int, *arguments: object, whom: str = "group"
) -> Iterator[subprocess.Popen[bytes]]:
    """A scan that a signal has met after so many rows, and of which nothing is left."""
    process = subprocess.Popen(
        [sys.executable, "-c", CUT, *map(str, (number, whom, rows, *arguments))],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        process.wait(TIMEOUT_S)
        yield process
    finally:
        end_group(process, signal.SIGKILL)


def end_group(process: subprocess.Popen[bytes], number: int) -> str:
    """Send a signal to all its processes, wait, and return what it said."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass
    _, said = process.communicate(timeout=TIMEOUT_S)
    return said.decode()


def wait_for(
    is_so: Callable[[], bool], process: subprocess.Popen[bytes], every_s: float
) -> None:
    end = time.monotonic() + TIMEOUT_S
    while not is_so() and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(every_s)


def rows_kept(out: Path) -> int:
    try:
        return (journal_folder(out) / "rows").read_bytes().count(b"\n")
    except OSError:
        return 0


def paths_of(out: Path) -> list[str]:
    if out.suffix == ".csv":
        with out.open(newline="") as file:
            return [row["path"] for row in csv.DictReader(file)]
    if out.suffix == ".parquet":
        found: list[str] = parquet.read_table(out).column("path").to_pylist()
        return found
    return [json.loads(line)["path"] for line in out.read_text().splitlines()]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_killed_scans_give_what_an_uncut_one_gives(
    model: tuple[str, ...], pictures: Path, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"cut{suffix}"
    arguments = (pictures, "--out", out, "--workers", 2, *model)
    for rows in (40, 120):
        with cut(signal.SIGKILL, rows, *arguments) as scan:
            assert scan.returncode == -signal.SIGKILL
        assert rows <= rows_kept(out) < SMALL
    last = run(*arguments)
    assert last.returncode == 1, last.stderr  # some are no pictures
    assert f"wrote {SMALL:,} rows" in last.stderr
    whole = tmp_path / f"whole{suffix}"
    run(pictures, "--out", whole, "--workers", 1, *model)
    assert len(set(paths_of(out))) == len(paths_of(out)) == SMALL
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [out.name, whole.name]
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_scan_says_how_to_go_on(
    model: tuple[str, ...], pictures: Path, tmp_path: Path, number: int
) -> None:
    out = tmp_path / "a.jsonl"
    arguments = (pictures, "--out", out, "--workers", 2, *model)
    with cut(number, 40, *arguments) as scan:
        said = end_group(scan, signal.SIGKILL)
        assert scan.returncode == 130, said
    assert "give the same command without --overwrite to go on" in said
    assert "Traceback" not in said
    run(*arguments)
    assert len(set(paths_of(out))) == len(paths_of(out)) == SMALL


def test_workers_end_with_the_command_that_was_killed(
    model: tuple[str, ...], pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a.jsonl"
    arguments = (pictures, "--out", out, "--workers", 2, *model)
    with cut(signal.SIGKILL, 40, *arguments, whom="command") as scan:
        assert scan.returncode == -signal.SIGKILL
        end = time.monotonic() + TIMEOUT_S
        while group_lives(scan.pid):
            assert time.monotonic() < end
            time.sleep(0.05)


def group_lives(group: int) -> bool:
    """Whether any process of a group is left that is not dead already."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(of) == group and state != "Z":
            return True
    return False


def test_a_full_disk_loses_nothing(
    model: tuple[str, ...], pictures: Path, tmp_path: Path
) -> None:
    """A limit on the size of files stands in for the disk: writing fails midway."""
    out = tmp_path / "a.jsonl"
    arguments = (pictures, "--out", out, "--workers", 1, *model)
    limited = ["bash", "-c", 'ulimit -f 32; exec "$@"', "-", *command(*arguments)]
    done = subprocess.run(
        limited, cwd=REPOSITORY, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert done.returncode == 2
    assert "a.jsonl: cannot be written (File too large)" in done.stderr
    assert "rows that are kept" in done.stderr
    assert rows_kept(out) > 10
    run(*arguments)
    assert len(set(paths_of(out))) == len(paths_of(out)) == SMALL


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["scan", *map(str, arguments)])


def test_what_cannot_be_is_refused_in_a_line(
    model: tuple[str, ...], pictures: Path, tmp_path: Path
) -> None:
    one, out = pictures / "0001.jpg", tmp_path / "a.csv"
    (tmp_path / "there.csv").write_text("mine")
    cases = {
        "expected a name that ends in .csv": (one, "--out", tmp_path / "a.xlsx"),
        "found nothing there": (tmp_path / "missing", "--out", out),
        "at most one **": (f"{tmp_path}/**/x/**/y", "--out", out),
        "it is there already": (one, "--out", tmp_path / "there.csv"),
        "its folder does not exist or may not be written to": (
            one,
            "--out",
            tmp_path / "no" / "a.csv",
        ),
        "expected a number from 0 to 1": (one, "--out", out, "--threshold", "2"),
        "unknown backend": (one, "--out", out, "--backend", "none"),
        "is not in the range": (one, "--out", out, "--workers", "0"),
        "is not one of": (one, "--out", out, "--engine", "spark"),
    }
    for words, arguments in cases.items():
        options = model if "--backend" not in arguments else model[:2]
        result = invoke(*arguments, *options)
        assert words in result.stderr, (words, result.stderr)
        assert result.exit_code == 2
        assert str(tmp_path) not in result.stderr.replace(str(arguments[0]), "")
    with only_process(tmp_path / ".a.csv.lock"):
        result = invoke(one, "--out", out, *model)
    assert "another scan is writing it" in result.stderr
    assert (result.exit_code, out.exists()) == (2, False)
    assert (tmp_path / "there.csv").read_text() == "mine"


def test_going_on_with_something_else_is_refused(
    model: tuple[str, ...], tmp_path: Path
) -> None:
    folder, out = tmp_path / "p", tmp_path / "a.csv"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number:02}.jpg").write_bytes(drawn("JPEG"))
    arguments = (folder, "--out", out, "--workers", 1, *model)
    with cut(signal.SIGKILL, 16, *arguments):
        assert rows_kept(out) > 16
    result = invoke(*arguments, "--threshold", "0.3")
    assert result.exit_code == 2
    assert "other settings (threshold null, now 0.3)" in result.stderr
    (folder / "00a.jpg").write_bytes(drawn("JPEG"))
    result = invoke(*arguments)
    assert "the pictures have changed since" in result.stderr
    assert "00a.jpg" in result.stderr
    assert invoke(*arguments, "--overwrite").exit_code == 0
    assert len(paths_of(out)) == 41
    assert invoke(*arguments).exit_code == 2  # it is finished
    assert invoke(*arguments, "--overwrite").exit_code == 0


def test_patterns_archives_and_files_are_scanned_together(
    model: tuple[str, ...], pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a.csv"
    result = invoke(
        f"{pictures}/00*.jpg", pictures / "half.zip", pictures, "--out", out, *model
    )
    assert result.exit_code == 1
    found = paths_of(out)
    assert len(set(found)) == len(found) == SMALL
    assert found[0] == f"{pictures}/0000.jpg"
    assert found[100] == f"{pictures}/half.zip!in/0000.jpg"


def test_nothing_to_scan_is_an_empty_table(
    model: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "notes.txt").touch()
    out = tmp_path / "a.csv"
    result = invoke(tmp_path / "p", "--out", out, *model)
    assert result.exit_code == 0
    assert "passed over: 1 other kinds of file" in result.stderr
    assert (paths_of(out), len(out.read_text().splitlines())) == ([], 1)


@pytest.mark.slow
def test_research_pictures_get_one_row_each_across_a_kill(
    shared_data: Path, tmp_path: Path
) -> None:
    archive, out = shared_data / "real_vs_fake.zip", tmp_path / "rows.parquet"
    arguments = (archive, "--out", out, "--no-stability")
    with cut(signal.SIGKILL, 300, *arguments):
        assert 300 <= rows_kept(out) < 1100
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(archive) as source:
        names = [f"{archive}!{name}" for name in source.namelist()]
    assert paths_of(out) == names


def workers_of_ray(mark: str) -> list[int]:
    """Ids of Ray's workers that were started by the command with that mark."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            is_worker = (folder / "cmdline").read_bytes().startswith(b"ray::Map")
            if is_worker and mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except (OSError, ValueError):
            continue
    return found


@pytest.mark.slow
def test_killed_workers_of_ray_lose_and_repeat_no_row(
    model: tuple[str, ...], pictures: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ray.data")
    out, mark = tmp_path / "a.jsonl", uuid.uuid4().hex
    arguments = (pictures, "--out", out, "--engine", "ray", "--workers", 2, *model)
    killed: list[int] = []
    with started(*arguments, SCAN_TEST_MARK=mark, RAY_ADDRESS="") as scan:
        for _ in range(2):
            wait_for(lambda: bool(set(workers_of_ray(mark)) - set(killed)), scan, 0.05)
            fresh = set(workers_of_ray(mark)) - set(killed)
            if not fresh:
                pytest.fail(f"Ray has no worker: {end_group(scan, signal.SIGKILL)}")
            killed.append(fresh.pop())
            os.kill(killed[-1], signal.SIGKILL)
        _, said = scan.communicate(timeout=TIMEOUT_S)
        assert scan.returncode == 1, said.decode()
    whole = tmp_path / "whole.jsonl"
    run(pictures, "--out", whole, "--workers", 1, *model)
    assert len(set(paths_of(out))) == len(paths_of(out)) == SMALL
    assert out.read_bytes() == whole.read_bytes()
    assert len(set(killed)) == 2
