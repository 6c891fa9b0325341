"""A run from its settings to its folder, also when it is cut and resumed."""

import csv
import dataclasses
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector import architectures
from deepfake_detector.artifact import Artifact
from deepfake_detector.config import TrainConfig
from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.dataset_handler import DatasetHandler
from deepfake_detector.deepfake_detector_model import DeepfakeDetectorModel
from deepfake_detector.exceptions import ConfigError, DatasetError, TrainingError
from deepfake_detector.train_model import TrainModel
from deepfake_detector.training_checkpoint import TrainingState
from tests.drawn_sets import COUNTS, write_drawn_set
from tests.tiny_network import TINY_ARCHITECTURES, train_step_by_step

pytestmark = pytest.mark.tf


@pytest.fixture(scope="module", autouse=True)
def quick_networks() -> Iterator[None]:
    """A network of a few weights, run step by step: tracing it would take longer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(architectures, "ARCHITECTURES", TINY_ARCHITECTURES)
        train_step_by_step(patch)
        yield


@pytest.fixture(scope="module", autouse=True)
def every_epoch_a_plateau() -> Iterator[None]:
    """Let the learning rate fall after every epoch, whatever the numbers are here."""
    plateau = keras.callbacks.ReduceLROnPlateau
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plateau, "_is_improvement", lambda *args: False)
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the drawn set, one cache of crops and one folder of runs."""
    place = tmp_path_factory.mktemp("place")
    write_drawn_set(place / "drawn")
    return place


def options(place: Path, **changes: Any) -> dict[str, Any]:
    """Settings of a run of a moment, as the command line gives them."""
    return {
        "dataset": ("folder",),
        "data_dir": (place / "drawn",),
        "cache_dir": place / "cache",
        "output": place / "runs",
        "architecture": "tiny",
        "crop": "whole",
        "augmentation": "standard",
        "image_size": 24,
        "batch_size": 4,
        "learning_rate": 0.01,
        "reduce_lr_patience": 1,
        "epochs": 3,
    } | changes


def start(place: Path, **changes: Any) -> TrainModel:
    return TrainModel.from_options({}, **options(place, **changes))


def resume(run_dir: Path, **changes: Any) -> TrainModel:
    return TrainModel.from_options({}, resume=run_dir, **changes)


def state_of(run_dir: Path) -> TrainingState:
    return TrainingState.read(run_dir / "checkpoint")


def network_of(run_dir: Path) -> keras.Model:
    """The network and optimiser as the last checkpoint holds them."""
    return keras.saving.load_model(run_dir / "checkpoint" / state_of(run_dir).weights)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def finished(place: Path) -> tuple[TrainModel, dict[str, Any]]:
    """A run that was never cut, and what it returned."""
    run = start(place)
    return run, run.run_training()


@pytest.fixture
def copy(finished: tuple[TrainModel, Any], tmp_path: Path) -> Path:
    """A copy of the finished run's folder, to be changed."""
    return shutil.copytree(finished[0].run_dir, tmp_path / "copy")


@pytest.fixture
def only_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out scoring and exporting, which take longer than these trainings."""
    monkeypatch.setattr(TrainModel, "_conclude", lambda self, *args: {})


class CutAfter(keras.callbacks.Callback):
    """Presses Ctrl-C in the batch after so many."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.batches = batches

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self.batches == 0:
            raise KeyboardInterrupt
        self.batches -= 1


def cut_after(batches: int, patch: pytest.MonkeyPatch) -> None:
    """Let Ctrl-C be pressed after so many batches of the next training."""
    train = DeepfakeDetectorModel.train_model

    def cut(self: Any, data: Any, val: Any, epochs: int, *args: Any) -> Any:
        callbacks, *rest = args
        return train(self, data, val, epochs, [*callbacks, CutAfter(batches)], *rest)

    patch.setattr(DeepfakeDetectorModel, "train_model", cut)


# A whole run ----------------------------------------------------------------------


