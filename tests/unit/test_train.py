"""The command line of training: what it reads, what it says, and how it ends."""

import inspect
import json
import shlex
from pathlib import Path
from typing import Any

import click
import click.testing
import keras
import pytest

from deepfake_detector import precision
from deepfake_detector.config import TrainConfig
from deepfake_detector.train_model import TrainModel

pytestmark = pytest.mark.tf

SUMMARY = {"run": "runs/one", "metrics": {"test": {"folder": {"auc": 0.9}}}}


def call(*arguments: str, **environ: str) -> click.testing.Result:
    import train

    return click.testing.CliRunner(env=environ).invoke(train.main, arguments)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[TrainModel]:
    """Runs that would have been trained."""
    runs: list[TrainModel] = []
    monkeypatch.setattr(precision, "computes_in_bfloat16", lambda: False)

    def run_training(self: TrainModel) -> dict[str, Any]:
        runs.append(self)
        click.echo("Epoch 1/1")
        return SUMMARY

    monkeypatch.setattr(TrainModel, "run_training", run_training)
    return runs


def test_no_arguments_mean_the_references_way(started: list[TrainModel]) -> None:
    assert call().exit_code == 0
    config = started[0].config
    assert config.dataset == ("openforensics",)
    assert (config.architecture, config.image_size, config.crop) == (
        "four_conv",
        128,
        "whole",
    )
    assert (config.learning_rate, config.batch_size, config.epochs) == (1e-4, 64, 50)
    assert (config.early_stopping_patience, config.reduce_lr_patience) == (10, 5)
    assert (config.augmentation, config.mixed_precision) == ("none", False)
    assert config.optimizer == "adam"
    assert (config.schedule, config.warmup_epochs) == ("plateau", 0)
    assert config.early_stopping_metric == "val_loss"
    assert (config.backbone_weights, config.head_epochs) == ("none", 0)
    assert (config.weight_decay, config.clip_norm, config.ema_decay) == (None,) * 3
    assert (config.label_smoothing, config.class_weights) == (0.0, False)
    assert config.strategy == "none"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), True),
        (("--no-mixed-precision",), False),
        (("--preset", "reference"), False),
        (("--preset", "default"), True),
    ],
)
def test_processor_with_tiles_computes_in_bfloat16_unless_told(
    started: list[TrainModel],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    expected: bool,
) -> None:
    monkeypatch.setattr(precision, "computes_in_bfloat16", lambda: True)
    assert call("--architecture", "compact", *arguments).exit_code == 0
    assert started[0].config.mixed_precision is expected


def test_no_arguments_build_the_references_network(started: list[TrainModel]) -> None:
    call()
    model = started[0].model
    model.compile_model()
    assert model.network.count_params() == 8_943_809
    assert isinstance(model.trainer.optimizer, keras.optimizers.Adam)
    assert float(model.trainer.optimizer.learning_rate) == pytest.approx(1e-4)


def test_last_line_on_stdout_is_json(started: list[TrainModel]) -> None:
    result = call("--architecture", "compact")
    assert result.exit_code == 0
    assert json.loads(result.stdout.splitlines()[-1]) == SUMMARY


def test_options_reach_the_run(started: list[TrainModel], tmp_path: Path) -> None:
    call(
        *("--dataset", "folder", "--dataset", "dfdc_faces"),
        *("--archive", "a.zip", "--archive", "b.zip"),
        *("--architecture", "compact", "--crop", "face", "--balance-sources"),
        *("--output", str(tmp_path), "--no-score-test"),
        DEEPFAKE_BATCH_SIZE="16",
        DEEPFAKE_CROP="whole",
    )
    config = started[0].config
    assert config.dataset == ("folder", "dfdc_faces")
    assert config.archive == (Path("a.zip"), Path("b.zip"))
    assert (config.architecture, config.crop) == ("compact", "face")
    assert (config.balance_sources, config.score_test) == (True, False)
    assert (config.output, config.batch_size) == (tmp_path, 16)


