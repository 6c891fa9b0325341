"""Options of training, each also when the run is cut and resumed."""

import errno
import itertools
import json
import logging
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector import architectures, training_session
from deepfake_detector.augmentations import AUGMENTATIONS
from deepfake_detector.config import TrainConfig
from deepfake_detector.crop_cache import CropSet
from deepfake_detector.deepfake_detector_model import DeepfakeDetectorModel
from deepfake_detector.exceptions import (
    MissingPackageError,
    TrainingError,
    UnsafeModelError,
)
from deepfake_detector.training_checkpoint import (
    BEST_FILE,
    STATE_FILE,
    TrainingState,
)
from deepfake_detector.training_session import TrainingSession, require_tensorboard
from tests.drawn_sets import draw_picture
from tests.tiny_network import TINY_ARCHITECTURES

pytestmark = pytest.mark.tf

SIDE = 24

#: Batches of an epoch.
STEPS = 2


@pytest.fixture(scope="module", autouse=True)
def quick_networks() -> Iterator[None]:
    """Networks of a few weights, run step by step: tracing them would take longer."""
    train = DeepfakeDetectorModel.train_model

    def train_eagerly(self: DeepfakeDetectorModel, *args: Any) -> Any:
        self.trainer.run_eagerly = True
        return train(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(architectures, "ARCHITECTURES", TINY_ARCHITECTURES)
        patch.setattr(DeepfakeDetectorModel, "train_model", train_eagerly)
        yield


def drawn_set(split: str, count: int, seed: int) -> CropSet:
    y_true = np.arange(count) % 2
    return CropSet(
        source="drawn",
        split=split,
        crops=np.stack([draw_picture(y, seed + i, SIDE) for i, y in enumerate(y_true)]),
        y_true=y_true,
        names=tuple(map(str, range(count))),
        face_found=np.ones(count, dtype=bool),
    )


SETS = {"train": [drawn_set("train", 16, 0)], "val": [drawn_set("val", 8, 500)]}


def session(run_dir: Path, **settings: Any) -> TrainingSession:
    fields = {
        "architecture": "tiny",
        "image_size": SIDE,
        "batch_size": 8,
        "learning_rate": 0.01,
        "epochs": 3,
        "backbone_weights": "none",
    }
    model = DeepfakeDetectorModel(TrainConfig(**fields | settings))
    return TrainingSession(model, SETS, AUGMENTATIONS.get("standard"), run_dir)


class CutAfter(keras.callbacks.Callback):
    """Presses Ctrl-C in the batch after so many."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.batches = batches

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self.batches == 0:
            raise KeyboardInterrupt
        self.batches -= 1


def run_cut(cut: TrainingSession, batches: int, patch: pytest.MonkeyPatch) -> None:
    train, presses = cut.model.train_model, CutAfter(batches)

    def with_cut(data: Any, val: Any, last: int, callbacks: Any, first: int) -> Any:
        return train(data, val, last, [*callbacks, presses], first)

    patch.setattr(cut.model, "train_model", with_cut)
    with pytest.raises(KeyboardInterrupt):
        cut.run()


def weights_in(path: Path) -> list[NDArray[np.float32]]:
    model = DeepfakeDetectorModel(TrainConfig(architecture="tiny", image_size=SIDE))
    model.trainer.load_weights(path)
    return model.trainer.get_weights()


def remembered(run_dir: Path) -> NDArray[np.float64]:
    """Everything that a network and its optimiser remember, in one row."""
    state = TrainingState.read(run_dir / "checkpoint")
    network = keras.saving.load_model(run_dir / "checkpoint" / str(state.weights))
    variables = [*network.weights, *network.optimizer.variables]
    return np.concatenate(
        [np.ravel(keras.ops.convert_to_numpy(v)).astype(float) for v in variables]
    )


TWO_STAGES = {"architecture": "bodied", "head_epochs": 2}

#: Settings, and steps before Ctrl-C: between two epochs, or in the middle of one.
RECIPES: dict[str, tuple[dict[str, Any], int]] = {
    "warm-up, then plateau": ({"warmup_epochs": 1, "reduce_lr_patience": 1}, 2 * STEPS),
    "cosine and all else": (
        {
            "optimizer": "adamw",
            "schedule": "cosine",
            "warmup_epochs": 1,
            "ema_decay": 0.8,
            "weight_decay": 0.1,
            "clip_norm": 0.1,
            "label_smoothing": 0.1,
            "class_weights": True,
            "early_stopping_metric": "val_auc",
        },
        2 * STEPS + 1,
    ),
    "two stages, cut as the second begins": (
        TWO_STAGES | {"schedule": "cosine", "ema_decay": 0.8},
        2 * STEPS,
    ),
}


@pytest.mark.parametrize(("settings", "batches"), RECIPES.values(), ids=RECIPES)
def test_resumed_run_equals_the_uncut_one(
    settings: dict[str, Any],
    batches: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = session(tmp_path / "whole", **settings).run()
    with monkeypatch.context() as patch:
        run_cut(session(tmp_path / "cut", **settings), batches, patch)
    assert TrainingState.read(tmp_path / "cut" / "checkpoint").epoch == 2
    resumed = session(tmp_path / "cut", **settings).run()
    assert (resumed.epoch, resumed.finished) == (3, True)
    assert resumed.best_epoch == whole.best_epoch
    assert resumed.random_states == whole.random_states
    for expected, row in zip(whole.history, resumed.history, strict=True):
        assert row == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(
        remembered(tmp_path / "cut"),
        remembered(tmp_path / "whole"),
        rtol=1e-5,
        atol=1e-7,
    )


def test_rates_of_the_history_are_those_of_the_schedule(tmp_path: Path) -> None:
    state = session(tmp_path, schedule="cosine", warmup_epochs=1).run()
    rates = [row["learning_rate"] for row in state.history]
    assert rates[0] == pytest.approx(0.01)
    assert rates[0] > rates[1] > rates[2] > 0
    assert rates[2] < 0.002


def test_constant_rate_stays(tmp_path: Path) -> None:
    state = session(tmp_path, schedule="constant", reduce_lr_patience=1).run()
    rates = [row["learning_rate"] for row in state.history]
    assert rates == pytest.approx([0.01] * 3)


# The average of the weights -------------------------------------------------------


def test_best_weights_are_the_averaged_ones(tmp_path: Path) -> None:
    run = session(tmp_path, ema_decay=0.8, epochs=1)
    state = run.run()
    best = weights_in(tmp_path / "checkpoint" / BEST_FILE)
    saved = keras.saving.load_model(tmp_path / "checkpoint" / str(state.weights))
    kernel = saved.get_weights()[0]
    average = keras.ops.convert_to_numpy(
        saved.optimizer._model_variables_moving_average[0]
    )
    np.testing.assert_array_equal(best[0], average)
    assert not np.array_equal(best[0], kernel)


def test_validation_loss_is_that_of_the_averaged_weights(tmp_path: Path) -> None:
    run = session(tmp_path, ema_decay=0.8, epochs=1)
    state = run.run()
    model = DeepfakeDetectorModel(run.config)
    model.load_weights(tmp_path / "checkpoint" / BEST_FILE)
    (val,) = SETS["val"]
    logits = model.predict_logits(val.crops)
    losses = np.log1p(np.exp(np.where(val.y_true == 1, -logits, logits)))
    assert state.history[0]["val_loss"] == pytest.approx(losses.mean(), rel=1e-4)


# Two stages -----------------------------------------------------------------------


def body_and_head(path: Path) -> tuple[list[Any], list[Any]]:
    weights = keras.saving.load_model(path).get_weights()
    return weights[:12], weights[12:]


def test_body_stays_as_it_is_until_the_head_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    run = session(tmp_path, **TWO_STAGES)
    fresh = run.model.trainer.get_weights()
    with monkeypatch.context() as patch:
        run_cut(run, 2 * STEPS, patch)
    body, head = body_and_head(tmp_path / "checkpoint" / "epoch-0002.keras")
    assert all(map(np.array_equal, body, fresh[:12]))
    assert not any(map(np.array_equal, head, fresh[12:]))
    state = session(tmp_path, **TWO_STAGES).run()
    body, _ = body_and_head(tmp_path / "checkpoint" / str(state.weights))
    assert not any(map(np.array_equal, body, fresh[:12]))
    rates = [row["learning_rate"] for row in state.history]
    assert rates == pytest.approx([0.01, 0.01, 0.001])
    assert "up to epoch 2: the head alone is trained" in caplog.text
    assert "up to epoch 3: the whole network is trained" in caplog.text


def test_best_epoch_may_be_of_the_head_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its optimiser is another one than that of the epochs after it."""
    run = session(tmp_path, **TWO_STAGES, fine_tune_factor=1.0)
    state = TrainingState(best_value=-1.0, best_epoch=1)
    monkeypatch.setattr(TrainingState, "read", lambda directory: state)
    directory = tmp_path / "checkpoint"
    directory.mkdir()
    run.model.compile_model(run.stages[0])
    run.model.trainer.save_weights(directory / BEST_FILE)
    assert run.run().best_epoch == 1
    run.model.load_weights(directory / BEST_FILE)


def test_best_weights_that_are_damaged_are_refused(tmp_path: Path) -> None:
    (tmp_path / BEST_FILE).write_bytes(b"half")
    with pytest.raises(TrainingError, match="best weights cannot be read"):
        session(tmp_path).model.load_weights(tmp_path / BEST_FILE)


def test_head_alone_is_not_stopped_early(tmp_path: Path) -> None:
    settings = TWO_STAGES | {"learning_rate": 1e-9, "early_stopping_patience": 1}
    assert (
        session(tmp_path, early_stopping_metric="val_auc", **settings).run().epoch == 3
    )


# Which epoch is the best ----------------------------------------------------------


@pytest.mark.parametrize("metric", ["val_loss", "val_recall"])
def test_best_epoch_is_that_of_the_watched_metric(metric: str, tmp_path: Path) -> None:
    state = session(tmp_path, early_stopping_metric=metric).run()
    values = [row[metric] for row in state.history]
    best = min(values) if metric == "val_loss" else max(values)
    assert state.best_value == best
    assert state.best_epoch == values.index(best) + 1


def test_training_ends_where_the_watched_metric_stands_still(tmp_path: Path) -> None:
    state = session(
        tmp_path,
        learning_rate=1e-9,
        early_stopping_metric="val_auc",
        early_stopping_patience=1,
        architecture="flat",
    ).run()
    assert state.epoch == 2
    assert state.stopped_early


# What goes wrong ------------------------------------------------------------------


class Poison(keras.callbacks.Callback):
    """Makes a weight NaN before a step, or after it."""

    def __init__(self, step: int, after: bool) -> None:
        super().__init__()
        self.step, self.after = step, after
        self.seen = itertools.count(1)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if not self.after and next(self.seen) == self.step:
            self._poison()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.after and next(self.seen) == self.step:
            self._poison()

    def _poison(self) -> None:
        variable = self.model.trainable_variables[-1]
        variable.assign(np.full(variable.shape, np.nan))


@pytest.mark.parametrize(
    ("poison", "place"),
    [
        (Poison(STEPS + 1, after=False), "epoch 2, step 1 on"),
        (Poison(2 * STEPS, after=True), "epoch 2, validation on"),
    ],
    ids=["in a step", "in the last update"],
)
def test_loss_that_is_no_number_leaves_the_last_good_checkpoint(
    poison: Poison, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = session(tmp_path)
    train = run.model.train_model

    def poisoned(data: Any, val: Any, last: int, callbacks: Any, first: int) -> Any:
        return train(data, val, last, [*callbacks, poison], first)

    monkeypatch.setattr(run.model, "train_model", poisoned)
    with pytest.raises(TrainingError, match=f"{place}.*checkpoint of epoch 1"):
        run.run()
    state = TrainingState.read(tmp_path / "checkpoint")
    assert (state.epoch, state.best_epoch) == (1, 1)
    assert np.isfinite(remembered(tmp_path)).all()
    best = weights_in(tmp_path / "checkpoint" / BEST_FILE)
    assert all(np.isfinite(weight).all() for weight in best)
    assert session(tmp_path).run().epoch == 3


def test_full_disk_leaves_a_checkpoint_to_go_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = session(tmp_path / "whole").run()
    replace = Path.replace
    with monkeypatch.context() as patch:

        def full(self: Path, target: Path) -> Path:
            if "epoch-0003" in target.name:
                raise OSError(errno.ENOSPC, "No space left on device", str(target))
            return replace(self, target)

        patch.setattr(Path, "replace", full)
        with pytest.raises(
            TrainingError,
            match="epoch 3 cannot be written .No space left.*epoch 2 is kept.*--resume",
        ) as raised:
            session(tmp_path / "cut").run()
    assert str(tmp_path) not in str(raised.value)
    left = {path.name for path in (tmp_path / "cut" / "checkpoint").iterdir()}
    assert left == {"epoch-0002.keras", "state.json", BEST_FILE}
    resumed = session(tmp_path / "cut").run()
    for expected, row in zip(whole.history, resumed.history, strict=True):
        assert row == pytest.approx(expected, rel=1e-5)


def test_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    state = session(tmp_path, epochs=1).run()
    path = tmp_path / "checkpoint" / str(state.weights)
    data = path.read_bytes()
    half = len(data) // 2
    flipped = data[:half] + bytes(b ^ 255 for b in data[half : half + 9])
    damaged = [b"", data[:10], data[:half], data[:-100], flipped + data[half + 9 :]]
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(TrainingError, match="cannot be read .* start the run anew"):
            session(tmp_path, epochs=2).run()


def test_checkpoint_that_names_code_is_refused(tmp_path: Path) -> None:
    # A run folder may come from somebody else.
    state = session(tmp_path, epochs=1).run()
    layer = {"module": "keras.layers", "class_name": "Lambda", "config": {}}
    config = {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"layers": [layer]},
    }
    path = tmp_path / "checkpoint" / str(state.weights)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
    with pytest.raises(UnsafeModelError, match="its config names 'Lambda'"):
        session(tmp_path, epochs=2).run()


# TensorBoard ----------------------------------------------------------------------


def test_tensorboard_gets_its_logs_below_the_run_folder(tmp_path: Path) -> None:
    session(tmp_path, tensorboard=True, epochs=1).run()
    logs = list((tmp_path / "tensorboard").rglob("events.out.tfevents.*"))
    assert {path.parent.name for path in logs} == {"train", "validation"}


def test_missing_tensorboard_is_named_with_the_line_to_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training_session.importlib.util, "find_spec", lambda name: None)
    require_tensorboard(TrainConfig())
    with pytest.raises(MissingPackageError, match="pip install tensorboard"):
        require_tensorboard(TrainConfig(tensorboard=True))


def test_speed_of_each_epoch_is_kept_but_not_in_the_history(tmp_path: Path) -> None:
    run = session(tmp_path, epochs=2)
    state = run.run()
    assert len(run.images_per_second) == 2
    assert min(run.images_per_second) > 0
    assert not any("second" in name for name in state.history[0])


def test_someone_is_told_after_every_epoch(tmp_path: Path) -> None:
    written: list[bool] = []
    training = session(tmp_path, epochs=2)
    state = tmp_path / "checkpoint" / STATE_FILE
    training.after_epoch = lambda: written.append(state.is_file())
    training.run()
    assert written == [True, True]