def test_run_folder_holds_everything(finished: tuple[TrainModel, Any]) -> None:
    names = {path.name for path in finished[0].run_dir.iterdir()}
    assert names == {
        "config.json",
        "provenance.json",
        "history.csv",
        "metrics.json",
        "curves.png",
        "mistakes.png",
        "confusion-val.png",
        "confusion-test.png",
        "reliability-val.png",
        "reliability-test.png",
        "checkpoint",
        "model",
    }


def test_run_says_what_came_out(finished: tuple[TrainModel, dict[str, Any]]) -> None:
    run, summary = finished
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert summary["run"] == str(run.run_dir)
    assert summary["architecture"] == "tiny"
    assert summary["parameters"] == run.model.network.count_params()
    assert summary["epochs"] == 3
    assert summary["best_epoch"] == state_of(run.run_dir).best_epoch
    assert summary["metrics"] == read_json(run.run_dir / "metrics.json")


def test_metrics_are_under_their_split_and_dataset(
    finished: tuple[TrainModel, dict[str, Any]],
) -> None:
    metrics = finished[1]["metrics"]
    assert list(metrics) == ["val", "test"]
    for split, folder in (("val", "Validation"), ("test", "Test")):
        report = metrics[split]["folder"]
        assert list(metrics[split]) == ["folder"]
        assert report["real"] == report["fake"] == COUNTS[folder]
        assert report["face_found_share"] == {"Real": 1.0, "Fake": 1.0}
        assert 0 <= report["thumbnail_baseline_auc"] <= 1


def test_configuration_is_kept_whole(finished: tuple[TrainModel, Any]) -> None:
    run = finished[0]
    saved = TrainConfig.from_dict(read_json(run.run_dir / "config.json"))
    assert saved == run.config


