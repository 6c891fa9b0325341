"""LiteRT (formerly TensorFlow Lite): the smallest and the quickest to start."""

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.backends.tflite_backend import TFLiteBackend, checked_input
from deepfake_detector.exceptions import ArtifactError, MissingPackageError


class LiteRTBackend(TFLiteBackend):
    """A `.tflite` network; one interpreter a thread, because none is thread-safe.

    Parameters
    ----------
    model : bytes
        Content of the `.tflite` file.
    score : {'p_fake', 'p_real'}, default 'p_fake'
        What the network's own score stands for; p_real turns it round.

    Raises
    ------
    MissingPackageError
        If ai-edge-litert is not installed.
    ArtifactError
        If the file is not a network with one image input and a ``logit`` output.
    """

    def __init__(self, model: bytes, score: str = "p_fake") -> None:
        super().__init__(model, score)
        self._local = threading.local()
        runner = self._runner()
        self._input_name, self.input_shape = checked_input(
            runner.get_input_details(), runner.get_output_details()
        )

    def _outputs(
        self, pixels: NDArray[np.float32]
    ) -> Mapping[str, NDArray[np.float32]]:
        outputs: Mapping[str, NDArray[np.float32]] = self._runner()(
            **{self._input_name: pixels}
        )
        return outputs

    def _runner(self) -> Any:
        """Return this thread's signature runner, made on first use."""
        if not hasattr(self._local, "runner"):
            self._local.runner = signature_runner(self._model)
        return self._local.runner


def signature_runner(model: bytes) -> Any:
    """Make a runner of a network's one signature, with one thread.

    Parameters
    ----------
    model : bytes
        Content of the `.tflite` file.

    Returns
    -------
    ai_edge_litert.interpreter.SignatureRunner
        Called with the inputs by name it gives the outputs by name.

    Raises
    ------
    MissingPackageError
        If ai-edge-litert is not installed.
    ArtifactError
        If LiteRT cannot run the file.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise MissingPackageError(
            "the litert backend needs ai-edge-litert: pip install ai-edge-litert"
        ) from error
    try:
        interpreter = Interpreter(model_content=model, num_threads=1)
        return interpreter.get_signature_runner()
    except (ValueError, RuntimeError) as error:
        raise ArtifactError(
            "model.tflite: not a network that LiteRT can run; export the model again"
        ) from error
