"""A network from fresh weights to a model folder, on a network of a few weights."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector import architectures, deepfake_detector_model, metrics
from deepfake_detector.artifact import Artifact, ModelCard
from deepfake_detector.augmentations import AUGMENTATIONS
from deepfake_detector.backends import BACKENDS
from deepfake_detector.backends.constant_backend import ConstantBackend
from deepfake_detector.backends.litert_backend import LiteRTBackend
from deepfake_detector.calibration import sigmoid
from deepfake_detector.config import TrainConfig
from deepfake_detector.crop_batches import CropBatches
from deepfake_detector.crop_cache import CropSet
from deepfake_detector.deepfake_detector_model import DeepfakeDetectorModel
from deepfake_detector.exceptions import ArtifactError, ConfigError, UnknownNameError
from deepfake_detector.face_crops import CROP_RULES
from tests.drawn_sets import draw_picture
from tests.tiny_network import TINY_ARCHITECTURES

pytestmark = pytest.mark.tf

SHAPE = (24, 24, 3)
CARD = ModelCard("tiny model", "tiny", SHAPE, CROP_RULES["whole"])


@pytest.fixture(scope="module", autouse=True)
def tiny_architectures() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(architectures, "ARCHITECTURES", TINY_ARCHITECTURES)
        yield


def drawn_set(count: int, seed: int) -> CropSet:
    y_true = np.arange(count) % 2
    crops = [draw_picture(y, seed + i, SHAPE[0]) for i, y in enumerate(y_true)]
    return CropSet(
        source="drawn",
        split="train",
        crops=np.stack(crops),
        y_true=y_true,
        names=tuple(map(str, range(count))),
        face_found=np.ones(count, dtype=bool),
    )


TRAIN, VAL = drawn_set(24, seed=0), drawn_set(10, seed=500)


def fresh(mixed_precision: bool = False, seed: int = 42) -> DeepfakeDetectorModel:
    config = TrainConfig(
        architecture="tiny",
        learning_rate=0.03,
        mixed_precision=mixed_precision,
        seed=seed,
    )
    model = DeepfakeDetectorModel(config)
    model.compile_model()
    return model


def train(model: DeepfakeDetectorModel, epochs: int) -> dict[str, list[float]]:
    batches = CropBatches([TRAIN], 8, AUGMENTATIONS.get("none"))
    return model.train_model(batches, CropBatches([VAL], 8), epochs)


@pytest.fixture(scope="module")
def session() -> tuple[DeepfakeDetectorModel, dict[str, list[float]]]:
    """A trained model and its history."""
    model = fresh()
    return model, train(model, epochs=12)


@pytest.fixture(scope="module")
def trained(
    session: tuple[DeepfakeDetectorModel, dict[str, list[float]]],
) -> DeepfakeDetectorModel:
    return session[0]


@pytest.fixture(scope="module")
def saved(
    trained: DeepfakeDetectorModel, tmp_path_factory: pytest.TempPathFactory
) -> Artifact:
    return trained.save_model(tmp_path_factory.mktemp("models") / "tiny", CARD)


def noise(n: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (n, *SHAPE), dtype=np.uint8)


def test_unknown_architecture_lists_choices() -> None:
    with pytest.raises(
        UnknownNameError, match="'meso5'; choose from: bodied, broken, "
    ):
        DeepfakeDetectorModel(TrainConfig(architecture="meso5"))


def test_seed_decides_the_weights() -> None:
    first, again, other = (fresh(seed=seed).network.get_weights() for seed in (1, 1, 2))
    assert all(map(np.array_equal, first, again))
    assert not all(map(np.array_equal, first, other))


def test_model_is_compiled_with_adam_and_the_metrics_of_the_log() -> None:
    model = fresh()
    assert isinstance(model.trainer.optimizer, keras.optimizers.Adam)
    assert float(model.trainer.optimizer.learning_rate) == pytest.approx(0.03)
    assert set(model.evaluate_model(CropBatches([VAL], 8))) == {
        "loss",
        "accuracy",
        "precision",
        "recall",
        "auc",
        "real_as_real",
        "real_as_fake",
        "fake_as_real",
        "fake_as_fake",
    }


def test_training_learns_and_keeps_a_value_an_epoch(
    session: tuple[DeepfakeDetectorModel, dict[str, list[float]]],
) -> None:
    history = session[1]
    assert {len(values) for values in history.values()} == {12}
    assert history["loss"][-1] < history["loss"][0] / 2
    assert {"val_loss", "val_auc"} < set(history)


def test_metrics_of_the_log_equal_ours(trained: DeepfakeDetectorModel) -> None:
    """Keras computes them in batches on logits, we at once on probabilities."""
    logged = trained.evaluate_model(CropBatches([TRAIN, VAL], 8))
    crops = np.concatenate([TRAIN.crops, VAL.crops])
    y_true = np.concatenate([TRAIN.y_true, VAL.y_true])
    p_fake = sigmoid(trained.predict_logits(crops))
    y_pred = (p_fake > 0.5).astype(int)
    assert logged["loss"] == pytest.approx(metrics.log_loss(y_true, p_fake), abs=1e-5)
    assert logged["accuracy"] == pytest.approx(metrics.accuracy_score(y_true, y_pred))
    # Keras reads the curve off 200 thresholds.
    assert logged["auc"] == pytest.approx(
        metrics.roc_auc_score(y_true, p_fake), abs=0.02
    )


@pytest.mark.parametrize("count", [1, 63, 64, 65, 130])
def test_logits_are_the_networks_own_for_any_number_of_crops(
    count: int, trained: DeepfakeDetectorModel
) -> None:
    crops = noise(count)
    logits = trained.predict_logits(crops)
    expected = np.asarray(trained.network(crops.astype(np.float32))["logit"])[:, 0]
    assert (logits.shape, logits.dtype) == ((count,), np.float32)
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_saved_folder_holds_both_files_and_the_card(saved: Artifact) -> None:
    names = {path.name for path in saved.directory.iterdir()}
    assert names == {"card.json", "model.keras", "model.tflite"}
    assert set(saved.card.files) == {"model.keras", "model.tflite"}
    assert (saved.card.name, saved.card.architecture) == ("tiny model", "tiny")


@pytest.mark.parametrize("backend", ["litert", "keras"])
def test_saved_model_answers_as_the_trained_one(
    backend: str, saved: Artifact, trained: DeepfakeDetectorModel
) -> None:
    answers = BACKENDS.get(backend).load(saved).run(TRAIN.crops)
    expected = trained.predict_logits(TRAIN.crops)
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(answers["logit"], expected, atol=1e-4)


def test_saved_keras_file_carries_no_optimiser(saved: Artifact) -> None:
    loaded = keras.saving.load_model(saved.directory / "model.keras")
    assert getattr(loaded, "optimizer", None) is None
    assert set(loaded.output) == {"logit", "p_fake", "cam"}


def test_saving_again_replaces_the_folder(
    trained: DeepfakeDetectorModel, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old.txt").touch()
    trained.save_model(tmp_path / "model", CARD)
    assert not (tmp_path / "model" / "old.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("answer", [1e6, float("nan")])
def test_model_whose_export_answers_otherwise_is_not_saved(
    answer: float,
    trained: DeepfakeDetectorModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Exporting:
        @staticmethod
        def get(name: str) -> Any:
            return lambda model: ConstantBackend(answer, SHAPE)

    monkeypatch.setattr(deepfake_detector_model, "BACKENDS", Exporting)
    with pytest.raises(ArtifactError, match=r"model\.tflite: its logits differ .* not"):
        trained.save_model(tmp_path / "model", CARD)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def mixed() -> DeepfakeDetectorModel:
    model = fresh(mixed_precision=True)
    train(model, epochs=1)
    return model


def test_mixed_precision_computes_in_half_and_keeps_weights_whole(
    mixed: DeepfakeDetectorModel,
) -> None:
    (convolution,) = [
        layer for layer in mixed.network.layers if layer.name.startswith("conv2d")
    ]
    assert convolution.compute_dtype == "bfloat16"
    assert {weight.dtype for weight in mixed.network.weights} == {"float32"}
    assert {output.dtype for output in mixed.network.outputs} == {"float32"}


def test_mixed_precision_is_not_left_set_for_others(
    mixed: DeepfakeDetectorModel,
) -> None:
    assert keras.config.dtype_policy().name == "float32"
    with pytest.raises(ZeroDivisionError), deepfake_detector_model._policy("float16"):
        raise ZeroDivisionError
    assert keras.config.dtype_policy().name == "float32"


def test_model_of_mixed_precision_is_saved_in_single_and_runs(
    mixed: DeepfakeDetectorModel, tmp_path: Path
) -> None:
    artifact = mixed.save_model(tmp_path / "model", CARD)
    logits = LiteRTBackend.load(artifact).run(TRAIN.crops)["logit"]
    plain = fresh()
    plain.network.set_weights(mixed.network.get_weights())
    np.testing.assert_allclose(logits, plain.predict_logits(TRAIN.crops), atol=1e-4)
    # What calibration and cut-offs are fitted on are the logits of the saved file.
    np.testing.assert_allclose(logits, mixed.predict_logits(TRAIN.crops), atol=1e-4)


# Options of training --------------------------------------------------------------


def compiled(**settings: Any) -> DeepfakeDetectorModel:
    config = TrainConfig(**{"architecture": "tiny", "learning_rate": 0.03} | settings)
    model = DeepfakeDetectorModel(config)
    model.compile_model()
    return model


def test_nothing_is_added_to_the_optimiser_unasked() -> None:
    optimizer = compiled().trainer.optimizer
    plain = keras.optimizers.Adam(0.03).get_config()
    assert {**optimizer.get_config(), "name": "adam"} == {
        **plain,
        "name": "adam",
        "learning_rate": pytest.approx(0.03),
    }


def test_settings_reach_the_optimiser() -> None:
    model = compiled(optimizer="sgd", weight_decay=0.01, clip_norm=2.0, ema_decay=0.95)
    optimizer = model.trainer.optimizer
    assert isinstance(optimizer, keras.optimizers.SGD)
    assert (optimizer.weight_decay, optimizer.global_clipnorm) == (0.01, 2.0)
    assert (optimizer.use_ema, optimizer.ema_momentum) == (True, 0.95)


def test_weights_decay_but_biases_and_normalisation_do_not() -> None:
    """Without a gradient, decay alone moves a weight."""
    model = compiled(optimizer="sgd", weight_decay=0.5, learning_rate=0.1)
    variables = model.trainer.trainable_variables
    for variable in variables:
        variable.assign(np.ones(variable.shape))
    zeros = [np.zeros(variable.shape, np.float32) for variable in variables]
    gradients = list(map(keras.ops.convert_to_tensor, zeros))
    model.trainer.optimizer.apply(gradients, variables)
    for variable in variables:
        expected = 0.95 if len(variable.shape) > 1 else 1.0
        np.testing.assert_allclose(np.asarray(variable), expected, rtol=1e-6)


def test_smoothed_labels_raise_the_least_loss() -> None:
    """Of logit z and label 1, the loss is softplus(-z) + z s / 2."""
    loss = compiled(label_smoothing=0.2).trainer.loss
    values = float(loss(np.ones((1, 1)), np.full((1, 1), 3.0)))
    assert values == pytest.approx(np.log1p(np.exp(-3.0)) + 3.0 * 0.1, rel=1e-5)


def test_focal_loss_weighs_by_the_distance_from_the_label() -> None:
    """Of P(fake) p and label 1, the loss is (1 - p)^gamma times the cross-entropy."""
    loss = compiled(focal_gamma=2.0).trainer.loss
    p_fake = 1 / (1 + np.exp(-1.5))
    expected = (1 - p_fake) ** 2 * -np.log(p_fake)
    value = float(loss(np.ones((1, 1)), np.full((1, 1), 1.5)))
    assert value == pytest.approx(expected, rel=1e-5)


def test_class_weights_scale_the_loss_of_training_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rare = CropSet(
        source="drawn",
        split="train",
        crops=TRAIN.crops[[0, 2, 4, 1]],
        y_true=TRAIN.y_true[[0, 2, 4, 1]],
        names=("0", "2", "4", "1"),
        face_found=np.ones(4, dtype=bool),
    )
    seen: dict[str, Any] = {}
    model = compiled(class_weights=True)

    def fit(*args: Any, **kwargs: Any) -> Any:
        seen.update(kwargs)
        return SimpleNamespace(history={})

    monkeypatch.setattr(model.trainer, "fit", fit)
    model.train_model(CropBatches([rare], 4), CropBatches([VAL], 4), 1)
    assert seen["class_weight"] == pytest.approx({0: 4 / 6, 1: 2.0})


@pytest.mark.parametrize("name", ["adamm", "", "loss_scale_optimizer"])
def test_unknown_optimizer_is_refused_before_anything_is_cropped(name: str) -> None:
    config = TrainConfig(architecture="tiny", image_size=24, optimizer=name)
    with pytest.raises(ConfigError, match=f"none named '{name}'; try adam"):
        DeepfakeDetectorModel(config)
