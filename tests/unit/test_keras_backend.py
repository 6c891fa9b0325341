"""Bare `.keras` files, those of the reference implementation above all."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logit as logit_of

from deepfake_detector.backends.keras_backend import KerasBackend
from deepfake_detector.config import ServeConfig
from deepfake_detector.detector import Detector
from deepfake_detector.exceptions import (
    ArtifactError,
    ConfigError,
    UnsafeModelError,
)
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.verdict import Verdict

pytestmark = pytest.mark.tf

INPUT_SHAPE = (16, 16, 3)


def reference_twin(bias: float = -4.0) -> Any:
    """A small network of the reference's kind, with weights that are known.

    Its score is P(real) = sigmoid(4 * brightness / 127 + bias), so that the brighter
    half of all flat pictures is real to it.
    """
    import keras
    from keras import layers

    network = keras.Sequential(
        [
            keras.Input(INPUT_SHAPE),
            layers.Rescaling(1 / 127),
            layers.Conv2D(1, 3, padding="valid", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.9),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    inputs = 7 * 7
    network.set_weights(
        [
            np.full((3, 3, 3, 1), 1 / 27),
            np.zeros(1),
            np.full((inputs, 1), 4 / inputs),
            np.array([bias]),
        ]
    )
    network.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return network


def network_of(*layers: Any, shape: tuple[int | None, ...] = (4, 4, 3)) -> Any:
    import keras

    return keras.Sequential([keras.Input(shape), *layers])


def flat(level: int, shape: tuple[int, int, int] = INPUT_SHAPE) -> NDArray[np.uint8]:
    return np.full((1, *shape), level, dtype=np.uint8)


@pytest.fixture(scope="module")
def reference_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reference") / "best_model.keras"
    reference_twin().save(path)
    return path


@pytest.mark.parametrize("level", [0, 60, 127, 200, 254])
def test_reference_score_becomes_a_logit_of_fake(
    reference_file: Path, level: int
) -> None:
    backend, _ = KerasBackend.load_file(reference_file, "p_real")
    answer = backend.run(flat(level))["logit"]
    np.testing.assert_allclose(answer, [4 - 4 * level / 127], atol=1e-3)


def test_real_face_is_not_labelled_fake_as_the_reference_labels_it(
    reference_file: Path,
) -> None:
    config = ServeConfig(keras_file=reference_file, keras_score="p_real")
    detector = Detector.load(config)
    real = detector.analyse(flat(254, (300, 200, 3))[0])
    fake = detector.analyse(flat(0, (300, 200, 3))[0])
    assert (real.verdict, fake.verdict) == (Verdict.LIKELY_REAL, Verdict.LIKELY_FAKE)
    assert real.p_fake == pytest.approx(1 / (1 + np.exp(4)), rel=1e-3)
    assert fake.p_fake == pytest.approx(1 - 1 / (1 + np.exp(4)), rel=1e-3)


def test_score_that_is_p_fake_is_not_turned(reference_file: Path) -> None:
    turned, _ = KerasBackend.load_file(reference_file, "p_real")
    plain, _ = KerasBackend.load_file(reference_file, "p_fake")
    answers = [backend.run(flat(30))["logit"] for backend in (turned, plain)]
    np.testing.assert_array_equal(answers[0], -answers[1])


def test_card_of_a_bare_file_feeds_whole_pictures(reference_file: Path) -> None:
    _, card = KerasBackend.load_file(reference_file, "p_real")
    assert (card.name, card.architecture) == ("best_model", "unknown")
    assert (card.input_shape, card.score) == (INPUT_SHAPE, "p_real")
    assert card.crop == CROP_RULES["whole"]
    assert card.calibration.to_dict() == {"temperature": 1.0, "bias": 0.0}


@pytest.mark.parametrize("bias", [-1000.0, 1000.0])
def test_certain_score_gives_a_finite_logit(bias: float) -> None:
    answer = KerasBackend(reference_twin(bias)).run(flat(0))["logit"]
    assert np.sign(answer) == np.sign(bias)
    assert 15 < abs(answer[0]) < 17


def test_dropout_is_off() -> None:
    backend = KerasBackend(reference_twin())
    answers = {float(backend.run(flat(200))["logit"][0]) for _ in range(5)}
    assert len(answers) == 1


@pytest.mark.parametrize("score, sign", [("p_fake", 1), ("p_real", -1)])
def test_softmax_becomes_the_difference_of_its_logits(score: str, sign: int) -> None:
    import keras

    dense = keras.layers.Dense(2, activation="softmax")
    network = network_of(keras.layers.Flatten(), dense)
    bias = np.array([0.3, -0.9])
    dense.set_weights([np.zeros((48, 2)), bias])
    answer = KerasBackend(network, score).run(flat(9, (4, 4, 3)))["logit"]
    np.testing.assert_allclose(answer, [sign * (-0.9 - 0.3)], rtol=1e-5)


def test_certain_softmax_gives_a_finite_logit() -> None:
    import keras

    dense = keras.layers.Dense(2, activation="softmax")
    network = network_of(keras.layers.Flatten(), dense)
    dense.set_weights([np.zeros((48, 2)), np.array([0.0, 500.0])])
    answer = KerasBackend(network).run(flat(9, (4, 4, 3)))["logit"]
    assert 50 < answer[0] < np.inf


def test_separate_activation_layer_counts_as_the_last() -> None:
    import keras
    from keras import layers

    dense = layers.Dense(1)
    head = keras.Sequential([layers.Flatten(), dense, layers.Activation("sigmoid")])
    network = network_of(head)
    dense.set_weights([np.zeros((48, 1)), np.array([1.25])])
    answer = KerasBackend(network).run(flat(9, (4, 4, 3)))["logit"]
    np.testing.assert_allclose(answer, [1.25], rtol=1e-5)


def test_half_precision_network_is_read_in_full() -> None:
    import keras

    dense = keras.layers.Dense(1, activation="sigmoid", dtype="mixed_float16")
    network = network_of(keras.layers.Flatten(), dense)
    answer = KerasBackend(network).run(flat(0, (4, 4, 3)))["logit"]
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer, [logit_of(0.5)], atol=1e-3)


def dense_after_flatten(
    units: int, activation: str, shape: tuple[int, ...] = (4, 4, 3)
) -> Any:
    from keras import layers

    return network_of(layers.Flatten(), layers.Dense(units, activation), shape=shape)


def pooled(shape: tuple[int | None, ...]) -> Any:
    from keras import layers

    pooling = layers.GlobalAveragePooling2D()
    return network_of(pooling, layers.Dense(1, "sigmoid"), shape=shape)


def with_outputs(choose: Callable[[Any, Any], Any]) -> Any:
    """A network that returns what is chosen of a (n, 48) and a (n, 1) output."""
    import keras
    from keras import layers

    image = keras.Input((4, 4, 3))
    wide = layers.Flatten()(image)
    return keras.Model(image, choose(wide, layers.Dense(1)(wide)))


def unbuilt() -> Any:
    import keras

    return keras.Sequential([keras.layers.Dense(1, "sigmoid")])


def with_two_inputs() -> Any:
    import keras
    from keras import layers

    pictures = [keras.Input((4, 4, 3)), keras.Input((4, 4, 3))]
    both = layers.Flatten()(layers.Add()(pictures))
    return keras.Model(pictures, layers.Dense(1, "sigmoid")(both))


DO_NOT_FIT: dict[str, Callable[[], Any]] = {
    "no stated input": unbuilt,
    "flat input": lambda: dense_after_flatten(1, "sigmoid", (48,)),
    "grey input": lambda: dense_after_flatten(1, "sigmoid", (4, 4, 1)),
    "input of any size": lambda: pooled((None, None, 3)),
    "two inputs": with_two_inputs,
    "bare logit": lambda: dense_after_flatten(1, "linear"),
    "ten classes": lambda: dense_after_flatten(10, "softmax"),
    "two sigmoids": lambda: dense_after_flatten(2, "sigmoid"),
    "softmax of one": lambda: dense_after_flatten(1, "softmax"),
    "list of outputs": lambda: with_outputs(lambda wide, logit: [logit, wide]),
    "dict without a logit": lambda: with_outputs(lambda wide, logit: {"p_fake": logit}),
    "wide logit": lambda: with_outputs(lambda wide, logit: {"logit": wide}),
    "flat map": lambda: with_outputs(lambda wide, logit: {"logit": logit, "cam": wide}),
}


@pytest.mark.parametrize("name", DO_NOT_FIT)
def test_network_that_does_not_fit_is_refused(name: str) -> None:
    with pytest.raises(ArtifactError, match="expected a network with .* got "):
        KerasBackend(DO_NOT_FIT[name]())


@pytest.mark.parametrize("score", ["", "fake", "P_FAKE"])
def test_unknown_score_lists_choices(reference_file: Path, score: str) -> None:
    with pytest.raises(ConfigError, match="choose from: p_fake, p_real"):
        KerasBackend.load_file(reference_file, score)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="found no such file"):
        KerasBackend.load_file(tmp_path / "none.keras", "p_fake")


def test_file_with_a_lambda_is_refused_before_keras_builds_it(tmp_path: Path) -> None:
    import keras

    layer = keras.layers.Lambda(keras.activations.relu, output_shape=(4, 4, 3))
    network_of(layer).save(tmp_path / "lambda.keras")
    with pytest.raises(UnsafeModelError, match="'Lambda'"):
        KerasBackend.load_file(tmp_path / "lambda.keras", "p_fake")


def test_file_without_weights_is_refused(reference_file: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.keras"
    with zipfile.ZipFile(reference_file) as whole, zipfile.ZipFile(bare, "w") as zip_:
        zip_.writestr("config.json", whole.read("config.json"))
    with pytest.raises(ArtifactError, match=r"bare\.keras: Keras .* cannot build"):
        KerasBackend.load_file(bare, "p_fake")
