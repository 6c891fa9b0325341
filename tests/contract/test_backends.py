"""What holds for every runtime of the table; a new one is tested by existing."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector.artifact import (
    KERAS_FILE,
    LITERT_FILE,
    Artifact,
    ModelCard,
    write_artifact,
)
from deepfake_detector.backends import BACKENDS
from deepfake_detector.backends.constant_backend import ConstantBackend
from deepfake_detector.backends.litert_backend import LiteRTBackend
from deepfake_detector.backends.tflite_backend import MOST_AT_ONCE
from deepfake_detector.config import REPOSITORY
from deepfake_detector.exceptions import ArtifactError, MissingPackageError
from deepfake_detector.face_crops import CROP_RULES

INPUT_SHAPE = (24, 20, 3)
CARD = ModelCard("small", "test", INPUT_SHAPE, CROP_RULES["face"])

#: Backends that run the network of the folder; the others only stand in for one.
RUNNING = sorted(set(BACKENDS) - {"constant"})

#: How far the logits of backends that compute in fewer bits may be from those of Keras,
#: as a share of what the logits span; all others by 1e-4 at most.
COARSE = {"openvino_bf16": 0.02}


@pytest.fixture(scope="session")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A small network with an activation map, whose logits differ a lot."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(5)
    inputs = keras.Input(INPUT_SHAPE)
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.BatchNormalization()(x)
    cam = layers.Conv2D(1, 1, kernel_initializer="random_normal", name="cam")(x)
    logit = layers.Reshape((1,))(layers.GlobalAveragePooling2D()(cam))
    p_fake = layers.Activation("sigmoid")(logit)
    network = keras.Model(inputs, {"logit": logit, "p_fake": p_fake, "cam": cam})
    cam_layer = network.get_layer("cam")
    cam_layer.set_weights([100 * cam_layer.get_weights()[0], np.array([0.5])])

    def write_files(folder: Path) -> None:
        network.save(folder / KERAS_FILE)
        network.export(folder / LITERT_FILE, format="litert", verbose=False)

    return write_artifact(tmp_path_factory.mktemp("small") / "model", CARD, write_files)


@pytest.fixture(params=list(BACKENDS))
def backend(request: pytest.FixtureRequest, artifact: Artifact) -> Any:
    return BACKENDS.get(request.param).load(artifact)


@pytest.fixture
def batch() -> NDArray[np.uint8]:
    """Twelve crops from dark to bright, each with its own noise."""
    rng = np.random.default_rng(0)
    levels = np.linspace(0, 1, 12)[:, None, None, None]
    return (levels * rng.integers(0, 256, (12, *INPUT_SHAPE))).astype(np.uint8)


def allowed_difference(name: str, logits: NDArray[np.floating[Any]]) -> float:
    """How far a backend may be from these logits."""
    return COARSE[name] * float(np.ptp(logits)) if name in COARSE else 1e-4


@pytest.mark.tf
def test_backend_states_the_networks_input(backend: Any) -> None:
    assert backend.input_shape == INPUT_SHAPE


@pytest.mark.tf
@pytest.mark.parametrize("n", [1, 5, 2, 12])
def test_one_logit_for_every_crop(
    backend: Any, batch: NDArray[np.uint8], n: int
) -> None:
    logit = backend.run(batch[:n])["logit"]
    assert logit.shape == (n,)
    assert logit.dtype == np.float32


@pytest.mark.tf
def test_empty_batch_gives_no_logits(backend: Any, batch: NDArray[np.uint8]) -> None:
    logit = backend.run(batch[:0])["logit"]
    assert logit.shape == (0,)
    assert logit.dtype == np.float32


@pytest.mark.tf
def test_a_crop_scores_the_same_alone_and_in_a_batch(
    backend: Any, batch: NDArray[np.uint8]
) -> None:
    alone = [backend.run(crop[None])["logit"][0] for crop in batch]
    np.testing.assert_allclose(alone, backend.run(batch)["logit"], atol=1e-4)


@pytest.mark.tf
def test_crops_are_left_as_they_are(backend: Any, batch: NDArray[np.uint8]) -> None:
    before = batch.copy()
    backend.run(batch)
    np.testing.assert_array_equal(batch, before)


@pytest.mark.tf
def test_four_threads_give_the_answers_of_one(
    backend: Any, batch: NDArray[np.uint8]
) -> None:
    batches = [np.roll(batch, shift, axis=0)[: 1 + shift % 4] for shift in range(40)]
    expected = [backend.run(part)["logit"] for part in batches]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda part: backend.run(part)["logit"], batches))
    for answer, logit in zip(answers, expected, strict=True):
        np.testing.assert_array_equal(answer, logit)


@pytest.mark.tf
@pytest.mark.parametrize("name", RUNNING)
def test_logits_are_those_of_keras(
    name: str, artifact: Artifact, batch: NDArray[np.uint8]
) -> None:
    import keras

    network = keras.saving.load_model(artifact.directory / KERAS_FILE)
    expected = np.asarray(network(batch.astype(np.float32))["logit"])[:, 0]
    answer = BACKENDS.get(name).load(artifact).run(batch)
    assert np.ptp(expected) >= 1
    off = allowed_difference(name, expected)
    np.testing.assert_allclose(answer["logit"], expected, atol=off)


@pytest.mark.tf
@pytest.mark.parametrize("name", RUNNING)
def test_mean_of_the_activation_map_is_the_logit(
    name: str, artifact: Artifact, batch: NDArray[np.uint8]
) -> None:
    answer = BACKENDS.get(name).load(artifact).run(batch)
    assert answer["cam"].shape == (12, 12, 10)
    assert answer["cam"].dtype == np.float32
    means = answer["cam"].mean(axis=(1, 2))
    off = allowed_difference(name, means)
    np.testing.assert_allclose(means, answer["logit"], atol=off)


@pytest.mark.tf
@pytest.mark.parametrize("name", RUNNING)
def test_card_that_says_p_real_turns_everything_round(
    name: str, artifact: Artifact, batch: NDArray[np.uint8]
) -> None:
    turned = Artifact(artifact.directory, replace(artifact.card, score="p_real"))
    answers = BACKENDS.get(name).load(artifact).run(batch)
    for key, values in BACKENDS.get(name).load(turned).run(batch).items():
        np.testing.assert_array_equal(values, -answers[key])


@pytest.mark.tf
@pytest.mark.parametrize("name", RUNNING)
def test_folder_without_the_runtimes_file_is_refused(name: str, tmp_path: Path) -> None:
    empty = write_artifact(tmp_path / "model", CARD, lambda folder: None)
    with pytest.raises(ArtifactError, match="lists no file"):
        BACKENDS.get(name).load(empty)


#: What each backend imports, and the package that brings it.
PACKAGES = {
    "keras": ("keras", "tensorflow"),
    "litert": ("ai_edge_litert.interpreter", "ai-edge-litert"),
    "openvino": ("openvino", "openvino"),
    "openvino_bf16": ("openvino", "openvino"),
}


@pytest.mark.tf
@pytest.mark.parametrize("name", RUNNING)
def test_missing_package_names_the_install_line(
    name: str, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, package = PACKAGES[name]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingPackageError, match=f"pip install {package}$"):
        BACKENDS.get(name).load(artifact)


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", bytes(10_000), b"\x1c\0\0\0TFL3" + bytes(200)],
    ids=["empty", "words", "zeros", "only a header"],
)
def test_file_that_litert_cannot_run_is_refused(content: bytes) -> None:
    with pytest.raises(ArtifactError, match="not a network that LiteRT can run"):
        LiteRTBackend(content)


@pytest.mark.tf
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_litert_file_cut_short_is_refused(artifact: Artifact, share: float) -> None:
    content = artifact.read(LITERT_FILE)
    with pytest.raises(ArtifactError):
        LiteRTBackend(content[: int(share * len(content))])


@pytest.mark.tf
def test_litert_file_without_a_logit_is_refused(tmp_path: Path) -> None:
    import keras

    network = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    network.export(tmp_path / "other.tflite", format="litert", verbose=False)
    with pytest.raises(ArtifactError, match="an output named 'logit', got inputs"):
        LiteRTBackend((tmp_path / "other.tflite").read_bytes())


def test_constant_answers_its_constant(batch: NDArray[np.uint8]) -> None:
    assert ConstantBackend(1.5).run(batch)["logit"].tolist() == [1.5] * 12


def test_litert_answers_many_crops_as_it_answers_each(artifact: Artifact) -> None:
    backend = LiteRTBackend.load(artifact)
    count = 2 * MOST_AT_ONCE + 3
    batch = np.random.default_rng(0).integers(
        0, 256, (count, *INPUT_SHAPE), dtype=np.uint8
    )
    together = backend.run(batch)
    for name, values in together.items():
        alone = [backend.run(crop[np.newaxis])[name][0] for crop in batch]
        np.testing.assert_allclose(values, alone, atol=1e-4)


@pytest.mark.tf
@pytest.mark.parametrize("name", sorted(set(RUNNING) - {"keras"}))
def test_what_was_loaded_before_a_fork_answers_after_it(
    name: str, artifact: Artifact, batch: NDArray[np.uint8]
) -> None:
    """Gunicorn's workers share what its master loaded."""
    program = f"""
import os, sys
import numpy as np
from pathlib import Path
from deepfake_detector.artifact import Artifact
from deepfake_detector.backends import BACKENDS
backend = BACKENDS.get({name!r}).load(Artifact.load(Path(sys.argv[1])))
batch = np.load(sys.argv[2])
expected = backend.run(batch)["logit"]
child = os.fork()
if child == 0:
    same = np.array_equal(backend.run(batch)["logit"], expected)
    sys.exit(0 if same else 1)  # all is taken apart, as when a worker ends
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    file = artifact.directory.parent / "batch.npy"
    np.save(file, batch)
    arguments = [sys.executable, "-c", program, artifact.directory, file]
    for _ in range(5):
        subprocess.run(arguments, cwd=REPOSITORY, timeout=60, check=True)


def test_loading_openvino_calls_nobody(artifact: Artifact, tmp_path: Path) -> None:
    """Its package brings a module that reports each import to its makers."""
    program = f"""
import sys
calls = []
told = "socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.fork"
sys.addaudithook(lambda event, _: calls.append(event) if event in told else None)
from pathlib import Path
from deepfake_detector.artifact import Artifact
from deepfake_detector.backends import BACKENDS
BACKENDS.get("openvino").load(Artifact.load(Path({str(artifact.directory)!r})))
sys.exit(", ".join(calls) or 0)
"""
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, env=environ, check=True
    )
    assert list(tmp_path.iterdir()) == []