BAD_SETTINGS = {
    "no number": (["--epochs", "many"], "'many' is not a valid integer"),
    "no such option": (["--learn", "1"], "No such option '--learn'"),
    "too small": (["--epochs", "0"], "epochs (DEEPFAKE_EPOCHS): expected a number"),
    "not a number": (["--learning-rate", "nan"], "learning_rate (DEEPFAKE_LEARNING_"),
    "too large": (["--image-size", "4096"], "expected a number from 16 to 1024"),
    "unknown dataset": (
        ["--dataset", "faces"],
        "unknown dataset 'faces'; choose from: dfdc_faces, folder, ",
    ),
    "unknown architecture": (
        ["--architecture", "meso5"],
        "unknown architecture 'meso5'; choose from: baseline_64, compact, ",
    ),
    "unknown crop": (
        ["--crop", "half"],
        "unknown crop 'half'; choose from: face, whole",
    ),
    "unknown augmentation": (
        ["--augmentation", "weak"],
        "unknown augmentation 'weak'; choose from: none, robust, standard, strong",
    ),
    "too few archives": (
        ["--dataset", "folder", "--dataset", "dfdc_faces", "--archive", "a.zip"],
        "archive: expected one for each of the 2 datasets (folder, dfdc_faces), got 1",
    ),
    "too many folders": (
        ["--data-dir", "a", "--data-dir", "b"],
        "data_dir: expected one for each of the 1 datasets (openforensics), got 2",
    ),
    "archive and folder": (
        ["--archive", "a.zip", "--data-dir", "a"],
        "archive and data_dir: give one or the other, not both",
    ),
    "one address for two": (
        ["--dataset", "folder", "--dataset", "dfdc_faces", "--dataset-url", "http://x"],
        "dataset_url: works with one dataset, not several",
    ),
    "unknown schedule": (
        ["--schedule", "linear"],
        "expected one of plateau, cosine, constant, got 'linear'",
    ),
    "unknown metric": (
        ["--early-stopping-metric", "val_f1"],
        "expected one of val_loss, val_accuracy, val_precision, val_recall, val_auc",
    ),
    "body of a network without one": (
        ["--backbone-weights", "body.h5"],
        "backbone_weights: 'four_conv' has no body with published weights",
    ),
    "no run folder": (
        ["--resume", "nowhere"],
        "resume: expected a run folder with config.json, but 'nowhere' has none",
    ),
}


@pytest.mark.parametrize(
    ("arguments", "words"), BAD_SETTINGS.values(), ids=BAD_SETTINGS
)
def test_bad_setting_ends_in_one_line_that_says_what_is_wrong(
    arguments: list[str], words: str, started: list[TrainModel]
) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert not started
    assert result.stdout == ""
    # Click itself says first how the command is used.
    (line,) = [s for s in result.stderr.splitlines() if s.startswith("Error: ")]
    assert words in line
    assert result.stderr.endswith(line + "\n")


def test_our_own_refusals_are_the_only_line(started: list[TrainModel]) -> None:
    result = call("--epochs", "0")
    assert len(result.stderr.splitlines()) == 1


def test_bad_variable_is_named(started: list[TrainModel]) -> None:
    result = call(DEEPFAKE_EPOCHS="many")
    assert result.exit_code == 2
    assert result.stderr == "Error: DEEPFAKE_EPOCHS: expected int, got 'many'\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data-dir", "nowhere"], "--data-dir nowhere: there is no such folder"),
        (["--archive", "no.zip"], "--archive no.zip: there is no such file"),
        ([], "give --archive FILE or --data-dir DIR"),
    ],
)
def test_data_that_are_not_there_end_in_one_line(
    arguments: list[str], words: str, tmp_path: Path
) -> None:
    folders = ("--output", str(tmp_path / "runs"), "--cache-dir", str(tmp_path))
    result = call("--dataset", "folder", "--image-size", "16", *arguments, *folders)
    assert result.exit_code == 2
    assert words in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.output


def test_ctrl_c_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(self: TrainModel) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainModel, "run_training", cut)
    result = call("--image-size", "16", "--output", str(tmp_path / "my runs"))
    line = result.stderr.splitlines()[-1]
    command = shlex.split(line.removeprefix("Stopped. Go on with: "))
    assert result.exit_code == 130
    assert command[:3] == ["python", "train.py", "--resume"]
    assert Path(command[3]).parent == tmp_path / "my runs"
    assert len(command) == 4


def test_rate_is_looked_for_instead_of_training(
    started: list[TrainModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"run": "runs/one", "suggestion": 0.001}
    monkeypatch.setattr(TrainModel, "find_learning_rate", lambda self: found)
    result = call("--find-learning-rate")
    assert json.loads(result.stdout.splitlines()[-1]) == found
    assert not started


def test_help_lists_every_setting() -> None:
    text = call("--help").stdout
    for name in TrainConfig().to_dict():
        assert f"--{name.replace('_', '-')}" in text


#: What people who know the reference implementation look for.
REFERENCE_METHODS = {
    "DatasetHandler": {
        "download_dataset",
        "unzip_dataset",
        "get_image_dataset_from_directory",
        "load_split_data",
    },
    "DeepfakeDetectorModel": {
        "compile_model",
        "train_model",
        "evaluate_model",
        "save_model",
    },
    "TrainModel": {"run_training"},
}


@pytest.mark.parametrize(("name", "methods"), REFERENCE_METHODS.items())
def test_classes_and_methods_of_the_reference_are_there(
    name: str, methods: set[str]
) -> None:
    import train

    functions = dict(inspect.getmembers(getattr(train, name), inspect.isfunction))
    assert name in train.__all__
    assert methods <= set(functions)
