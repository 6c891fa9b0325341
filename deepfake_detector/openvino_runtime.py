"""OpenVINO for one thread at a time, which leaves nothing behind and calls nobody."""

import ctypes
import importlib
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from deepfake_detector.exceptions import ArtifactError, MissingPackageError

#: Its converter of other formats, and what reports to its makers.
_UNWANTED: Final = ("openvino.tools.ovc", "openvino_telemetry")


def compiled(model: bytes, precision: str = "f32") -> Any:
    """Compile a network for this processor.

    With one stream of one thread OpenVINO computes in the thread that asks, so that a
    network compiled before a fork serves after it; with threads of its own it does not.

    Parameters
    ----------
    model : bytes
        Content of a `.tflite` file.
    precision : {'f32', 'bf16'}, default 'f32'
        What it computes in; bf16 only where the processor does.

    Returns
    -------
    openvino.CompiledModel
        To be shared by threads; each asks it for an inference request of its own.

    Raises
    ------
    MissingPackageError
        If openvino is not installed.
    ArtifactError
        If OpenVINO cannot run the file, or there is no folder for temporary files.
    """
    openvino = _openvino()
    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
        # Left alone, it holds all who ask on the first processor, in every process.
        "ENABLE_CPU_PINNING": False,
    }
    core = openvino.Core()
    try:
        # It reads such a model from a file alone: of the bytes that were verified.
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.tflite"
            file.write_bytes(model)
            network = core.compile_model(core.read_model(file), "CPU", options)
    except OSError as error:
        raise ArtifactError(
            "OpenVINO reads a network from a file: expected a folder for temporary "
            f"files that can be written to ({error.strerror}); set TMPDIR"
        ) from error
    except RuntimeError as error:
        raise ArtifactError(
            "a .tflite file: not a network that OpenVINO can run; export it again"
        ) from error
    # Never taken apart: a fork has the network and not the thread that it has, which a
    # worker that ends would wait for without end.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(network))
    return network


def _openvino() -> ModuleType:
    """Import the package, without its converter and what that reports to its makers.

    Left alone, each import sends a message to Google Analytics and keeps an identifier
    in the home directory. Modules that are missing it does without, which also takes
    half of the time.
    """
    for unwanted in _UNWANTED:
        sys.modules.setdefault(unwanted, None)  # type: ignore[arg-type]
    try:
        return importlib.import_module("openvino")
    except ImportError as error:
        raise MissingPackageError(
            "expected OpenVINO to run a network; pip install openvino"
        ) from error
