"""What every network must do: [0, 255] in, named outputs out, in LiteRT alike."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector.architectures import ARCHITECTURES, architecture_of
from deepfake_detector.artifact import KERAS_FILE, Artifact, ModelCard, write_artifact
from deepfake_detector.backends.litert_backend import LiteRTBackend
from deepfake_detector.calibration import Calibration, sigmoid
from deepfake_detector.config import TrainConfig
from deepfake_detector.deepfake_detector_model import EXPORT_TOLERANCE
from deepfake_detector.exceptions import ArtifactError, ConfigError
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.keras_file import check_keras_file

pytestmark = pytest.mark.tf

#: Small, and not square: height and width must not be mixed up.
SHAPE = (48, 32, 3)

#: Networks that pool or stride more than that leaves room for.
LARGER_SHAPES = {
    "deforgify": (80, 64, 3),
    "tuned_64": (64, 48, 3),
    "xception_299": (80, 72, 3),
}

#: Networks made of the same kinds of layers as another of the table, other in sizes and
#: dropout rates alone. Each is built and counted, but not exported once more.
SAME_KINDS = {
    "mobilenet_v3_large": "mobilenet_v3_small",
    "reference_03": "reference_01",
    "reference_04": "reference_01",
    **{
        f"reference_{number:02}": "four_conv"
        for number in (5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18)
    },
}

#: Networks that take many seconds to export, however small their input.
LARGE = ("efficientnet_v2_b0", "mobilenet_v3_small", "resnet50", "xception_299")

NAMES = [name for name in ARCHITECTURES if ARCHITECTURES.get(name).combine is None]
ENSEMBLES = sorted(set(ARCHITECTURES) - set(NAMES))

#: Parameters as the sources state them: those of the twenty are in shared facts.
PARAMETERS = {
    "baseline_64": 8_657,
    "compact": 431_345,
    "compact_deep": 625_777,
    "compact_deep_srm": 626_434,
    "compact_srm": 432_002,
    "deforgify": 1_126_306,
    "efficientnet_v2_b0": 5_920_593,
    "four_conv": 8_943_809,
    "mobilenet_v3_large": 2_997_313,
    "mobilenet_v3_small": 939_697,
    "reference_01": 16_602_629,
    "reference_02": 3_458_289,
    "reference_03": 14_759_153,
    "reference_04": 14_759_153,
    "reference_05": 8_524_225,
    "reference_06": 8_943_809,
    "reference_07": 8_526_273,
    "reference_08": 4_296_897,
    "reference_09": 134_346_689,
    "reference_10": 4_296_897,
    "reference_11": 8_943_809,
    "reference_12": 8_943_809,
    "reference_13": 8_943_809,
    "reference_14": 8_943_809,
    "reference_15": 8_952_001,
    "reference_16": 8_927_297,
    "reference_17": 8_943_809,
    "reference_18": 4_626_113,
    "reference_19": 60_719_809,
    "reference_20": 134_776_513,
    "resnet50": 24_639_874,
    "three_conv": 9_563_713,
    "tuned_64": 107_697,
    "xception_299": 23_210_513,
}

OUTPUTS = ({"logit", "p_fake"}, {"logit", "p_fake", "cam"})


def crops(network: keras.Model, n: int) -> NDArray[np.uint8]:
    """Noise of several strengths, so that answers differ."""
    rng = np.random.default_rng(0)
    contrast = np.linspace(0.1, 1, n)[:, None, None, None]
    shape = network.input_shape[1:]
    return (contrast * rng.integers(0, 256, (n, *shape))).astype(np.uint8)


def answers(network: keras.Model, batch: NDArray[np.uint8]) -> dict[str, Any]:
    outputs = network(batch.astype(np.float32), training=False)
    return {name: np.asarray(value) for name, value in outputs.items()}


def spread(network: keras.Model, wanted: float = 2.0) -> keras.Model:
    """Scale the head so that logits spread: fresh networks answer almost 0."""
    for layer in network.layers:
        if layer.name == "predictions":  # Xception's thousand classes, all alike
            layer.set_weights([weight * 1000 for weight in layer.get_weights()])
    head = next(
        network.get_layer(name)
        for name in ("classes", "cam", "logit")
        if any(layer.name == name and layer.weights for layer in network.layers)
    )
    logit = answers(network, crops(network, 6))["logit"]
    kernel, bias = head.get_weights()
    scale = wanted / np.ptp(logit)
    # Of two classes the last is Fake; of one, it is the only one.
    bias[-1] -= np.float32(scale * logit.mean())
    head.set_weights([kernel * scale, bias])
    return network


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=pytest.mark.slow if name in LARGE else ())
        for name in sorted(set(NAMES) - set(SAME_KINDS))
    ],
)
def network(request: pytest.FixtureRequest) -> Iterator[keras.Model]:
    """The network, its head scaled so that logits spread by at least 1."""
    keras.utils.set_random_seed(0)
    shape = LARGER_SHAPES.get(request.param, SHAPE)
    yield spread(ARCHITECTURES.get(request.param).build(shape))
    keras.backend.clear_session()


def test_outputs_are_named_and_of_their_shapes(network: keras.Model) -> None:
    outputs = answers(network, crops(network, 3))
    assert set(outputs) in OUTPUTS
    assert outputs["logit"].shape == outputs["p_fake"].shape == (3, 1)
    assert {value.dtype for value in outputs.values()} == {np.dtype(np.float32)}


def test_p_fake_is_the_sigmoid_of_the_logit(network: keras.Model) -> None:
    outputs = answers(network, crops(network, 6))
    assert np.ptp(outputs["logit"]) >= 1
    np.testing.assert_allclose(outputs["p_fake"], sigmoid(outputs["logit"]), atol=1e-6)


def test_mean_of_the_activation_map_is_the_logit(network: keras.Model) -> None:
    outputs = answers(network, crops(network, 6))
    # A network without a map has one place, which says it all.
    cam = outputs.get("cam", outputs["logit"][..., None, None])  # (n, h', w', 1)
    assert cam.shape[3] == 1
    np.testing.assert_allclose(cam.mean(axis=(1, 2)), outputs["logit"], atol=1e-5)


def test_pixels_are_scaled_inside_the_network(network: keras.Model) -> None:
    """Pixels come in [0, 255]: somebody must bring them near 1, and only once."""
    (rescaling,) = [
        layer for layer in network.layers if isinstance(layer, keras.layers.Rescaling)
    ]
    white = np.asarray(
        rescaling(np.full((1, *network.input_shape[1:]), 255, dtype=np.float32))
    )
    assert 0.9 < white.max() < 2.5


def test_same_answer_twice_at_inference(network: keras.Model) -> None:
    first, second = (answers(network, crops(network, 4)) for _ in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_answer_does_not_depend_on_the_rest_of_the_batch(network: keras.Model) -> None:
    together = answers(network, crops(network, 4))["logit"]
    alone = [answers(network, crop[None])["logit"][0] for crop in crops(network, 4)]
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_network_survives_saving_and_loading(
    network: keras.Model, tmp_path: Path
) -> None:
    network.save(tmp_path / "network.keras")
    check_keras_file(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    before, after = (
        answers(network, crops(network, 4)),
        answers(loaded, crops(network, 4)),
    )
    assert set(before) == set(after)
    for name in before:
        np.testing.assert_allclose(after[name], before[name], atol=1e-6)


def test_litert_gives_the_same_named_answers(
    network: keras.Model, tmp_path: Path
) -> None:
    network.export(tmp_path / "network.tflite", format="litert", verbose=False)
    backend = LiteRTBackend((tmp_path / "network.tflite").read_bytes())
    expected, exported = (
        answers(network, crops(network, 6)),
        backend.run(crops(network, 6)),
    )
    assert backend.input_shape == network.input_shape[1:]
    np.testing.assert_allclose(
        exported["logit"], expected["logit"][:, 0], rtol=0, atol=EXPORT_TOLERANCE
    )
    assert ("cam" in exported) == ("cam" in expected)
    if "cam" in exported:
        cam = expected["cam"][..., 0]
        # Drawn in 255 shades of its largest value: the same to a quarter of one.
        np.testing.assert_allclose(
            exported["cam"], cam, rtol=0, atol=np.abs(cam).max() / 1000
        )


def test_every_network_has_a_stated_size() -> None:
    assert sorted(PARAMETERS) == NAMES


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items())
def test_size_is_the_published_one(name: str, parameters: int) -> None:
    architecture = ARCHITECTURES.get(name)
    network = architecture.build(architecture.input_shape)
    assert network.input_shape == (None, *architecture.input_shape)
    assert network.name == name
    assert network.count_params() == architecture.parameters == parameters
    keras.backend.clear_session()


def test_resnet50_trains_as_many_weights_as_published() -> None:
    network = ARCHITECTURES.get("resnet50").build((128, 128, 3))
    trained = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    assert trained == 24_585_730


@pytest.mark.parametrize(("name", "twin"), SAME_KINDS.items())
def test_network_has_the_same_kinds_of_layers_as_its_twin(name: str, twin: str) -> None:
    kinds = [
        {type(layer) for layer in ARCHITECTURES.get(n).build(SHAPE).layers}
        for n in (name, twin)
    ]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_recipe_is_one_that_training_can_follow(name: str) -> None:
    architecture = ARCHITECTURES.get(name)
    optimizer = keras.optimizers.get(architecture.optimizer)
    assert isinstance(optimizer, keras.optimizers.Optimizer)
    assert architecture.crop in CROP_RULES
    assert architecture.loss in (
        "binary_crossentropy",
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
    )


def test_two_softmax_outputs_cost_what_their_difference_costs() -> None:
    """Why a softmax network may be trained on its logit."""
    network = ARCHITECTURES.get("deforgify").build((80, 64, 3))
    classes = keras.Model(network.inputs, network.get_layer("classes").output)
    batch = crops(network, 6).astype(np.float32)
    y_true = np.array([0, 1, 1, 0, 1, 0])
    of_softmax = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    of_logit = keras.losses.BinaryCrossentropy(from_logits=True)
    logit = network(batch)["logit"]
    assert float(of_logit(y_true[:, None], logit)) == pytest.approx(
        float(of_softmax(y_true, classes([batch]))), abs=1e-6
    )


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_docstring_cites_a_source(name: str) -> None:
    path = dict(ARCHITECTURES.paths())[name]
    module = importlib.import_module(path.split(":")[0])
    assert module.__doc__ is not None
    assert ".. [1]" in module.__doc__.partition("References\n----------\n")[2]
    assert len(ARCHITECTURES.summary(name)) > 20


def test_importing_the_table_loads_no_tensorflow() -> None:
    code = (
        "import sys, deepfake_detector.architectures as a; "
        "[a.ARCHITECTURES.summary(n) for n in a.ARCHITECTURES]; "
        "sys.exit('keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


MEMBERS = (("baseline_64", (48, 32, 3)), ("compact", (64, 48, 3)))


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> list[Artifact]:
    """Two trained models of different sizes, as training writes them."""
    folder = tmp_path_factory.mktemp("members")
    keras.utils.set_random_seed(1)  # such that their answers do not cancel
    return [
        write_member(folder / name, name, shape, Calibration(2.0, 0.5))
        for name, shape in MEMBERS
    ]


def write_member(
    folder: Path,
    name: str,
    shape: tuple[int, int, int],
    calibration: Calibration,
    crop: str = "face",
) -> Artifact:
    network = spread(ARCHITECTURES.get(name).build(shape))
    card = ModelCard(name, name, shape, CROP_RULES[crop], calibration)
    return write_artifact(folder, card, lambda f: network.save(f / KERAS_FILE))


@pytest.mark.parametrize("name", ENSEMBLES)
def test_ensemble_takes_the_largest_members_input(
    name: str, members: list[Artifact]
) -> None:
    architecture = ARCHITECTURES.get(name).combine(members)
    assert (architecture.image_size, architecture.crop) == (64, "face")


@pytest.mark.parametrize("name", ENSEMBLES)
def test_ensemble_survives_saving_and_exports(
    name: str, members: list[Artifact], tmp_path: Path
) -> None:
    network = ARCHITECTURES.get(name).combine(members).build((64, 48, 3))
    if network.trainable_weights:
        spread(network)
    assert np.ptp(answers(network, crops(network, 6))["logit"]) > 0.5
    test_network_survives_saving_and_loading(network, tmp_path)
    test_litert_gives_the_same_named_answers(network, tmp_path)


def test_mean_is_that_of_the_members_calibrated_logits(members: list[Artifact]) -> None:
    network = ARCHITECTURES.get("ensemble_mean").combine(members).build((64, 48, 3))
    assert network.trainable_weights == []
    batch = crops(network, 6).astype(np.float32)
    small, large = (
        keras.saving.load_model(member.directory / KERAS_FILE) for member in members
    )
    shrunk = keras.layers.Resizing(48, 32)(batch)
    logits = [small(shrunk)["logit"], large(batch)["logit"]]
    expected = np.mean([np.asarray(z) / 2.0 + 0.5 for z in logits], axis=0)
    np.testing.assert_allclose(network(batch)["logit"], expected, atol=1e-5)


def test_only_the_head_of_a_stack_is_trained(members: list[Artifact]) -> None:
    network = ARCHITECTURES.get("ensemble").combine(members).build((64, 48, 3))
    assert [tuple(weight.shape) for weight in network.trainable_weights] == [
        (2, 32),
        (32,),
        (32, 1),
        (1,),
    ]
    # Members answer as at inference while the head trains: no dropout.
    batch = crops(network, 6).astype(np.float32)
    np.testing.assert_allclose(
        network(batch, training=True)["logit"], network(batch)["logit"], atol=1e-6
    )


BAD_MEMBERS = {
    "none": (lambda folder: [], "expected --member DIR"),
    "one": (lambda folder: [member(folder, "a")], "at least 2 trained models, got 1"),
    "other crops": (
        lambda folder: [member(folder, "a"), member(folder, "b", "whole")],
        "look at the same crops, got face, whole",
    ),
}


def member(folder: Path, name: str, crop: str = "face") -> Artifact:
    card = ModelCard(name, "baseline_64", SHAPE, CROP_RULES[crop])
    return write_artifact(folder / name, card, lambda f: (f / KERAS_FILE).touch())


@pytest.mark.parametrize("name", ENSEMBLES)
@pytest.mark.parametrize(("make", "words"), BAD_MEMBERS.values(), ids=list(BAD_MEMBERS))
def test_bad_members_are_refused(
    name: str, make: Any, words: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=words):
        ARCHITECTURES.get(name).combine(make(tmp_path))


def test_damaged_member_is_refused(members: list[Artifact], tmp_path: Path) -> None:
    damaged = write_member(tmp_path / "damaged", *MEMBERS[0], Calibration())
    architecture = ARCHITECTURES.get("ensemble").combine([members[1], damaged])
    (damaged.directory / KERAS_FILE).write_bytes(b"PK")
    with pytest.raises(ArtifactError, match="its SHA-256 is not the card's"):
        architecture.build((64, 48, 3))


def test_members_are_refused_by_networks_made_of_layers() -> None:
    config = TrainConfig(architecture="compact", member=(Path("model"),))
    with pytest.raises(ConfigError, match="'compact' is not made of other models"):
        architecture_of(config)
