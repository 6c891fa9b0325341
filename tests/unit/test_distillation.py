"""A student's loss is shared with its teacher in training, and nowhere else."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from deepfake_detector.architectures.heads import dense_head
from deepfake_detector.artifact import ModelCard
from deepfake_detector.config import TrainConfig
from deepfake_detector.deepfake_detector_model import DeepfakeDetectorModel
from deepfake_detector.distillation import Student, load_teacher
from deepfake_detector.exceptions import ArtifactError, ConfigError
from deepfake_detector.face_crops import CROP_RULES
from tests.tiny_network import TINY_ARCHITECTURES

pytestmark = pytest.mark.tf

SHAPE = (24, 24, 3)
PIXELS = np.random.default_rng(0).uniform(0, 255, (6, *SHAPE)).astype(np.float32)
LABELS = np.array([0, 1, 0, 1, 1, 0], dtype=np.float32)[:, None]


def sure_teacher(bias: float) -> keras.Model:
    """Says sigmoid(bias) of everything."""
    inputs = keras.Input(SHAPE)
    x = layers.GlobalAveragePooling2D()(inputs)
    network = keras.Model(inputs, dense_head(x))
    network.get_layer("logit").set_weights([np.zeros((3, 1)), np.array([bias])])
    return network


def student() -> Student:
    inputs = keras.Input(SHAPE)
    x = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(inputs))
    made = Student(inputs, layers.Dense(1, name="logit")(x))
    made.compile(
        optimizer=keras.optimizers.SGD(0.0),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        run_eagerly=True,
    )
    return made


def cross_entropy(target: np.ndarray, logit: np.ndarray) -> float:
    losses = np.log1p(np.exp(-np.abs(logit))) + np.maximum(logit, 0) - target * logit
    return float(losses.mean())


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("bias", [-2.0, 0.0, 5.0])
def test_loss_is_shared_between_labels_and_teacher(share: float, bias: float) -> None:
    made = student()
    made.listen_to(sure_teacher(bias), share)
    logit = np.asarray(made(PIXELS))
    soft = np.full_like(logit, 1 / (1 + np.exp(-bias)))
    expected = (1 - share) * cross_entropy(LABELS, logit) + share * cross_entropy(
        soft, logit
    )
    history = made.fit(PIXELS, LABELS, batch_size=6, epochs=1, verbose=0).history
    assert history["loss"][0] == pytest.approx(expected, rel=1e-4)


def test_validation_and_weights_know_nothing_of_the_teacher(tmp_path: Path) -> None:
    made = student()
    made.listen_to(sure_teacher(5.0), 0.9)
    logit = np.asarray(made(PIXELS))
    loss = made.evaluate(PIXELS, LABELS, verbose=0)
    assert loss == pytest.approx(cross_entropy(LABELS, logit), rel=1e-4)
    assert len(made.weights) == 2
    made.save(tmp_path / "student.keras")
    again = keras.saving.load_model(tmp_path / "student.keras")
    assert np.allclose(np.asarray(again(PIXELS)), logit)


def test_student_without_a_teacher_is_a_plain_network() -> None:
    made = student()
    logit = np.asarray(made(PIXELS))
    history = made.fit(PIXELS, LABELS, batch_size=6, epochs=1, verbose=0).history
    assert history["loss"][0] == pytest.approx(cross_entropy(LABELS, logit), rel=1e-4)


@pytest.fixture
def teacher_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(
        "deepfake_detector.architectures.ARCHITECTURES", TINY_ARCHITECTURES
    )
    model = DeepfakeDetectorModel(TrainConfig(architecture="tiny"))
    card = ModelCard(
        name="teacher",
        architecture="tiny",
        input_shape=SHAPE,
        crop=CROP_RULES["face"],
    )
    model.save_model(tmp_path / "teacher", card)
    return tmp_path / "teacher"


def test_setting_names_the_teacher(teacher_dir: Path) -> None:
    model = DeepfakeDetectorModel(TrainConfig(architecture="tiny", teacher=teacher_dir))
    assert isinstance(model.trainer, Student)
    assert len(model.trainer.weights) == len(model.network.weights)


def test_teacher_of_another_input_is_refused(teacher_dir: Path) -> None:
    with pytest.raises(ConfigError, match="teacher: expected a model that takes"):
        load_teacher(teacher_dir, (32, 32, 3))


def test_teacher_that_the_card_vouches_for_by_no_hash_is_refused(
    teacher_dir: Path,
) -> None:
    card = teacher_dir / "card.json"
    fields = json.loads(card.read_text())
    del fields["files"]["model.keras"]
    card.write_text(json.dumps(fields))
    with pytest.raises(ArtifactError, match=r"lists no file 'model\.keras'"):
        load_teacher(teacher_dir, SHAPE)


@pytest.mark.parametrize("spoil", ["missing", "no card", "no network"])
def test_damaged_teacher_is_refused(teacher_dir: Path, spoil: str) -> None:
    if spoil == "missing":
        teacher_dir = teacher_dir / "nowhere"
    else:
        name = "card.json" if spoil == "no card" else "model.keras"
        (teacher_dir / name).unlink()
    with pytest.raises(ArtifactError):
        load_teacher(teacher_dir, SHAPE)
