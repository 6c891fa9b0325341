"""Averages of weights: shown for a while, and nothing is left of them."""

import keras
import numpy as np
import pytest

from deepfake_detector.averaged_weights import AveragedValidation, averaged_weights

pytestmark = pytest.mark.tf

CROPS = np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)


def trained(steps: int, **optimizer: object) -> tuple[keras.Model, list[np.ndarray]]:
    """A network after some steps, and its kernel after each of them."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1, **optimizer), "mse", run_eagerly=True)
    kernels = []
    for _ in range(steps):
        model.train_on_batch(CROPS, CROPS[:, :1])
        kernels.append(model.get_weights()[0])
    return model, kernels


def averaging(steps: int) -> tuple[keras.Model, list[np.ndarray]]:
    return trained(steps, use_ema=True, ema_momentum=0.8)


def test_average_is_that_of_the_steps() -> None:
    model, kernels = averaging(4)
    expected = kernels[0]
    for kernel in kernels[1:]:
        expected = 0.8 * expected + 0.2 * kernel
    with averaged_weights(model):
        np.testing.assert_allclose(model.get_weights()[0], expected, rtol=1e-5)


def test_trained_weights_come_back_bit_by_bit() -> None:
    model, kernels = averaging(4)
    for _ in range(3):
        with averaged_weights(model):
            pass
    np.testing.assert_array_equal(model.get_weights()[0], kernels[-1])


def test_trained_weights_come_back_after_an_error() -> None:
    model, kernels = averaging(2)
    with pytest.raises(KeyError), averaged_weights(model):
        raise KeyError
    np.testing.assert_array_equal(model.get_weights()[0], kernels[-1])


def test_optimiser_without_average_changes_nothing() -> None:
    model, kernels = trained(2)
    with averaged_weights(model):
        np.testing.assert_array_equal(model.get_weights()[0], kernels[-1])


def test_before_the_first_step_there_is_nothing_to_show() -> None:
    model, _ = averaging(0)
    before = model.get_weights()[0]
    with averaged_weights(model):
        np.testing.assert_array_equal(model.get_weights()[0], before)


def test_validation_sees_the_average_and_training_does_not() -> None:
    model, kernels = averaging(3)
    with averaged_weights(model):
        shown = model.evaluate(CROPS, CROPS[:, :1], verbose=0)
    plain = model.evaluate(CROPS, CROPS[:, :1], verbose=0)
    callbacks = [AveragedValidation()]
    seen = model.evaluate(CROPS, CROPS[:, :1], verbose=0, callbacks=callbacks)
    assert seen == pytest.approx(shown)
    assert seen != pytest.approx(plain, rel=1e-6)
    np.testing.assert_array_equal(model.get_weights()[0], kernels[-1])


def test_validation_that_was_cut_can_be_put_right() -> None:
    model, kernels = averaging(3)
    callback = AveragedValidation()
    callback.set_model(model)
    callback.on_test_begin()
    callback.on_test_end()
    callback.on_test_end()  # once more, as after Ctrl-C
    np.testing.assert_array_equal(model.get_weights()[0], kernels[-1])
