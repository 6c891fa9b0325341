"""Published weights reach a network's body whole, or not at all."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from deepfake_detector import architectures
from deepfake_detector.architectures.mobilenet_v3 import SMALL
from deepfake_detector.architectures.xception_299 import XCEPTION_299
from deepfake_detector.backbone_weights import (
    backbone_layers,
    load_backbone,
    with_fine_tuning,
)
from deepfake_detector.config import TrainConfig
from deepfake_detector.exceptions import ConfigError, TrainingError
from tests.tiny_network import BODIED, TINY_ARCHITECTURES, body

pytestmark = pytest.mark.tf

SHAPE = (24, 24, 3)

#: Weights of the body, and of the head above it.
BODY_WEIGHTS, HEAD_WEIGHTS = 12, 2


@pytest.fixture(autouse=True)
def tiny_architectures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(architectures, "ARCHITECTURES", TINY_ARCHITECTURES)


def randomised(network: keras.Model, seed: int = 0) -> keras.Model:
    rng = np.random.default_rng(seed)
    network.set_weights([rng.normal(size=w.shape) for w in network.get_weights()])
    return network


def published(shape: tuple[int, int, int] = SHAPE) -> keras.Model:
    return randomised(body(None, input_shape=shape))


def same(mine: list[Any], theirs: list[Any]) -> bool:
    return len(mine) == len(theirs) and all(map(np.array_equal, mine, theirs))


@pytest.mark.parametrize("name", ["body.weights.h5", "body.h5", "body.keras"])
@pytest.mark.parametrize("shape", [SHAPE, (48, 48, 3)], ids=["same", "larger"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_every_weight_of_the_file_is_in_the_network(
    name: str, shape: tuple[int, int, int], tmp_path: Path
) -> None:
    theirs = published(shape)
    if name.endswith(".weights.h5"):
        theirs.save_weights(tmp_path / name)
    elif name.endswith(".h5"):
        from keras.src.legacy.saving import legacy_h5_format

        legacy_h5_format.save_model_to_hdf5(theirs, str(tmp_path / name))
    else:
        theirs.save(tmp_path / name)
    network = BODIED.build(SHAPE)
    head = network.get_weights()[BODY_WEIGHTS:]
    load_backbone(network, BODIED, SHAPE, str(tmp_path / name))
    weights = network.get_weights()
    assert len(weights) == BODY_WEIGHTS + HEAD_WEIGHTS
    assert same(weights[:BODY_WEIGHTS], theirs.get_weights())
    assert same(weights[BODY_WEIGHTS:], head)


def test_whole_network_gives_its_body(tmp_path: Path) -> None:
    whole = randomised(BODIED.build(SHAPE))
    whole.save(tmp_path / "model.keras")
    network = BODIED.build(SHAPE)
    load_backbone(network, BODIED, SHAPE, str(tmp_path / "model.keras"))
    assert same(
        network.get_weights()[:BODY_WEIGHTS], whole.get_weights()[:BODY_WEIGHTS]
    )


def test_layers_of_the_body_are_those_below_the_head() -> None:
    network = BODIED.build(SHAPE)
    found = backbone_layers(network, BODIED, SHAPE)
    assert [type(layer).__name__ for layer in found] == [
        "Conv2D",
        "BatchNormalization",
        "Conv2D",
        "BatchNormalization",
    ]
    assert all(layer in network.layers for layer in found)


@pytest.mark.slow
def test_a_published_networks_layers_all_find_their_partner(tmp_path: Path) -> None:
    shape = (32, 32, 3)
    theirs = randomised(SMALL.backbone(None, input_shape=shape))
    theirs.save_weights(tmp_path / "small.weights.h5")
    network = SMALL.build(shape)
    load_backbone(network, SMALL, shape, str(tmp_path / "small.weights.h5"))
    count = len(theirs.get_weights())
    assert same(network.get_weights()[:count], theirs.get_weights())


@pytest.mark.slow
def test_layers_that_keras_numbered_are_found_too() -> None:
    """Of Xception's, four convolutions have names that depend on what came before."""
    shape = XCEPTION_299.input_shape
    network = XCEPTION_299.build(shape)
    found = backbone_layers(network, XCEPTION_299, shape)
    rest = [layer for layer in network.layers if layer.weights and layer not in found]
    assert {type(layer).__name__ for layer in rest} == {"Dense"}
    assert len(rest) == 6


# Refused --------------------------------------------------------------------------


def garbage(path: Path) -> None:
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))


def empty(path: Path) -> None:
    path.touch()


def cut(path: Path) -> None:
    published().save_weights(path)
    path.write_bytes(path.read_bytes()[:3000])


def of_another(path: Path) -> None:
    inputs = keras.Input(SHAPE)
    keras.Model(inputs, layers.Conv2D(2, 3)(inputs)).save_weights(path)


def of_other_shapes(path: Path) -> None:
    inputs = keras.Input(SHAPE)
    x = layers.BatchNormalization()(layers.Conv2D(5, 3)(inputs))
    x = layers.BatchNormalization()(layers.Conv2D(6, 1)(x))
    keras.Model(inputs, x).save_weights(path)


def missing(path: Path) -> None:
    """No file at all."""


def a_folder(path: Path) -> None:
    path.mkdir()


BAD_FILES = [garbage, empty, cut, of_another, of_other_shapes, missing, a_folder]


