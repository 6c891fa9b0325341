"""What a `.keras` file would build, read before Keras is called.

Keras's ``safe_mode`` stops a Lambda layer that carries byte code, but it still loads a
Lambda around a named function that something in the process has registered, and any
class that is registered, whatever it does. So the file's ``config.json`` is read here
as plain JSON, and the file is refused if it names anything but the parts a network is
made of. Keras is not imported.
"""

import json
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from deepfake_detector.exceptions import ArtifactError, UnsafeModelError
from deepfake_detector.zip_check import is_zip

#: A large published network's config holds about half a megabyte, bytes.
MAX_CONFIG_BYTES: Final = 5_000_000

#: Most that a member may grow by when it is unpacked. Keras stores weights as they are;
#: who zips them again gains little, and only a bomb comes near.
MAX_RATIO: Final = 20

#: What unpacks to no more than this may have any ratio, bytes.
_RATIO_FREE_BYTES: Final = 2**21

#: Functions that may be named where a layer takes one: Keras's own activations.
ACTIVATIONS: Final = frozenset(
    """celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish
    hard_tanh leaky_relu linear log_sigmoid log_softmax mish relu relu6 selu sigmoid
    silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid sparsemax
    squareplus swish tanh tanh_shrink threshold""".split()
)

_PACKAGE: Final = "deepfake_detector"
_CONFIG: Final = "config.json"

#: All that Keras writes for a network; assets belong to layers that are refused here.
_MEMBERS: Final = frozenset(
    {_CONFIG, "metadata.json", "model.weights.h5", "model.weights.npz"}
)

#: Modules any class of which may be named. The last four are the training state that a
#: compiled network carries.
_OPEN_MODULES: Final = frozenset(
    {
        "keras.layers",
        "keras.initializers",
        "keras.regularizers",
        "keras.constraints",
        "keras.dtype_policies",
        "keras.losses",
        "keras.metrics",
        "keras.optimizers",
        "keras.optimizers.schedules",
    }
)

#: Of these modules, only the classes named here.
_NETWORKS: Final = frozenset({"Functional", "Model", "Sequential"})
_OTHER_MODULES: Final = {
    "keras": _NETWORKS | {"DTypePolicy"},
    "keras.models": _NETWORKS,
    "keras.src.models.functional": {"Functional"},
    "keras.src.models.sequential": {"Sequential"},
    # Arithmetic between tensors, as MobileNetV3 of keras.applications has it.
    "keras.src.ops.numpy": {"Add", "Multiply"},
}

#: Layers of Keras that run what another library saved, or read a file the config names.
_FOREIGN_LAYERS: Final = frozenset(
    {
        "FlaxLayer",
        "JaxLayer",
        "TFSMLayer",
        "TorchModuleWrapper",
        "IndexLookup",
        "IntegerLookup",
        "StringLookup",
        "TextVectorization",
    }
)

#: Plain values that Keras writes as if they were objects.
_PLAIN_VALUES: Final = frozenset(
    {
        "__bytes__",
        "__ellipsis__",
        "__keras_tensor__",
        "__numpy__",
        "__slice__",
        "__tensor__",
    }
)

_HDF5_SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"

#: What reading a member of a damaged or hostile zip is known to raise.
_ZIP_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    KeyError,
    OSError,
    RuntimeError,
    ValueError,
)


def check_keras_file(path: Path) -> None:
    """Refuse a `.keras` file that names code other than plain Keras parts or ours.

    Refused are Lambdas of any kind, functions other than Keras's activations, layers
    that run what another library saved or that read further files, and every class
    outside `keras.layers`, the plain objects that layers are made with, and this
    package.

    Parameters
    ----------
    path : Path
        A file that Keras 3 saved; its name must end in `.keras`.

    Raises
    ------
    UnsafeModelError
        If the config names what is refused, or the file is a zip bomb; the message
        says what.
    ArtifactError
        If the file is missing or is not a whole `.keras` file.
    """
    config = _read_config(path)
    for node in _nodes(config):
        if isinstance(node, str) and _names_registered(node):
            raise _refused(path, node)
        if isinstance(node, dict) and "class_name" in node and not _is_plain(node):
            raise _refused(path, node["class_name"])


