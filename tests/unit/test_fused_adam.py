"""The fused update gives Keras's own numbers, and leaves the optimiser what it is."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from deepfake_detector.distribution import mirrored_strategy
from deepfake_detector.fused_adam import fuse_adam

pytestmark = pytest.mark.tf

RNG = np.random.default_rng(0)
BATCH = RNG.normal(size=(6, 5)).astype(np.float32)
Y_TRUE = RNG.normal(size=(6, 1)).astype(np.float32)


def network(optimizer: Any, fused: bool) -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((5,))
    hidden = layers.Dense(4, activation="tanh")(inputs)
    model = keras.Model(inputs, layers.Dense(1)(hidden))
    if fused:
        assert fuse_adam(optimizer)
    model.compile(optimizer=optimizer, loss="mse")
    return model


def train(model: keras.Model, steps: int = 20) -> None:
    for _ in range(steps):
        model.train_on_batch(BATCH, Y_TRUE)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (keras.optimizers.Adam, {"learning_rate": 0.01}),
        (keras.optimizers.Adam, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}),
        (keras.optimizers.Adam, {"global_clipnorm": 0.1}),
        (keras.optimizers.Adam, {"use_ema": True, "ema_momentum": 0.9}),
        (keras.optimizers.AdamW, {"learning_rate": 0.01, "weight_decay": 0.1}),
    ],
)
def test_trains_to_the_weights_of_keras(kind: Any, settings: dict[str, Any]) -> None:
    plain, fused = network(kind(**settings), False), network(kind(**settings), True)
    train(plain)
    train(fused)
    # All that is kept: weights, step, moments, averages.
    expected = [*plain.get_weights(), *map(np.asarray, plain.optimizer.variables)]
    got = [*fused.get_weights(), *map(np.asarray, fused.optimizer.variables)]
    for of_keras, ours in zip(expected, got, strict=True):
        np.testing.assert_allclose(ours, of_keras, rtol=1e-4, atol=1e-6)


def test_saved_file_holds_the_plain_optimizer_and_all_it_remembers(
    tmp_path: Path,
) -> None:
    model = network(keras.optimizers.Adam(0.01), fused=True)
    train(model)
    model.save(tmp_path / "fused.keras")
    loaded = keras.saving.load_model(tmp_path / "fused.keras")
    assert type(loaded.optimizer) is keras.optimizers.Adam
    for ours, saved in zip(
        model.optimizer.variables, loaded.optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(np.asarray(saved), np.asarray(ours))


def test_embedding_is_trained_as_by_keras() -> None:
    def trained(fused: bool) -> np.ndarray[Any, Any]:
        keras.utils.set_random_seed(0)
        model = keras.Sequential([layers.Embedding(4, 2), layers.Flatten()])
        optimizer = keras.optimizers.Adam(0.01)
        assert not fused or fuse_adam(optimizer)
        model.compile(optimizer=optimizer, loss="mse")
        words = np.array([[0], [2], [2]])
        for _ in range(3):
            model.train_on_batch(words, np.ones((3, 2), dtype=np.float32))
        return np.asarray(model.get_weights()[0])

    np.testing.assert_allclose(trained(True), trained(False), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.SGD(),
        keras.optimizers.Nadam(),
        keras.optimizers.Adam(amsgrad=True),
    ],
)
def test_other_kinds_are_left_alone(optimizer: Any) -> None:
    assert not fuse_adam(optimizer)


def test_other_backends_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    assert not fuse_adam(keras.optimizers.Adam())


def test_several_devices_keep_the_update_of_keras() -> None:
    with mirrored_strategy().scope():
        assert not fuse_adam(keras.optimizers.Adam())