@pytest.mark.parametrize("make", BAD_FILES)
@pytest.mark.parametrize("name", ["body.weights.h5", "body.h5"])
def test_bad_file_changes_nothing_and_says_what_to_do(
    make: Callable[[Path], None], name: str, tmp_path: Path
) -> None:
    made = tmp_path / "made.weights.h5"
    make(made)
    if made.exists():
        made.rename(tmp_path / name)
    network = BODIED.build(SHAPE)
    before = network.get_weights()
    with pytest.raises(TrainingError, match=f"{name}.*--backbone-weights none") as e:
        load_backbone(network, BODIED, SHAPE, str(tmp_path / name))
    assert str(tmp_path) not in str(e.value)
    assert same(network.get_weights(), before)


def no_zip(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04 half")


def no_network(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")


def with_a_lambda(path: Path) -> None:
    inputs = keras.Input(SHAPE)
    keras.Model(inputs, layers.Lambda(lambda x: x)(inputs)).save(path)


def without_weights(path: Path) -> None:
    published().save(path)
    whole = path.rename(path.with_name("whole.zip"))
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for name in ("config.json", "metadata.json"):
            new.writestr(name, old.read(name))


def another_network(path: Path) -> None:
    inputs = keras.Input(SHAPE)
    keras.Model(inputs, layers.Conv2D(6, 3, name="stem_conv")(inputs)).save(path)


def other_name(path: Path) -> None:
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(6, 3, strides=2, name="other_conv")(inputs)
    x = layers.BatchNormalization(name="stem_bn")(x)
    x = layers.BatchNormalization()(layers.Conv2D(6, 1)(x))
    keras.Model(inputs, x).save(path)


def nothing_to_learn(path: Path) -> None:
    inputs = keras.Input(SHAPE)
    keras.Model(inputs, layers.ReLU()(inputs)).save(path)


@pytest.mark.parametrize(
    "make",
    [
        no_zip,
        no_network,
        with_a_lambda,
        without_weights,
        other_name,
        nothing_to_learn,
        missing,
        a_folder,
    ],
)
def test_bad_network_file_changes_nothing(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "body.keras"
    make(path)
    network = BODIED.build(SHAPE)
    before = network.get_weights()
    with pytest.raises(TrainingError, match="backbone_weights: .*body.keras") as e:
        load_backbone(network, BODIED, SHAPE, str(path))
    assert str(tmp_path) not in str(e.value)
    assert same(network.get_weights(), before)


def test_file_that_holds_only_the_first_layers_is_refused(tmp_path: Path) -> None:
    another_network(tmp_path / "body.keras")
    network = BODIED.build(SHAPE)
    with pytest.raises(TrainingError, match="does not fit"):
        load_backbone(network, BODIED, SHAPE, str(tmp_path / "body.keras"))


def test_word_that_is_neither_source_nor_file_lists_what_there_is() -> None:
    with pytest.raises(TrainingError, match="no file imagnet.*--backbone-weights none"):
        load_backbone(BODIED.build(SHAPE), BODIED, SHAPE, "imagnet")


def test_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "body.pth").touch()
    with pytest.raises(TrainingError, match=r"ends in \.weights\.h5, \.h5 or \.keras"):
        load_backbone(BODIED.build(SHAPE), BODIED, SHAPE, str(tmp_path / "body.pth"))


def test_download_that_fails_names_both_ways_out() -> None:
    with pytest.raises(TrainingError) as raised:
        load_backbone(BODIED.build(SHAPE), BODIED, SHAPE, "imagenet")
    assert "cannot be downloaded" in str(raised.value)
    assert "--backbone-weights FILE" in str(raised.value)
    assert "--backbone-weights none" in str(raised.value)
    assert "https" not in str(raised.value)


def test_kerass_own_failing_download_is_understood(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def get_file(*args: Any, **kwargs: Any) -> str:
        raise Exception("URL fetch failure on somewhere: None -- unreachable")

    from keras.src.applications import mobilenet_v3

    monkeypatch.setattr(mobilenet_v3.file_utils, "get_file", get_file)
    shape = (224, 224, 3)
    with pytest.raises(TrainingError, match="cannot be downloaded"):
        load_backbone(SMALL.build(shape), SMALL, shape, "imagenet")


# Settings -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ("none", 0)),
        ({"backbone_weights": "none"}, ("none", 0)),
        ({"architecture": "bodied"}, ("imagenet", 3)),
        ({"architecture": "bodied", "epochs": 4}, ("imagenet", 2)),
        ({"architecture": "bodied", "epochs": 1}, ("imagenet", 0)),
        ({"architecture": "bodied", "head_epochs": 7}, ("imagenet", 7)),
        ({"architecture": "bodied", "backbone_weights": "none"}, ("none", 0)),
        ({"architecture": "bodied", "backbone_weights": "a.h5"}, ("a.h5", 3)),
    ],
)
def test_body_is_loaded_and_frozen_where_there_is_one(
    settings: dict[str, Any], expected: tuple[str, int]
) -> None:
    config = with_fine_tuning(TrainConfig(**{"architecture": "tiny"} | settings))
    assert (config.backbone_weights, config.head_epochs) == expected
    assert with_fine_tuning(config) == config


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"backbone_weights": "body.h5"}, "backbone_weights: 'tiny' has no body"),
        ({"backbone_weights": "imagenet"}, "backbone_weights: 'tiny' has no body"),
        ({"head_epochs": 2}, "head_epochs: 'tiny' has no body"),
    ],
)
def test_network_without_a_body_takes_none_of_it(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        with_fine_tuning(TrainConfig(architecture="tiny", **settings))
