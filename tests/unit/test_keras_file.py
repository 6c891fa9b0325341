"""A `.keras` file is read before Keras is called, and refused if it names code."""

import io
import json
import random
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deepfake_detector.exceptions import ArtifactError, UnsafeModelError
from deepfake_detector.keras_file import (
    ACTIVATIONS,
    MAX_CONFIG_BYTES,
    MAX_RATIO,
    check_keras_file,
)

Config = dict[str, Any]


def part(name: Any, module: Any = "keras.layers", /, **config: Any) -> Config:
    """One object of a config, as Keras writes it."""
    return {
        "module": module,
        "class_name": name,
        "config": config,
        "registered_name": None,
    }


def sequential(*layers: Any) -> Config:
    return part("Sequential", "keras", name="network", layers=list(layers))


def dense(**config: Any) -> Config:
    return part("Dense", units=1, activation="sigmoid", **config)


def function(name: Any, module: Any = "builtins", registered: Any = None) -> Config:
    return {
        "module": module,
        "class_name": "function",
        "config": name,
        "registered_name": registered,
    }


def registered(name: str, full_name: Any, module: Any = "keras.layers") -> Config:
    return part(name, module) | {"registered_name": full_name}


def zip_bytes(**members: str | bytes) -> bytes:
    """A zip; `config` stands for config.json."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr({"config": "config.json"}.get(name, name), content)
    return file.getvalue()


def write_network(tmp_path: Path, config: Any) -> Path:
    members = {"model.weights.h5": b"weights", "metadata.json": "{}"}
    path = tmp_path / "model.keras"
    path.write_bytes(zip_bytes(config=json.dumps(config), **members))
    return path


CODE = {"class_name": "__lambda__", "config": {"code": "4wAAAA", "defaults": None}}
NAMED_LAMBDA = part("Lambda", function=function("cast", "other.module", "other>cast"))

ACCEPTED: dict[str, Config] = {
    "plain layers": sequential(part("InputLayer"), part("Conv2D"), dense()),
    "functional": part("Functional", "keras.src.models.functional", layers=[dense()]),
    "functional under its own name": part(
        "Functional", "keras.src.models.functional", layers=[]
    )
    | {"registered_name": "Functional"},
    "network in a network": sequential(sequential(dense()), part("Flatten")),
    "arithmetic between tensors": sequential(part("Add", "keras.src.ops.numpy")),
    "wrapped layer": sequential(part("TimeDistributed", layer=dense())),
    "regularised": sequential(
        dense(
            kernel_regularizer=part("L2", "keras.regularizers", l2=0.1),
            kernel_initializer=part("GlorotUniform", "keras.initializers"),
            kernel_constraint=part("MaxNorm", "keras.constraints"),
            dtype=part("DTypePolicy", "keras", name="mixed_bfloat16"),
        )
    ),
    "activation as a function": sequential(
        part("Activation", activation=function("relu", registered="function"))
    ),
    "activation of Keras's module": sequential(
        part("Activation", activation=function("gelu", "keras.activations"))
    ),
    "plain values": sequential(
        {"class_name": "__keras_tensor__", "config": {"shape": [None, 8]}},
        {"class_name": "__numpy__", "config": {"value": [1], "dtype": "int32"}},
    ),
    "equation": sequential(part("EinsumDense", equation="abc,cd->abd")),
    "ours": sequential(
        registered(
            "Thing", "deepfake_detector>Thing", "deepfake_detector.architectures.x"
        )
    ),
    "compiled": sequential(dense())
    | {
        "compile_config": {
            "optimizer": part(
                "Adam",
                "keras.optimizers",
                learning_rate=part("CosineDecay", "keras.optimizers.schedules"),
            ),
            "loss": part("BinaryCrossentropy", "keras.losses"),
            "metrics": ["accuracy", part("Precision", "keras.metrics")],
        }
    },
}

REFUSED: dict[str, Config] = {
    "Lambda with code": sequential(part("Lambda", function=CODE)),
    "Lambda around a named function": sequential(NAMED_LAMBDA),
    "Lambda around an activation": sequential(
        part("Lambda", function=function("relu"))
    ),
    "Lambda of a private module": sequential(
        part("Lambda", "keras.src.layers.core.lambda_layer")
    ),
    "Lambda of another package": sequential(part("Lambda", "other.layers")),
    "Lambda registered by another": sequential(registered("Dense", "other>MyLambda")),
    "Lambda registered by us": sequential(
        registered("MyLambda", "deepfake_detector>MyLambda", "deepfake_detector.layers")
    ),
    "Lambda in a wrapper": sequential(part("TimeDistributed", layer=NAMED_LAMBDA)),
    "Lambda in a nested network": sequential(sequential(NAMED_LAMBDA)),
    "Lambda as a whole": NAMED_LAMBDA,
    "lambda in small letters": sequential(part("lambda")),
    "code as an activation": sequential(part("Activation", activation=CODE)),
    "code in a call's arguments": sequential(
        dense() | {"inbound_nodes": [{"args": [], "kwargs": {"mask": CODE}}]}
    ),
    "code in the compile config": sequential(dense())
    | {"compile_config": {"loss": CODE}},
    "function of another package": sequential(
        part("Activation", activation=function("other>cast", "other.module"))
    ),
    "function of Python": sequential(part("Activation", activation=function("eval"))),
    "function of the system": sequential(
        part("Activation", activation=function("system", "os"))
    ),
    "activation's name for another function": sequential(
        part("Activation", activation=function("relu", "other.module"))
    ),
    "activation registered by another": sequential(
        part("Activation", activation=function("relu", registered="other>relu"))
    ),
    "function that is no name": sequential(
        part("Activation", activation=function(["relu"]))
    ),
    "registered activation as a string": sequential(
        part("Activation", activation="other>cast")
    ),
    "registered name in a list": sequential(part("Pipeline", layers=["other>cast"])),
    "class of another package": sequential(part("Thing", "other.module")),
    "class of the standard library": sequential(part("Popen", "subprocess")),
    "class of Keras that is no layer": sequential(part("get_file", "keras.utils")),
    "operation of Keras": sequential(part("Matmul", "keras.src.ops.numpy")),
    "backend of Keras": sequential(part("Variable", "keras")),
    "function of keras.layers": sequential(part("deserialize")),
    "setting of Keras": sequential(
        part("enable_unsafe_deserialization", "keras.config")
    ),
    "class of keras_hub": sequential(part("Backbone", "keras_hub.models")),
    "package whose name starts like ours": sequential(
        part("Thing", "deepfake_detector_evil.layers")
    ),
    "our module with another's class": sequential(
        registered("Thing", "other>Thing", "deepfake_detector.layers")
    ),
    "layer registered by another": sequential(registered("Dense", "other>Dense")),
    "layer registered without a package": sequential(registered("Dense", "Thing")),
    "registered class in the class name": sequential(part("other>Thing")),
    "dotted class name": sequential(part("core.Dense")),
    "no module": sequential(part("Dense", None)),
    "old format": sequential({"class_name": "Dense", "config": {"units": 1}}),
    "type specification": sequential(
        {"class_name": "__typespec__", "config": [], "spec_name": "TensorSpec"}
    ),
    "class name a number": sequential(part(7)),
    "class name a list": sequential(part(["Dense"])),
    "module a list": sequential(part("Dense", ["keras.layers"])),
    "registered name a list": sequential(registered("Dense", ["Dense"])),
    **{
        name: sequential(part(name))
        for name in (
            "FlaxLayer",
            "IntegerLookup",
            "JaxLayer",
            "StringLookup",
            "TFSMLayer",
            "TextVectorization",
            "TorchModuleWrapper",
        )
    },
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_plain_network_is_accepted(tmp_path: Path, name: str) -> None:
    path = write_network(tmp_path, ACCEPTED[name])
    assert check_keras_file(path) is None


@pytest.mark.parametrize("name", REFUSED)
def test_foreign_code_is_refused(tmp_path: Path, name: str) -> None:
    path = write_network(tmp_path, REFUSED[name])
    with pytest.raises(UnsafeModelError, match=r"model\.keras: its config names"):
        check_keras_file(path)


def test_message_names_what_was_found_and_no_path(tmp_path: Path) -> None:
    path = write_network(tmp_path, sequential(NAMED_LAMBDA))
    with pytest.raises(UnsafeModelError) as caught:
        check_keras_file(path)
    assert "rebuild the model from plain layers" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_long_name_is_cut_in_the_message(tmp_path: Path) -> None:
    path = write_network(tmp_path, sequential(part("x" * 10_000)))
    with pytest.raises(UnsafeModelError) as caught:
        check_keras_file(path)
    assert len(str(caught.value)) < 400


def encrypted() -> bytes:
    """A zip whose member says that it is encrypted."""
    data = bytearray(zip_bytes(config="{}"))
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    return bytes(data)


def damaged() -> bytes:
    """A zip whose compressed config has flipped bits."""
    data = bytearray(zip_bytes(config=json.dumps(sequential(dense()))))
    data[60] ^= 0xFF
    data[61] ^= 0xFF
    return bytes(data)


def deeply_nested() -> bytes:
    text = '{"class_name": "Sequential", "config": ' + "[" * 100_000
    return zip_bytes(config=text + "]" * 100_000 + "}")


BAD_FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "a file that Keras 3 saved"),
    "text": (lambda: b"no network", "a file that Keras 3 saved"),
    "cut short": (lambda: zip_bytes(config="{}")[:-30], "a file that Keras 3 saved"),
    "HDF5": (lambda: b"\x89HDF\r\n\x1a\n" + bytes(600), "HDF5 file; load it where"),
    "HDF5 and a zip": (
        lambda: b"\x89HDF\r\n\x1a\n" + bytes(504) + zip_bytes(config="{}"),
        "HDF5 file; load it where",
    ),
    "no config": (lambda: zip_bytes(weights=b""), r"holds no config\.json"),
    "weights alone": (
        lambda: zip_bytes(**{"model.weights.h5": b""}),
        "save a whole model",
    ),
    "empty config": (lambda: zip_bytes(config=""), "not valid JSON"),
    "config cut short": (lambda: zip_bytes(config='{"module"'), "not valid JSON"),
    "config no text": (lambda: zip_bytes(config=b"\xff\xfe\xfd"), "not valid JSON"),
    "config nested deeply": (deeply_nested, "nested too deeply"),
    "config a list": (lambda: zip_bytes(config="[]"), "describes no network"),
    "config without a class": (lambda: zip_bytes(config="{}"), "describes no network"),
    "config without a config": (
        lambda: zip_bytes(config='{"class_name": "Sequential"}'),
        "describes no network",
    ),
    "huge config": (
        lambda: zip_bytes(config=b" " * (MAX_CONFIG_BYTES + 1)),
        "at most 5000000 bytes",
    ),
    "encrypted": (encrypted, "damaged or incomplete"),
    "damaged": (damaged, "damaged or incomplete"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_file_that_is_no_network_is_refused(tmp_path: Path, name: str) -> None:
    make, words = BAD_FILES[name]
    path = tmp_path / "model.keras"
    path.write_bytes(make())
    with pytest.raises(ArtifactError, match=words) as caught:
        check_keras_file(path)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("name", ["model.h5", "model.zip", "model", "model.KERAS"])
def test_network_under_another_name_is_refused(tmp_path: Path, name: str) -> None:
    path = write_network(tmp_path, sequential(dense())).rename(tmp_path / name)
    with pytest.raises(ArtifactError, match=r"whose name ends in \.keras"):
        check_keras_file(path)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"none\.keras: .* found no such file"):
        check_keras_file(tmp_path / "none.keras")


def test_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model.keras"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(sequential(dense())))
    with pytest.raises(ArtifactError, match="found no such file"):
        check_keras_file(folder)


def test_file_with_assets_is_refused(tmp_path: Path) -> None:
    members = {"assets/layers/lookup/vocabulary.txt": "a\nb"}
    path = tmp_path / "model.keras"
    path.write_bytes(zip_bytes(config=json.dumps(sequential(dense())), **members))
    with pytest.raises(UnsafeModelError, match="expected only config.json"):
        check_keras_file(path)


@pytest.mark.parametrize("name", ["model.weights.h5", "metadata.json"])
def test_member_that_unpacks_to_far_more_is_refused(tmp_path: Path, name: str) -> None:
    members = {name: bytes(MAX_RATIO * 200_000)}
    path = tmp_path / "model.keras"
    path.write_bytes(zip_bytes(config=json.dumps(sequential(dense())), **members))
    with pytest.raises(UnsafeModelError, match=f"{name} unpacks to more than"):
        check_keras_file(path)


def test_weights_that_were_zipped_again_are_accepted(tmp_path: Path) -> None:
    weights = random.Random(0).randbytes(2**21) + bytes(2**23)
    path = tmp_path / "model.keras"
    path.write_bytes(
        zip_bytes(
            config=json.dumps(sequential(dense())), **{"model.weights.h5": weights}
        )
    )
    check_keras_file(path)


def test_last_of_two_configs_counts_as_it_does_for_keras(tmp_path: Path) -> None:
    path = write_network(tmp_path, sequential(dense()))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning):
        archive.writestr("config.json", json.dumps(sequential(NAMED_LAMBDA)))
    with pytest.raises(UnsafeModelError):
        check_keras_file(path)


def test_checking_does_not_import_keras(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    check_keras_file(write_network(tmp_path, sequential(dense())))


@pytest.mark.tf
@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_listed_activation_is_one_of_keras(name: str) -> None:
    import keras

    assert callable(keras.activations.get(name))


@pytest.mark.tf
def test_lambda_that_keras_safe_mode_loads_is_refused(tmp_path: Path) -> None:
    import keras

    @keras.saving.register_keras_serializable(package="elsewhere")
    def double(x: Any) -> Any:
        return 2 * x

    layers = [keras.Input((2,)), keras.layers.Lambda(double, output_shape=(2,))]
    path = tmp_path / "model.keras"
    keras.Sequential(layers).save(path)
    assert keras.saving.load_model(path, safe_mode=True).count_params() == 0
    with pytest.raises(UnsafeModelError, match="Lambda|elsewhere"):
        check_keras_file(path)
