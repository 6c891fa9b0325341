"""Networks are looked into however they are nested."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector.exceptions import ExplanationError, MissingPackageError
from deepfake_detector.network_trace import first_feature_maps, trace

pytestmark = pytest.mark.tf

SHAPE = (16, 12, 3)

_Build = Callable[[], Any]


def crop() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)


def traced(network: Any) -> Any:
    return trace(network, crop()[None].astype(np.float32))


def backbone(channels: int = 5) -> Any:
    """Two convolutions, a residual sum, pooling."""
    import keras
    from keras import layers

    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(channels, 3, padding="same")(layers.Rescaling(1 / 255)(inputs))
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.MaxPooling2D(2)(x)
    x = layers.Add()([x, layers.Conv2D(channels, 3, padding="same")(x)])
    return keras.Model(inputs, x)


def nested_sigmoid() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input(SHAPE)
    x = layers.GlobalAveragePooling2D()(backbone()(inputs, training=False))
    x = layers.Dense(1, activation="sigmoid")(layers.Dropout(0.5)(x))
    return keras.Model(inputs, x)


def nested_softmax() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input(SHAPE)
    x = layers.GlobalAveragePooling2D()(backbone()(inputs))
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(x))


def sequential() -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Rescaling(1 / 127),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(1),
            layers.Activation("sigmoid"),
        ]
    )


def two_deep() -> Any:
    """A network in a Sequential in a network."""
    import keras
    from keras import layers

    inputs = keras.Input(SHAPE)
    inner = keras.Sequential([keras.Input(SHAPE), backbone()])
    x = layers.GlobalMaxPooling2D()(inner(inputs))
    return keras.Model(inputs, {"logit": layers.Dense(1)(x)})


def two_branches() -> Any:
    """Two members of one making, whose layers have the same names."""
    import keras
    from keras import layers

    from tests.tiny_network import build

    inputs = keras.Input(SHAPE)
    members = [build(SHAPE) for _ in range(2)]
    for number, member in enumerate(members):
        member.name = f"member_{number}"
    logits = [member(inputs, training=False)["logit"] for member in members]
    return keras.Model(inputs, {"logit": layers.Average()(logits)})


def squeezed() -> Any:
    """A gate made of the mean over places, as squeeze-and-excitation has it."""
    import keras
    from keras import layers

    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(6, 3, activation="relu")(inputs)
    gate = layers.Conv2D(6, 1, activation="sigmoid")(
        layers.GlobalAveragePooling2D(keepdims=True)(x)
    )
    x = layers.Dense(1)(layers.Flatten()(layers.Multiply()([x, gate])))
    return keras.Model(inputs, {"logit": x})


#: Each with the shapes of its last feature maps.
NETWORKS = [
    (nested_sigmoid, [(1, 8, 6, 5)]),
    (nested_softmax, [(1, 8, 6, 5)]),
    (sequential, [(1, 14, 10, 4)]),
    (two_deep, [(1, 8, 6, 5)]),
    (two_branches, [(1, 7, 5, 6), (1, 7, 5, 6)]),
    (squeezed, [(1, 14, 10, 6)]),
]


@pytest.mark.parametrize(("build", "shapes"), NETWORKS)
def test_last_feature_maps_of_every_branch_are_found(
    build: _Build, shapes: list[tuple[int, ...]]
) -> None:
    maps = traced(build()).feature_maps()
    assert [tuple(features.shape) for features in maps] == shapes


@pytest.mark.parametrize("build", [build for build, _ in NETWORKS])
def test_logit_is_the_backends(build: _Build) -> None:
    from deepfake_detector.backends.keras_backend import KerasBackend

    network = build()
    logit = np.asarray(traced(network).logit())
    answer = KerasBackend(network).run(crop()[None])["logit"]
    np.testing.assert_allclose(logit, answer, atol=1e-4)


def test_logit_of_a_saturated_probability_has_a_slope() -> None:
    import tensorflow as tf

    network = nested_sigmoid()
    network.layers[-1].set_weights([np.full((5, 1), 1.0), np.array([200.0])])
    batch = tf.constant(crop()[None].astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(batch)
        logit = trace(network, batch).logit()
    assert float(logit[0]) > 100
    assert np.abs(np.asarray(tape.gradient(logit, batch))).max() > 0


def test_network_stays_as_it_was(tmp_path: Any) -> None:
    import keras

    network = two_branches()
    before = network.get_weights()
    first_feature_maps(network, crop())
    network.save(tmp_path / "after.keras")
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert keras.saving.load_model(tmp_path / "after.keras").count_params() > 0


def test_first_feature_maps_are_those_of_the_first_convolutions() -> None:
    network = backbone()
    (name, maps), *others = first_feature_maps(network, crop()).items()
    kernel, bias = network.layers[2].get_weights()
    pixels = crop()[4:7, 4:7].astype(np.float32) / 255
    expected = np.einsum("hwc,hwcf->f", pixels, kernel) + bias
    np.testing.assert_allclose(maps[5, 5], expected, atol=1e-4)
    assert name == network.layers[2].name
    assert maps.shape == (16, 12, 5)
    assert [values.shape for _, values in others] == [(8, 6, 5)]
    assert len(first_feature_maps(network, crop(), layers=1)) == 1


def no_convolution() -> Any:
    from tests.tiny_network import build_flat

    return build_flat(SHAPE)


def written_as_code() -> Any:
    import keras

    class Code(keras.Model):
        def call(self, batch: Any) -> Any:
            return {"logit": keras.ops.mean(batch, axis=(1, 2, 3))[:, None]}

    return Code()


@pytest.mark.parametrize(
    ("build", "told"),
    [(no_convolution, "convolution"), (written_as_code, "has no graph")],
)
def test_network_that_cannot_be_looked_into_is_refused(
    build: _Build, told: str
) -> None:
    network = build()
    with pytest.raises(ExplanationError, match=told):
        traced(network).feature_maps()
    with pytest.raises(ExplanationError, match=told):
        first_feature_maps(network, crop())


def test_network_that_ends_in_something_else_is_refused() -> None:
    with pytest.raises(ExplanationError, match="ends in Add"):
        traced(backbone()).logit()


def test_missing_keras_names_the_install_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = backbone()
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(MissingPackageError, match="pip install tensorflow$"):
        first_feature_maps(network, crop())
