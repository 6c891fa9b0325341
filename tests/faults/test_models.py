"""The shipped model's folder changed under the running server."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from deepfake_detector.config import REPOSITORY
from tests.end_to_end.real_server import GUNICORN, RealServer
from tests.faults.crowded import log_is_calm, post, status_of, until, workers
from tests.faults.fault_table import fault

pytestmark = pytest.mark.slow

Start = Callable[..., RealServer]
Observed = Callable[[str], None]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the shipped model."""
    return shutil.copytree(REPOSITORY / "models" / "default", tmp_path / "shipped")


def settings(model: Path) -> dict[str, str]:
    return {"DEEPFAKE_BACKEND": "openvino", "DEEPFAKE_MODEL_DIR": str(model)}


def score(server: RealServer, picture: bytes) -> float:
    return float(post(server, picture).json()["p_fake"])


def kill_workers(server: RealServer) -> None:
    """Kill all workers, and wait until there are new ones."""
    old = workers(server)
    for worker in old:
        os.kill(worker, signal.SIGKILL)
    until(lambda: len(set(workers(server)) - set(old)) == len(old))


def reload(server: RealServer) -> None:
    """SIGHUP, and wait until all workers are new."""
    old = workers(server)
    os.kill(server.pid, signal.SIGHUP)
    until(lambda: len(workers(server)) == len(old) and not {*workers(server)} & {*old})


def delete(model: Path) -> None:
    shutil.rmtree(model)


def cut_short(model: Path) -> None:
    """Change the network's file in its place, which no careful tool does."""
    os.truncate(model / "model.tflite", 1000)


def replace(model: Path) -> None:
    """Put another model there."""
    card = json.loads((model / "card.json").read_text())
    card["calibration"]["bias"] += 3.0
    (model / "card.json").write_text(json.dumps(card))


CHANGES = pytest.mark.parametrize("change", [delete, cut_short, replace])


@fault(
    "the model's folder is deleted, cut short in place or replaced",
    "the running server goes on with the model that it loaded, also in new workers",
)
@CHANGES
def test_model_changed(
    start: Start,
    observed: Observed,
    model: Path,
    portrait_jpeg: bytes,
    change: Callable[[Path], None],
) -> None:
    server = start(**settings(model))
    before = score(server, portrait_jpeg)
    change(model)
    assert score(server, portrait_jpeg) == before
    kill_workers(server)
    assert score(server, portrait_jpeg) == before
    assert status_of(server, "readyz") == 200
    assert log_is_calm(server)
    observed("the same scores before, after, and from workers started since")


@fault(
    "SIGHUP after the model's folder was deleted, cut short or replaced",
    "new workers with the model that was loaded: another one takes a restart",
)
@CHANGES
def test_reload_after_change(
    start: Start,
    observed: Observed,
    model: Path,
    portrait_jpeg: bytes,
    change: Callable[[Path], None],
) -> None:
    server = start(**settings(model))
    before = score(server, portrait_jpeg)
    change(model)
    reload(server)
    assert score(server, portrait_jpeg) == before
    assert log_is_calm(server)
    observed("all workers new, the same scores")


@fault(
    "a restart after the model's folder was deleted or cut short",
    "one line that says what is wrong, status 2, before anything listens",
)
@pytest.mark.parametrize("change", [delete, cut_short])
def test_start_without_model(
    ended: Callable[..., tuple[int, str]],
    observed: Observed,
    model: Path,
    change: Callable[[Path], None],
) -> None:
    change(model)
    status, said = ended(GUNICORN, **settings(model))
    assert status == 2
    assert said.startswith("Error: ")
    assert "Traceback" not in said
    assert str(model) not in said
    observed("one line, status 2")