def test_history_has_a_row_an_epoch(finished: tuple[TrainModel, Any]) -> None:
    with (finished[0].run_dir / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    columns = {"loss", "val_loss", "auc", "val_auc", "accuracy", "learning_rate"}
    assert columns < set(rows[0])


def test_provenance_says_where_the_model_comes_from(
    finished: tuple[TrainModel, Any],
) -> None:
    run = finished[0]
    provenance = read_json(run.run_dir / "provenance.json")
    assert provenance["seed"] == 42
    (session,) = provenance["sessions"]
    assert {"keras", "tensorflow", "numpy"} < set(session["versions"])
    assert None not in session["versions"].values()
    assert session["epochs_before"] == 0
    assert session["minutes"] > 0
    assert session["cpu_minutes"] > 0
    assert session["cores"] >= 1
    data = provenance["data"]["folder"]
    assert data["sha256"] == run.handlers[0].data_hash
    assert data["pictures"] == {"train": 16, "val": 8, "test": 8}
    assert data["duplicates"] == {
        "exact": 0,
        "near": 0,
        "groups_parted": 0,
        "moved": 0,
    }


def test_card_says_how_the_model_was_made_and_scored(
    finished: tuple[TrainModel, dict[str, Any]],
) -> None:
    run, summary = finished
    card = Artifact.load(run.run_dir / "model").card
    assert card.crop == run.rule
    assert card.input_shape == (24, 24, 3)
    assert card.metrics == summary["metrics"]
    assert card.provenance["best_epoch"] == summary["best_epoch"]
    assert "folder: yours" in card.licence_note


def test_card_tells_no_ones_folders(finished: tuple[TrainModel, Any]) -> None:
    run = finished[0]
    assert str(run.config.output.parent) not in str(
        read_json(run.run_dir / "model" / "card.json")
    )


def test_saved_model_is_the_best_epochs(finished: tuple[TrainModel, Any]) -> None:
    run = finished[0]
    model = DeepfakeDetectorModel(TrainConfig(architecture="tiny"))
    model.trainer.load_weights(run.run_dir / "checkpoint" / "best.weights.h5")
    saved = keras.saving.load_model(run.run_dir / "model" / "model.keras")
    for expected, weight in zip(
        model.network.get_weights(), saved.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weight, expected)


def test_calibration_is_that_of_the_validation_split(
    finished: tuple[TrainModel, dict[str, Any]],
) -> None:
    run, summary = finished
    (val,) = (handler.load_split_data()[1] for handler in run.handlers)
    card = Artifact.load(run.run_dir / "model").card
    logits = run.model.predict_logits(val.crops)
    assert card.calibration == type(card.calibration).fit(logits, val.y_true)
    p_fake = card.calibration.p_fake(logits)
    assert card.cut_offs == CutOffs.fit(p_fake, val.y_true, ["folder"] * len(val))
    brier = np.mean((p_fake - val.y_true) ** 2)
    assert summary["metrics"]["val"]["folder"]["brier"] == pytest.approx(brier)


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C as soon as the pictures are read."""

    def cut(self: DatasetHandler) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(DatasetHandler, "load_split_data", cut)


def test_networks_of_this_house_are_trained_on_faces(place: Path) -> None:
    assert start(place, crop=None).config.crop == "face"


def test_run_without_data_leaves_no_folder(place: Path, tmp_path: Path) -> None:
    run = start(place, data_dir=(tmp_path / "none",), output=tmp_path / "runs")
    with pytest.raises(DatasetError):
        run.run_training()
    assert not run.run_dir.exists()


def test_resumed_run_adds_a_session(place: Path) -> None:
    run = start(place, epochs=1)
    run.run_training()
    resume(run.run_dir, epochs=2).run_training()
    sessions = read_json(run.run_dir / "provenance.json")["sessions"]
    assert [session["epochs_before"] for session in sessions] == [0, 1]


def test_killed_session_has_kept_the_time_of_its_epochs(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(self: TrainModel, *args: Any) -> None:
        raise Killed

    run = start(place, epochs=1)
    monkeypatch.setattr(TrainModel, "_conclude", die)
    monkeypatch.setattr(DeepfakeDetectorModel, "load_weights", die)
    with pytest.raises(Killed):
        run.run_training()
    (session,) = read_json(run.run_dir / "provenance.json")["sessions"]
    assert session["cpu_minutes"] > 0
    assert "images_per_second" not in session


def test_whole_pictures_are_named_as_the_references_way(
    place: Path, no_data: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(KeyboardInterrupt):
        start(place, crop="face").run_training()
    assert "whole pictures" not in caplog.text
    with pytest.raises(KeyboardInterrupt):
        start(place).run_training()
    assert "training on whole pictures, the reference's way" in caplog.text


def test_runs_started_in_one_second_keep_apart(
    place: Path, tmp_path: Path, no_data: None
) -> None:
    runs = [start(place, output=tmp_path / "runs", seed=seed) for seed in (1, 2, 3)]
    for run in runs:
        with pytest.raises(KeyboardInterrupt):
            run.run_training()
    seeds = [read_json(run.run_dir / "config.json")["seed"] for run in runs]
    assert seeds == [1, 2, 3]
    assert len(list((tmp_path / "runs").iterdir())) == 3


# Cut and resumed ------------------------------------------------------------------


def remembered(network: keras.Model) -> NDArray[np.float64]:
    """Everything that a network and its optimiser remember, in one row."""
    variables = [*network.weights, *network.optimizer.variables]
    return np.concatenate(
        [np.ravel(keras.ops.convert_to_numpy(v)).astype(float) for v in variables]
    )


def test_resumed_run_ends_as_if_never_cut(
    place: Path,
    finished: tuple[TrainModel, Any],
    only_training: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = start(place)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        cut_after(10, patch)  # of four an epoch: in the middle of the third
        run.run_training()
    assert (state_of(run.run_dir).epoch, state_of(run.run_dir).finished) == (2, False)
    resume(run.run_dir).run_training()

    whole, resumed = (state_of(r.run_dir) for r in (finished[0], run))
    rates = [row["learning_rate"] for row in resumed.history]
    assert rates == pytest.approx([1e-2, 1e-3, 1e-4])
    for expected, row in zip(whole.history, resumed.history, strict=True):
        assert row == pytest.approx(expected, rel=1e-4)
    patience = [state.memories["EarlyStopping"] for state in (resumed, whole)]
    assert patience[0] == pytest.approx(patience[1], rel=1e-4)
    assert resumed.random_states == whole.random_states
    assert resumed.best_epoch == whole.best_epoch
    np.testing.assert_allclose(
        remembered(network_of(run.run_dir)),
        remembered(network_of(finished[0].run_dir)),
        atol=1e-4,
    )


def test_run_cut_in_its_first_epoch_keeps_what_it_learned(
    place: Path, only_training: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(place, epochs=1)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        cut_after(2, patch)
        run.run_training()
    assert state_of(run.run_dir).epoch == 0
    assert int(network_of(run.run_dir).optimizer.iterations) == 2
    resume(run.run_dir).run_training()
    assert state_of(run.run_dir).finished
    assert int(network_of(run.run_dir).optimizer.iterations) == 6


def test_run_cut_before_its_first_batch_can_be_resumed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*args: Any) -> None:
        raise KeyboardInterrupt

    run = start(place)
    monkeypatch.setattr(DeepfakeDetectorModel, "train_model", cut)
    with pytest.raises(KeyboardInterrupt):
        run.run_training()
    assert state_of(run.run_dir) == TrainingState()
    assert resume(run.run_dir).run_dir == run.run_dir


def test_run_cut_while_cropping_can_be_resumed(place: Path, no_data: None) -> None:
    run = start(place)
    with pytest.raises(KeyboardInterrupt):
        run.run_training()
    resumed = resume(run.run_dir)
    assert dataclasses.replace(resumed.config, resume=None) == run.config


def no_training(self: Any, *args: Any) -> None:
    pytest.fail("a finished run was trained again")


def test_finished_run_resumed_is_only_scored_again(
    finished: tuple[TrainModel, dict[str, Any]],
    copy: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(DeepfakeDetectorModel, "train_model", no_training)
    monkeypatch.setattr(DeepfakeDetectorModel, "save_model", lambda *args: None)
    again, summary = resume(copy).run_training(), finished[1]
    assert again["best_epoch"] == summary["best_epoch"]
    for split, report in summary["metrics"].items():
        scored = again["metrics"][split]["folder"]
        assert scored["confusion"] == report["folder"]["confusion"]
        assert scored["brier"] == pytest.approx(report["folder"]["brier"])


def test_run_that_stopped_early_is_finished_too(
    place: Path, only_training: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_better = {"architecture": "flat", "learning_rate": 1e-9}
    run = start(place, early_stopping_patience=1, epochs=9, **never_better)
    run.run_training()
    assert state_of(run.run_dir).epoch == 2
    monkeypatch.setattr(DeepfakeDetectorModel, "train_model", no_training)
    resume(run.run_dir).run_training()
    assert state_of(run.run_dir).finished


def test_finished_run_goes_on_when_told_to(copy: Path, only_training: None) -> None:
    resume(copy, epochs=4).run_training()
    assert [row["epoch"] for row in state_of(copy).history] == [1, 2, 3, 4]
    assert read_json(copy / "config.json")["epochs"] == 4


def test_resumed_run_may_leave_the_test_split_alone(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DeepfakeDetectorModel, "save_model", lambda *args: None)
    summary = resume(copy, score_test=False).run_training()
    assert list(summary["metrics"]) == ["val"]


# Refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"seed": 1}, "but for epochs and score_test; leave out seed"),
        (
            {"learning_rate": 0.1, "architecture": "compact", "epochs": 9},
            "leave out architecture, learning_rate",
        ),
    ],
)
def test_settings_that_a_resumed_run_keeps_are_refused_by_name(
    given: dict[str, Any], words: str, finished: tuple[TrainModel, Any]
) -> None:
    with pytest.raises(ConfigError, match=words):
        resume(finished[0].run_dir, **given)


def empty(folder: Path) -> None:
    folder.mkdir()


def broken(folder: Path) -> None:
    folder.mkdir()
    (folder / "config.json").write_text("{")


def foreign(folder: Path) -> None:
    folder.mkdir()
    (folder / "config.json").write_text('["architecture"]')


def missing(folder: Path) -> None:
    """No folder at all."""


def a_file(folder: Path) -> None:
    folder.write_text("{}")


@pytest.mark.parametrize("make", [missing, empty, broken, foreign, a_file])
def test_only_a_run_folder_can_be_resumed(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path / "lost")
    with pytest.raises(ConfigError, match="expected a run folder .*'lost'") as raised:
        TrainModel.from_options({}, resume=tmp_path / "lost")
    assert str(tmp_path) not in str(raised.value)


def test_run_folder_may_be_the_current_one(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copy)
    assert resume(Path()).run_dir == copy.resolve()


def test_run_to_resume_may_come_from_the_environment(copy: Path) -> None:
    run = TrainModel.from_options({"DEEPFAKE_RESUME": str(copy)})
    assert run.config.architecture == "tiny"
    assert run.run_dir == copy.resolve()


def test_resumed_run_reads_no_other_variable(
    finished: tuple[TrainModel, Any], copy: Path
) -> None:
    environ = {"DEEPFAKE_EPOCHS": "7", "DEEPFAKE_SEED": "many"}
    resumed = TrainModel.from_options(environ, resume=copy)
    assert dataclasses.replace(resumed.config, resume=None) == finished[0].config


def test_new_run_reads_the_environment_below_the_command_line(place: Path) -> None:
    environ = {"DEEPFAKE_EPOCHS": "7", "DEEPFAKE_SEED": "8"}
    run = TrainModel.from_options(environ, **options(place, epochs=2))
    assert (run.config.epochs, run.config.seed) == (2, 8)


@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: path.write_bytes(b"half")], ids=["gone", "cut"]
)
def test_damaged_checkpoint_is_refused_with_what_to_do(
    damage: Callable[[Path], None], copy: Path
) -> None:
    damage(copy / "checkpoint" / state_of(copy).weights)
    with pytest.raises(TrainingError, match="cannot be read .* start the run anew"):
        resume(copy, epochs=4).run_training()


def test_run_without_a_single_number_stops_at_once(place: Path) -> None:
    run = start(place, architecture="broken", epochs=1)
    with pytest.raises(TrainingError, match="epoch 1, step 1 on: .* --learning-rate"):
        run.run_training()
    assert state_of(run.run_dir) == TrainingState()


@pytest.mark.parametrize(("index", "split"), [(0, "train"), (1, "val"), (2, "test")])
def test_split_without_a_class_is_refused_before_training(
    index: int,
    split: str,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As it may be left where pictures cannot be read, or have copies elsewhere."""
    load = DatasetHandler.load_split_data

    def without_fakes(self: DatasetHandler) -> Any:
        sets = list(load(self))
        real = np.zeros_like(sets[index].y_true)
        sets[index] = dataclasses.replace(sets[index], y_true=real)
        return tuple(sets)

    monkeypatch.setattr(DatasetHandler, "load_split_data", without_fakes)
    monkeypatch.setattr(DeepfakeDetectorModel, "train_model", no_training)
    run = start(place, output=tmp_path / "runs")
    with pytest.raises(DatasetError, match=f"{split}: .*both classes, .*is Fake"):
        run.run_training()
    assert not run.run_dir.exists()


def test_weights_that_cannot_be_had_leave_no_folder(
    place: Path, tmp_path: Path
) -> None:
    run = start(place, architecture="bodied", output=tmp_path / "runs")
    with pytest.raises(TrainingError, match="--backbone-weights none"):
        run.run_training()
    assert not run.run_dir.exists()


def test_resumed_run_asks_for_no_weights(
    place: Path, only_training: None, tmp_path: Path
) -> None:
    config = TrainConfig(architecture="bodied", image_size=24)
    DeepfakeDetectorModel(config).network.save(tmp_path / "body.keras")
    run = start(
        place,
        architecture="bodied",
        backbone_weights=str(tmp_path / "body.keras"),
        epochs=2,
    )
    run.run_training()
    assert run.config.head_epochs == 1
    (tmp_path / "body.keras").unlink()
    resume(run.run_dir, epochs=3).run_training()
    assert state_of(run.run_dir).epoch == 3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"warmup_epochs": 3}, "warmup_epochs: 3 leave nothing"),
        ({"backbone_weights": "body.h5"}, "backbone_weights: 'tiny' has no body"),
        ({"early_stopping_metric": "val_f1"}, "expected one of val_loss"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_anything_is_read(
    settings: dict[str, Any], words: str, place: Path
) -> None:
    with pytest.raises(ConfigError, match=words):
        start(place, **settings)


def test_learning_rate_is_found_on_the_runs_own_data(
    place: Path, tmp_path: Path
) -> None:
    run = start(place, output=tmp_path / "runs")
    summary = run.find_learning_rate()
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert summary["learning_rate"] == 0.01
    names = {path.name for path in run.run_dir.iterdir()}
    assert names == {"learning-rate.json", "learning-rate.png"}
    assert read_json(run.run_dir / "learning-rate.json")["rates"][0] == 1e-7
    assert run.run_dir.name.endswith("-tiny-learning-rate")


def test_learning_rate_of_a_resumed_run_is_not_looked_for(copy: Path) -> None:
    with pytest.raises(ConfigError, match="keeps its learning rate"):
        resume(copy).find_learning_rate()


def test_other_pictures_than_the_run_began_with_are_refused(copy: Path) -> None:
    """Of a set that is split here, a picture may change from train to test."""
    provenance = read_json(copy / "provenance.json")
    provenance["data"]["folder"]["sha256"] = "of other pictures"
    (copy / "provenance.json").write_text(json.dumps(provenance))
    with pytest.raises(DatasetError, match="other than those the run began with"):
        resume(copy).run_training()


# Several datasets -----------------------------------------------------------------


def test_two_sets_of_one_kind_are_scored_each_on_its_own(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DeepfakeDetectorModel, "save_model", lambda *args: None)
    write_drawn_set(tmp_path / "other", {"Train": 4, "Validation": 2, "Test": 1})
    folders = {
        "dataset": ("folder", "folder"),
        "data_dir": (place / "drawn", tmp_path / "other"),
    }
    run = start(place, score_test=False, epochs=1, **folders)
    reports = run.run_training()["metrics"]["val"]
    pictures = {name: report["pictures"] for name, report in reports.items()}
    assert pictures == {"folder": 8, "folder-2": 4, "pooled": 12}
    data = read_json(run.run_dir / "provenance.json")["data"]
    assert [data[name]["pictures"]["train"] for name in data] == [16, 8]


def test_sets_merged_into_one_are_scored_each_on_its_own(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DeepfakeDetectorModel, "save_model", lambda *args: None)
    root = tmp_path / "merged"
    shutil.copytree(place / "drawn", root / "synthetic")
    write_drawn_set(root / "mine", {"Train": 4, "Validation": 2, "Test": 1})
    # A copy in the other set's validation split.
    shutil.copy(
        root / "mine" / "Train" / "Real" / "001.png",
        root / "synthetic" / "Validation" / "Real" / "copy.png",
    )
    run = start(
        place,
        dataset=("merged",),
        data_dir=(root,),
        score_test=False,
        epochs=1,
        balance_sources=True,
        balance_classes=True,
    )
    reports = run.run_training()["metrics"]["val"]
    pictures = {name: report["pictures"] for name, report in reports.items()}
    assert pictures == {"mine": 4, "synthetic": 8, "pooled": 12}
    data = read_json(run.run_dir / "provenance.json")["data"]
    assert [data[name]["pictures"]["train"] for name in data] == [8, 17]
    assert [data[name]["duplicates"]["moved"] for name in data] == [0, 1]
    assert [data[name]["fake_kind"] for name in data] == [
        "whatever the folder holds",
        "splice",
    ]
