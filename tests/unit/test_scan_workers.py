"""Processes are started for real: a few seconds each."""

import errno
import json
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from deepfake_detector import scan_workers
from deepfake_detector.artifact import ModelCard, write_artifact
from deepfake_detector.config import ServeConfig
from deepfake_detector.exceptions import ArtifactError, DeepfakeDetectorError
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.found_picture import FoundPicture, held
from deepfake_detector.scan_judge import ScanSettings
from deepfake_detector.scan_row import JSON_LINES
from deepfake_detector.scan_workers import ScanWorkers
from tests.picture_files import drawn

#: A read that ends its process at once, whatever it is given.
DEADLY = os._exit


@pytest.fixture
def settings(tmp_path: Path) -> ScanSettings:
    card = ModelCard("stand-in", "compact", (32, 32, 3), CROP_RULES["whole"])
    write_artifact(tmp_path / "model", card, lambda staging: None)
    config = ServeConfig(model_dir=tmp_path / "model", backend="constant")
    return ScanSettings(config.to_dict(), JSON_LINES)


def pictures(count: int) -> list[FoundPicture]:
    data = drawn("PNG")
    return [FoundPicture(f"{n}", False, partial(held, data)) for n in range(count)]


def chunked(found: list[FoundPicture], size: int) -> Iterator[Sequence[FoundPicture]]:
    yield from (found[start : start + size] for start in range(0, len(found), size))


def judged(
    workers: ScanWorkers, found: list[FoundPicture], size: int = 4
) -> list[tuple[str, str | None]]:
    lines = (line for part in workers.judge(chunked(found, size)) for line in part)
    rows = [json.loads(line) for line in lines]
    return [(row["path"], row["error"]) for row in rows]


def test_rows_come_in_order_and_no_more_processes_than_asked(
    settings: ScanSettings,
) -> None:
    found = pictures(50)
    with ScanWorkers(settings, "m", 2) as workers:
        assert judged(workers, found) == [(p.path, None) for p in found]
        assert len(workers.process_ids) == 2
        assert judged(workers, []) == []
        assert judged(workers, found[:1]) == [("0", None)]


def test_a_picture_that_ends_its_worker_gets_a_row_and_no_other_is_lost(
    settings: ScanSettings,
) -> None:
    found = pictures(10)
    for place in (2, 3, 9):
        found[place] = FoundPicture(f"{place}", False, DEADLY)
    with ScanWorkers(settings, "m", 2) as workers:
        answers = judged(workers, found)
    assert answers == [
        (str(n), "WorkerDiedError" if n in (2, 3, 9) else None) for n in range(10)
    ]


def test_killed_workers_are_replaced(settings: ScanSettings) -> None:
    found = pictures(60)
    with ScanWorkers(settings, "m", 2) as workers:
        rows: list[str] = []
        for part in workers.judge(chunked(found, 2)):
            rows += [json.loads(line)["path"] for line in part]
            if len(rows) in (8, 20):
                os.kill(workers.process_ids[0], signal.SIGKILL)
    assert rows == [picture.path for picture in found]


def test_what_is_judged_holds_no_bytes(settings: ScanSettings) -> None:
    """Its lines may wait for a slow chunk before them."""
    chunk = scan_workers._Chunk(pictures(2))
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs:
        for place, held_after in ((0, 2), (1, 0)):
            part = scan_workers._Part(chunk, (place,))
            worker = SimpleNamespace(pipe=ours, part=part, is_ready=True)
            theirs.send(("lines", [b"line"]))
            ScanWorkers(settings, "m", 1)._receive(worker)  # type: ignore[arg-type]
            assert len(chunk.pictures) == held_after
    assert chunk.lines == [b"line", b"line"]


def test_a_model_that_cannot_be_loaded_is_said(settings: ScanSettings) -> None:
    broken = ScanSettings(ServeConfig(model_dir=Path("missing")).to_dict(), JSON_LINES)
    with (
        pytest.raises(ArtifactError, match="expected a folder"),
        ScanWorkers(broken, "m", 2) as workers,
    ):
        judged(workers, pictures(3))


def test_a_disk_that_is_full_while_a_model_loads_is_said(
    settings: ScanSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(settings: ScanSettings) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(scan_workers, "ScanJudge", full)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs:
        scan_workers._work(settings, theirs)
        kind, (error, text) = ours.recv()
    assert (kind, error) == ("failed", "StorageError")
    assert text == (
        "the model cannot be loaded (No space left on device); free some space and try "
        "again"
    )


def test_processes_that_cannot_begin_are_not_started_for_ever(
    settings: ScanSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "deepfake_detector.scan_workers._work", DEADLY_WORK, raising=True
    )
    with (
        pytest.raises(DeepfakeDetectorError, match="end before they can begin"),
        ScanWorkers(settings, "m", 1) as workers,
    ):
        judged(workers, pictures(3))


#: Takes two arguments and raises, as a worker does that has no memory to begin.
DEADLY_WORK = divmod


def test_nothing_runs_on_after_the_block(settings: ScanSettings) -> None:
    with ScanWorkers(settings, "m", 2) as workers:
        judged(workers, pictures(8))
        ids = workers.process_ids
    # They were waited for when the block ended.
    assert not any(Path(f"/proc/{number}").exists() for number in ids)
