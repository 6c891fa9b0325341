"""OpenVINO: the fastest, most of all where the processor computes in bfloat16."""

import importlib
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.backends.litert_backend import signature_runner
from deepfake_detector.backends.tflite_backend import TFLiteBackend, checked_input
from deepfake_detector.exceptions import ArtifactError, MissingPackageError


class OpenVINOBackend(TFLiteBackend):
    """A `.tflite` network in float32; one inference request a thread.

    With one stream of one thread OpenVINO computes in the thread that asks, so that a
    network compiled before a fork serves after it; with threads of its own it does not.

    Parameters
    ----------
    model : bytes
        Content of the `.tflite` file.
    score : {'p_fake', 'p_real'}, default 'p_fake'
        What the network's own score stands for; p_real turns it round.

    Raises
    ------
    MissingPackageError
        If openvino or ai-edge-litert, which reads the names, is not installed.
    ArtifactError
        If the file is not a network with one image input and a ``logit`` output.
    """

    #: What OpenVINO computes in.
    precision: ClassVar[str] = "f32"

    def __init__(self, model: bytes, score: str = "p_fake") -> None:
        super().__init__(model, score)
        # OpenVINO drops the signature, and with it what each output is.
        signature = signature_runner(model)
        outputs = signature.get_output_details()
        _, self.input_shape = checked_input(signature.get_input_details(), outputs)
        self._tensors = {name: tensor["name"] for name, tensor in outputs.items()}
        self._network = _compiled(model, self.precision)
        self._local = threading.local()

    def _outputs(
        self, pixels: NDArray[np.float32]
    ) -> Mapping[str, NDArray[np.float32]]:
        answer = self._request().infer(pixels, share_inputs=True)
        return {name: answer[tensor] for name, tensor in self._tensors.items()}

    def _request(self) -> Any:
        """Return this thread's inference request, made on first use."""
        if not hasattr(self._local, "request"):
            self._local.request = self._network.create_infer_request()
        return self._local.request


class BFloat16Backend(OpenVINOBackend):
    """The same in bfloat16, where the processor has it: faster, and a little off.

    How far off, on the validation splits, is in docs/performance.md.

    Parameters
    ----------
    model : bytes
        Content of the `.tflite` file.
    score : {'p_fake', 'p_real'}, default 'p_fake'
        What the network's own score stands for; p_real turns it round.
    """

    precision = "bf16"


def _compiled(model: bytes, precision: str) -> Any:
    openvino = _openvino()
    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
    }
    core = openvino.Core()
    try:
        # It reads such a model from a file alone: of the bytes that were verified.
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.tflite"
            file.write_bytes(model)
            return core.compile_model(core.read_model(file), "CPU", options)
    except RuntimeError as error:
        raise ArtifactError(
            "model.tflite: not a network that OpenVINO can run; export the model "
            "again, or choose the litert backend"
        ) from error


def _openvino() -> ModuleType:
    """Import the package, without the part of it that reports to its makers.

    Left alone, each import sends a message to Google Analytics and keeps an identifier
    in the home directory. As a module that is missing it is done without.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        return importlib.import_module("openvino")
    except ImportError as error:
        raise MissingPackageError(
            "the openvino backend needs openvino: pip install openvino"
        ) from error
