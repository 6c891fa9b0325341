"""OpenVINO: the fastest, most of all where the processor computes in bfloat16."""

import threading
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.backends.litert_backend import signature_runner
from deepfake_detector.backends.tflite_backend import TFLiteBackend, checked_input
from deepfake_detector.openvino_runtime import compiled


class OpenVINOBackend(TFLiteBackend):
    """A `.tflite` network in float32; one inference request a thread.

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
        self._network = compiled(model, self.precision)
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
