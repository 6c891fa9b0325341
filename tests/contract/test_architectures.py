"""What every network must do: [0, 255] in, named outputs out, in LiteRT alike."""

import importlib
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector.architectures import ARCHITECTURES
from deepfake_detector.backends.litert_backend import LiteRTBackend
from deepfake_detector.calibration import sigmoid

pytestmark = pytest.mark.tf

#: Small, and not square: height and width must not be mixed up.
SHAPE = (48, 32, 3)

#: Parameters at 128x128 as the source states them, or the docstring of our own.
PARAMETERS = {"compact": 431_345, "four_conv": 8_943_809}

OUTPUTS = ({"logit", "p_fake"}, {"logit", "p_fake", "cam"})


def crops(n: int, seed: int = 0) -> NDArray[np.uint8]:
    """Noise of several strengths, so that answers differ."""
    rng = np.random.default_rng(seed)
    contrast = np.linspace(0.1, 1, n)[:, None, None, None]
    return (contrast * rng.integers(0, 256, (n, *SHAPE))).astype(np.uint8)


def answers(network: keras.Model, batch: NDArray[np.uint8]) -> dict[str, Any]:
    outputs = network(batch.astype(np.float32), training=False)
    return {name: np.asarray(value) for name, value in outputs.items()}


@pytest.fixture(scope="module", params=list(ARCHITECTURES))
def network(request: pytest.FixtureRequest) -> keras.Model:
    """The network, its head scaled so that logits spread by at least 1."""
    keras.utils.set_random_seed(0)
    network = ARCHITECTURES.get(request.param)(SHAPE)
    head = network.get_layer("cam" if "cam" in network.output else "logit")
    logit = answers(network, crops(6))["logit"]
    kernel, bias = head.get_weights()
    scale = 2 / np.ptp(logit)
    head.set_weights([kernel * scale, bias - np.float32(scale * logit.mean())])
    return network


def test_outputs_are_named_and_of_their_shapes(network: keras.Model) -> None:
    outputs = answers(network, crops(3))
    assert set(outputs) in OUTPUTS
    assert outputs["logit"].shape == outputs["p_fake"].shape == (3, 1)
    assert {value.dtype for value in outputs.values()} == {np.dtype(np.float32)}


def test_p_fake_is_the_sigmoid_of_the_logit(network: keras.Model) -> None:
    outputs = answers(network, crops(6))
    assert np.ptp(outputs["logit"]) >= 1
    np.testing.assert_allclose(outputs["p_fake"], sigmoid(outputs["logit"]), atol=1e-6)


def test_mean_of_the_activation_map_is_the_logit(network: keras.Model) -> None:
    outputs = answers(network, crops(6))
    # A network without a map has one place, which says it all.
    cam = outputs.get("cam", outputs["logit"][..., None, None])  # (n, h', w', 1)
    assert cam.shape[3] == 1
    np.testing.assert_allclose(cam.mean(axis=(1, 2)), outputs["logit"], atol=1e-5)


def test_pixels_are_scaled_inside_the_network(network: keras.Model) -> None:
    """Pixels come in [0, 255]: somebody must bring them near 1, and only once."""
    (rescaling,) = [
        layer for layer in network.layers if isinstance(layer, keras.layers.Rescaling)
    ]
    white = np.asarray(rescaling(np.full((1, *SHAPE), 255, dtype=np.float32)))
    assert 0.9 < white.max() < 2.5


def test_same_answer_twice_at_inference(network: keras.Model) -> None:
    first, second = (answers(network, crops(4)) for _ in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_answer_does_not_depend_on_the_rest_of_the_batch(network: keras.Model) -> None:
    together = answers(network, crops(4))["logit"]
    alone = [answers(network, crop[None])["logit"][0] for crop in crops(4)]
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_network_survives_saving_and_loading(
    network: keras.Model, tmp_path: Path
) -> None:
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    before, after = answers(network, crops(4)), answers(loaded, crops(4))
    assert set(before) == set(after)
    for name in before:
        np.testing.assert_allclose(after[name], before[name], atol=1e-6)


def test_litert_gives_the_same_named_answers(
    network: keras.Model, tmp_path: Path
) -> None:
    network.export(tmp_path / "network.tflite", format="litert", verbose=False)
    backend = LiteRTBackend((tmp_path / "network.tflite").read_bytes())
    expected, exported = answers(network, crops(6)), backend.run(crops(6))
    assert backend.input_shape == SHAPE
    np.testing.assert_allclose(exported["logit"], expected["logit"][:, 0], atol=1e-4)
    assert ("cam" in exported) == ("cam" in expected)
    if "cam" in exported:
        np.testing.assert_allclose(exported["cam"], expected["cam"][..., 0], atol=1e-4)


def test_every_network_has_a_stated_size() -> None:
    assert set(PARAMETERS) == set(ARCHITECTURES)


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items())
def test_size_is_the_stated_one(name: str, parameters: int) -> None:
    network = ARCHITECTURES.get(name)()
    assert network.input_shape == (None, 128, 128, 3)
    assert network.name == name
    assert network.count_params() == parameters


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_docstring_cites_a_source(name: str) -> None:
    module = importlib.import_module(ARCHITECTURES.get(name).__module__)
    assert module.__doc__ is not None
    assert ".. [1]" in module.__doc__.partition("References\n----------\n")[2]
    assert len(ARCHITECTURES.summary(name)) > 20
