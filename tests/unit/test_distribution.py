"""Training on several devices of one machine; here two halves of the processor."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from deepfake_detector.config import REPOSITORY, TrainConfig
from deepfake_detector.crop_batches import CropBatches
from deepfake_detector.crop_cache import CropSet
from deepfake_detector.distribution import (
    EvenBatches,
    graphics_cards,
    mirrored_strategy,
    scope_of,
)
from deepfake_detector.exceptions import ConfigError

pytestmark = pytest.mark.tf


def test_graphics_cards_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def listed(kind: str) -> list[str]:
        return [f"{kind}:0", f"{kind}:1"] if kind == "gpu" else []

    monkeypatch.setattr(keras.distribution, "list_devices", listed)
    assert graphics_cards() == 2


def crop_set(count: int) -> CropSet:
    return CropSet(
        source="drawn",
        split="train",
        crops=np.arange(count, dtype=np.uint8)[:, None, None, None],
        y_true=np.arange(count) % 2,
        names=tuple(map(str, range(count))),
        face_found=np.ones(count, dtype=bool),
    )


@pytest.mark.parametrize(
    ("count", "devices", "sizes"),
    [
        (8, 1, [4, 4]),
        (8, 2, [4, 4]),
        (11, 2, [4, 4, 2]),
        (9, 2, [4, 4]),
        (11, 4, [4, 4]),
        (2, 2, [2]),
    ],
)
def test_every_batch_can_be_shared_evenly(
    count: int, devices: int, sizes: list[int]
) -> None:
    batches = EvenBatches(CropBatches([crop_set(count)], 4), devices)
    parts = [batches[i] for i in range(len(batches))]
    assert [len(crops) for crops, _ in parts] == sizes
    assert [len(y_true) for _, y_true in parts] == sizes
    shown = np.concatenate([crops.ravel() for crops, _ in parts])
    assert shown.tolist() == list(range(sum(sizes)))


@pytest.mark.parametrize(
    ("count", "devices", "words"),
    [(8, 3, "batch_size: expected a multiple of the 3"), (1, 2, "cannot share 1")],
)
def test_batches_that_cannot_be_shared_are_refused(
    count: int, devices: int, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        EvenBatches(CropBatches([crop_set(count)], 4), devices)


def test_next_epoch_is_drawn_by_the_batches_themselves() -> None:
    batches = CropBatches([crop_set(8)], 4)
    EvenBatches(batches, 2).on_epoch_end()
    assert batches.epoch == 1


def test_no_strategy_makes_plain_variables() -> None:
    with scope_of(None):
        assert keras.Variable(1.0).shape == ()
    assert TrainConfig().strategy == "none"


def test_other_backends_of_keras_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(ConfigError, match="needs Keras on TensorFlow, got 'jax'"):
        mirrored_strategy()


PROGRAM = """
import sys
import tensorflow as tf

processor = tf.config.list_physical_devices("CPU")[0]
halves = [tf.config.LogicalDeviceConfiguration()] * int(sys.argv[1])
tf.config.set_logical_device_configuration(processor, halves)

import numpy as np
from deepfake_detector import architectures
from deepfake_detector.augmentations import AUGMENTATIONS
from deepfake_detector.config import TrainConfig
from deepfake_detector.crop_cache import CropSet
from deepfake_detector.deepfake_detector_model import DeepfakeDetectorModel
from deepfake_detector.training_session import TrainingSession
from pathlib import Path
from tests.tiny_network import TINY_ARCHITECTURES

architectures.ARCHITECTURES = TINY_ARCHITECTURES
rng = np.random.default_rng(0)

def crops(count):
    y_true = np.arange(count) % 2
    pixels = rng.integers(0, 128, (count, 24, 24, 3))
    pixels += 100 * y_true[:, None, None, None]
    return CropSet("drawn", "train", pixels.astype(np.uint8), y_true,
                   tuple(map(str, range(count))), np.ones(count, dtype=bool))

sets = {"train": [crops(21)], "val": [crops(9)]}

def session(epochs):
    config = TrainConfig(architecture="tiny", image_size=24, batch_size=8,
                         ema_decay=0.5, schedule="cosine", learning_rate=0.02,
                         strategy="mirrored", class_weights=True, clip_norm=1.0,
                         weight_decay=0.01,
                         epochs=epochs)
    model = DeepfakeDetectorModel(config)
    return TrainingSession(model, sets, AUGMENTATIONS.get("none"), Path(sys.argv[2]))

first = session(1)
assert first.model.strategy.num_replicas_in_sync == int(sys.argv[1])
first.run()
second = session(3)
state = second.run()
assert state.epoch == 3, state
assert state.history[-1]["loss"] < state.history[0]["loss"], state.history
logits = second.model.predict_logits(sets["val"][0].crops)
plain = second.model.network(sets["val"][0].crops.astype("float32"))["logit"]
np.testing.assert_allclose(logits, np.asarray(plain)[:, 0], atol=1e-4)
print("trained on", second.model.strategy.num_replicas_in_sync)
"""


@pytest.mark.slow
def test_training_resumes_on_several_devices(tmp_path: Path) -> None:
    # Devices are counted once, before TensorFlow's first use: so in its own process.
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, "2", str(tmp_path)],
        cwd=REPOSITORY,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[-1] == "trained on 2"