def _read_config(path: Path) -> dict[str, Any]:
    """Return config.json of a whole `.keras` zip."""
    _check_container(path)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive)
            with archive.open(_CONFIG) as member:
                text = member.read(MAX_CONFIG_BYTES + 1)
    except _ZIP_ERRORS as error:
        raise ArtifactError(
            f"{path.name}: the file is damaged or incomplete; copy or save it again"
        ) from error
    if len(text) > MAX_CONFIG_BYTES:
        raise ArtifactError(
            f"{path.name}: expected a {_CONFIG} of at most {MAX_CONFIG_BYTES} bytes; "
            "this is not a network that can be served"
        )
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(
            f"{path.name}: its {_CONFIG} is not valid JSON or is nested too deeply; "
            "save the model again"
        ) from error
    if not isinstance(config, dict) or not {"class_name", "config"} <= config.keys():
        raise ArtifactError(
            f"{path.name}: its {_CONFIG} describes no network; save a whole model "
            "with model.save, not its weights alone"
        )
    return config


def _check_container(path: Path) -> None:
    """Refuse what is not a zip by content and `.keras` by name.

    Keras picks its reader by the name, so a zip under another name could be read as
    something else than what is checked here.
    """
    if not path.is_file():
        raise ArtifactError(f"{path.name}: expected a .keras file, found no such file")
    with path.open("rb") as file:
        start = file.read(len(_HDF5_SIGNATURE))
    if start == _HDF5_SIGNATURE:
        raise ArtifactError(
            f"{path.name}: this is an HDF5 file; load it where it was made and save it "
            "again as a .keras file: model.save('model.keras')"
        )
    if path.suffix != ".keras" or not is_zip(path):
        raise ArtifactError(
            f"{path.name}: expected a file that Keras 3 saved and whose name ends in "
            ".keras; save the model again: model.save('model.keras')"
        )


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse a zip with no config, with more than a network needs, or a bomb."""
    names = set(archive.namelist())
    if _CONFIG not in names:
        raise ArtifactError(
            f"{path.name}: the zip holds no {_CONFIG}; save a whole model with "
            "model.save, not its weights alone"
        )
    if foreign := sorted(names - _MEMBERS):
        raise UnsafeModelError(
            f"{path.name}: expected only {', '.join(sorted(_MEMBERS))} in it, found "
            f"{_shown(foreign[0])}; save the model again without assets"
        )
    for member in archive.infolist():
        if member.filename == _CONFIG:  # has a limit of its own, and shrinks well
            continue
        if member.file_size > max(_RATIO_FREE_BYTES, MAX_RATIO * member.compress_size):
            raise UnsafeModelError(
                f"{path.name}: {member.filename} unpacks to more than {MAX_RATIO} "
                "times its size, as a zip bomb does; save the model again"
            )


def _nodes(config: Any) -> Iterator[Any]:
    """Every value of a JSON document, without recursion."""
    pending = [config]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, dict):
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)


def _names_registered(text: str) -> bool:
    """Whether a string is ``package>name``, a registered object of another package."""
    # Einsum equations have arrows; Keras looks any other string up as it stands.
    is_registered = ">" in text.replace("->", "")
    return is_registered and not text.startswith(f"{_PACKAGE}>")


def _is_plain(node: dict[str, Any]) -> bool:
    """Whether an object of the config is one that a network may be made of."""
    name, module = node["class_name"], node.get("module")
    registered = node.get("registered_name") or name
    if not isinstance(name, str) or not isinstance(registered, str):
        return False
    if name.startswith("__"):
        return name in _PLAIN_VALUES
    if name == "function":
        return _is_activation(node)
    if name in _FOREIGN_LAYERS or _is_lambda(name) or _is_lambda(registered):
        return False
    if not isinstance(module, str) or not name[:1].isupper() or not name.isidentifier():
        return False
    if module.split(".")[0] == _PACKAGE:
        return registered in (name, f"{_PACKAGE}>{name}")
    is_known = module in _OPEN_MODULES or name in _OTHER_MODULES.get(module, ())
    return is_known and registered == name


def _is_lambda(name: str) -> bool:
    return name.lower().endswith("lambda")


def _is_activation(node: dict[str, Any]) -> bool:
    """Whether a function is one of Keras's activations, under its own name."""
    name = node.get("config")
    return (
        isinstance(name, str)
        and name in ACTIVATIONS
        and node.get("module") in ("builtins", "keras.activations")
        and node.get("registered_name") in (None, "function", name)
    )


def _refused(path: Path, name: object) -> UnsafeModelError:
    return UnsafeModelError(
        f"{path.name}: its config names {_shown(name)}, which could run code that is "
        "neither Keras's layers nor this program's; rebuild the model from plain "
        "layers of keras.layers and save it again"
    )


def _shown(name: object) -> str:
    """At most 60 characters of what a file says, quoted."""
    return repr(name)[:60]
