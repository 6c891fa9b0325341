"""The fused operation gives Keras's own numbers, and leaves the layer what it is."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from deepfake_detector.fused_normalization import fuse_batch_normalization

pytestmark = pytest.mark.tf

RNG = np.random.default_rng(0)
BATCH = RNG.normal(3.0, 2.0, (6, 5, 4, 3)).astype(np.float32)
Y_TRUE = RNG.normal(size=(6, 1)).astype(np.float32)


def network(normalization: Any = None) -> keras.Model:
    """Two normalisations, one of them in a network within the network."""
    inner_inputs = keras.Input((5, 4, 3))
    inner = keras.Model(inner_inputs, layers.BatchNormalization()(inner_inputs))
    inputs = keras.Input((5, 4, 3))
    x = (normalization or layers.BatchNormalization(momentum=0.5))(inputs)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(inner(x)))
    return keras.Model(inputs, layers.Dense(1, kernel_initializer="ones")(x))


def train(model: keras.Model, steps: int = 3) -> float:
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    return float([model.train_on_batch(BATCH, Y_TRUE) for _ in range(steps)][-1])


def test_trains_to_the_weights_of_keras() -> None:
    plain, fused = network(), network()
    assert fuse_batch_normalization(fused) == 2
    assert train(fused) == pytest.approx(train(plain), rel=1e-4)
    for expected, got in zip(plain.get_weights(), fused.get_weights(), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_inference_uses_the_moving_moments() -> None:
    plain, fused = network(), network()
    fuse_batch_normalization(fused)
    train(fused)
    plain.set_weights(fused.get_weights())
    np.testing.assert_array_equal(
        fused.predict_on_batch(BATCH), plain.predict_on_batch(BATCH)
    )


def test_frozen_layer_keeps_its_moments() -> None:
    model = network()
    fuse_batch_normalization(model)
    frozen = model.layers[1]
    frozen.trainable = False
    before = frozen.get_weights()
    train(model, steps=1)
    for expected, got in zip(before, frozen.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_saved_file_holds_plain_keras_layers(tmp_path: Path) -> None:
    model = network()
    fuse_batch_normalization(model)
    model.save(tmp_path / "fused.keras")
    loaded = keras.saving.load_model(tmp_path / "fused.keras")
    assert type(loaded.layers[1]) is layers.BatchNormalization
    np.testing.assert_array_equal(loaded(BATCH), model(BATCH))


def test_mixed_precision_normalises_in_bfloat16() -> None:
    layer = layers.BatchNormalization(dtype="mixed_bfloat16")
    inputs = keras.Input((5, 4, 3), dtype="bfloat16")
    model = keras.Model(inputs, layer(inputs))
    assert fuse_batch_normalization(model) == 1
    outputs = keras.ops.cast(model(BATCH, training=True), "float32")
    assert layer.moving_mean.dtype == "float32"
    np.testing.assert_allclose(np.mean(outputs, axis=(0, 1, 2)), 0.0, atol=0.02)


@pytest.mark.parametrize(
    "normalization",
    [
        layers.BatchNormalization(axis=1),
        layers.BatchNormalization(scale=False),
        layers.BatchNormalization(center=False),
        layers.BatchNormalization(renorm=True),
        layers.LayerNormalization(),
    ],
)
def test_other_kinds_are_left_alone(normalization: Any) -> None:
    assert fuse_batch_normalization(network(normalization)) == 1


def test_other_backends_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    assert fuse_batch_normalization(network()) == 0
