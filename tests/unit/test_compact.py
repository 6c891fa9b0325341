"""The high-pass kernels: blind to what is flat or even, awake to noise."""

import numpy as np
import pytest

from deepfake_detector.architectures import ARCHITECTURES
from deepfake_detector.architectures.compact import high_pass_kernels

pytestmark = pytest.mark.tf


def test_kernels_answer_nothing_to_a_slope() -> None:
    kernels = high_pass_kernels()  # (5, 5, 3, 3)
    row, column = np.mgrid[:5, :5]
    for slope in (np.ones((5, 5)), row, column, 3 * row - column):
        answer = np.einsum("hw,hwck->k", slope, kernels)
        assert np.allclose(answer, 0, atol=1e-5)


@pytest.mark.parametrize(("kernel", "centre"), [(0, -1.0), (1, -1.0), (2, -1.0)])
def test_single_pixel_is_answered_by_its_own_height(kernel: int, centre: float) -> None:
    """All three are scaled such that the middle weighs -1, summed over the colours."""
    assert high_pass_kernels()[2, 2, :, kernel].sum() == pytest.approx(centre)


def test_high_pass_sees_noise_and_no_slope_and_is_not_trained() -> None:
    import keras

    architecture = ARCHITECTURES.get("compact_srm")
    network = architecture.build((32, 32, 3))
    layer = network.get_layer("high_pass")
    assert not layer.trainable_weights
    part = keras.Model(network.inputs[0], layer.output)
    flat = np.full((1, 32, 32, 3), 200.0, dtype=np.float32)
    noise = flat + np.random.default_rng(0).normal(0, 4, flat.shape).astype(np.float32)
    inner = np.s_[:, 2:-2, 2:-2]
    assert np.abs(np.asarray(part(flat))[inner]).max() < 1e-4
    assert np.abs(np.asarray(part(noise))[inner]).mean() > 0.05


def test_high_pass_copy_keeps_the_kernels() -> None:
    """A copy in another precision is made by building anew and copying the weights."""
    architecture = ARCHITECTURES.get("compact_srm")
    network = architecture.build((32, 32, 3))
    weights = network.get_layer("high_pass").get_weights()[0]
    assert np.allclose(weights, high_pass_kernels() / 8)
