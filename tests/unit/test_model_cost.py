"""What a network costs: counted where it can be, measured where it must be."""

from pathlib import Path

import keras
import pytest
from keras import layers

from deepfake_detector import architectures, model_cost
from deepfake_detector.artifact import ModelCard
from deepfake_detector.config import TrainConfig
from deepfake_detector.deepfake_detector_model import DeepfakeDetectorModel
from deepfake_detector.face_crops import CROP_RULES
from tests.tiny_network import TINY_ARCHITECTURES

pytestmark = pytest.mark.tf


def test_flops_of_a_convolution_are_two_for_each_multiplication() -> None:
    inputs = keras.Input((8, 8, 3))
    outputs = layers.Conv2D(4, 3, padding="same", use_bias=False)(inputs)
    network = keras.Model(inputs, {"logit": outputs})
    assert model_cost.forward_flops(network) == 2 * (8 * 8) * 4 * (3 * 3 * 3)


def test_flops_of_a_dense_layer_hold_its_bias() -> None:
    inputs = keras.Input((4, 4, 3))
    outputs = layers.Dense(5)(layers.Flatten()(inputs))
    network = keras.Model(inputs, {"logit": outputs})
    assert model_cost.forward_flops(network) == 2 * 48 * 5 + 5


def test_every_cost_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(architectures, "ARCHITECTURES", TINY_ARCHITECTURES)
    monkeypatch.setattr(model_cost, "_SECONDS", 0.0)
    config = TrainConfig(architecture="tiny", batch_size=4)
    card = ModelCard("tiny", "tiny", (24, 24, 3), CROP_RULES["face"])
    model = DeepfakeDetectorModel(config)
    artifact = model.save_model(tmp_path / "model", card)
    cost = model_cost.network_cost(config, artifact)
    assert cost["parameters"] == model.network.count_params()
    assert cost["file_bytes"] == (tmp_path / "model" / "model.tflite").stat().st_size
    assert min(cost[n] for n in ("flops", "train_images_per_second", "serve_ms")) > 0
