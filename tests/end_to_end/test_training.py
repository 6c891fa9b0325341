"""``python train.py`` for real: trained, cut, gone on with, saved and served."""

import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click.testing
import numpy as np
import pytest

from deepfake_detector.config import REPOSITORY, ServeConfig
from deepfake_detector.detector import Detector
from deepfake_detector.labels import CLASS_NAMES, FAKE
from deepfake_detector.train_model import TrainModel
from deepfake_detector.training_checkpoint import TrainingState
from deepfake_detector.verdict import Verdict
from tests.drawn_sets import write_drawn_set

pytestmark = [pytest.mark.tf, pytest.mark.slow]

#: Of a picture, pixels; smaller ones are not judged.
SIDE = 80

#: Most seconds until the first checkpoint of a training in a process of its own.
PATIENCE_S = 240


def arguments(place: Path, **changes: Any) -> list[str]:
    """Options of a run that takes seconds."""
    settings = {
        "dataset": "folder",
        "data_dir": place / "drawn",
        "cache_dir": place / "cache",
        "output": place / "runs",
        "architecture": "compact",
        "crop": "whole",
        "image_size": 32,
        "batch_size": 4,
        "learning_rate": 0.001,
        "epochs": 8,
    } | changes
    options = ((f"--{name.replace('_', '-')}", str(v)) for name, v in settings.items())
    return [word for option in options for word in option]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a drawn set whose 16 training pictures differ clearly."""
    place = tmp_path_factory.mktemp("place")
    write_drawn_set(place / "drawn", side=SIDE)
    return place


@pytest.fixture(scope="module")
def summary(place: Path) -> dict[str, Any]:
    """What the last line on stdout says after a whole run."""
    done = subprocess.run(
        [sys.executable, "train.py", *arguments(place)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_clearly_different_pictures_are_learned(summary: dict[str, Any]) -> None:
    for split in ("val", "test"):
        assert summary["metrics"][split]["folder"]["auc"] == 1.0
    assert summary["metrics"]["test"]["folder"]["accuracy"] == 1.0


def test_run_folder_holds_everything(summary: dict[str, Any], place: Path) -> None:
    run = Path(summary["run"])
    assert run.parent == place / "runs"
    assert {path.name for path in run.iterdir()} == {
        "checkpoint",
        "config.json",
        "confusion-test.png",
        "confusion-val.png",
        "curves.png",
        "mistakes.png",
        "history.csv",
        "metrics.json",
        "model",
        "provenance.json",
        "reliability-test.png",
        "reliability-val.png",
    }


def served(summary: dict[str, Any], backend: str) -> Detector:
    folder = Path(summary["run"]) / "model"
    return Detector.load(ServeConfig(model_dir=folder, backend=backend))


def test_trained_model_is_served_with_the_verdicts_it_learned(
    summary: dict[str, Any], place: Path
) -> None:
    detector = served(summary, "litert")
    for name in CLASS_NAMES:
        for path in (place / "drawn" / "Test" / name).iterdir():
            fake = name == CLASS_NAMES[FAKE]
            verdict = detector.analyse(path).verdict
            assert verdict == (Verdict.LIKELY_FAKE if fake else Verdict.LIKELY_REAL)


def test_litert_serves_the_numbers_of_keras(
    summary: dict[str, Any], place: Path
) -> None:
    detectors = [served(summary, backend) for backend in ("litert", "keras")]
    scores = np.array(
        [
            [detector.analyse(path).p_fake for detector in detectors]
            for path in (place / "drawn").rglob("*.png")
        ]
    )
    assert np.ptp(scores) > 0.5
    np.testing.assert_allclose(scores[:, 0], scores[:, 1], atol=1e-4)


@pytest.fixture
def training(place: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A training that would take hours, in a process of its own."""
    endless = {"epochs": 9999, "early_stopping_patience": 9999, "image_size": 16}
    options = arguments(place, output=tmp_path / "my runs", **endless)
    # A process that a script starts in the background is born deaf to Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, "train.py", *options],
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGINT, before)
    yield process
    process.kill()
    process.communicate()


def wait_for_checkpoint(runs: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not list(runs.glob("*/checkpoint/state.json")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_ctrl_c_leaves_a_run_that_goes_on(
    training: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import train

    wait_for_checkpoint(tmp_path / "my runs", training)
    training.send_signal(signal.SIGINT)
    _, stderr = training.communicate(timeout=PATIENCE_S)
    assert training.returncode == 130
    assert "Traceback" not in stderr

    said = "Stopped. Go on with: python train.py "
    (line,) = [s for s in stderr.splitlines() if s.startswith(said)]
    how = shlex.split(line.removeprefix(said))
    (run,) = (tmp_path / "my runs").iterdir()
    cut = TrainingState.read(run / "checkpoint")
    assert cut.epoch >= 1

    monkeypatch.setattr(TrainModel, "_conclude", lambda self, *args: {})
    one_more = ["--epochs", str(cut.epoch + 1)]
    result = click.testing.CliRunner().invoke(train.main, [*how, *one_more])
    assert result.exit_code == 0, result.output
    state = TrainingState.read(run / "checkpoint")
    assert [row["epoch"] for row in state.history] == list(range(1, cut.epoch + 2))
    assert state.history[: cut.epoch] == cut.history
