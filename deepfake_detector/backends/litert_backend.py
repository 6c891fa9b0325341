"""LiteRT (formerly TensorFlow Lite): small, quick to start, the default for serving."""

import threading
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.artifact import LITERT_FILE, Artifact
from deepfake_detector.exceptions import ArtifactError, MissingPackageError
from deepfake_detector.labels import SCORE_SIGNS

#: Crops that the interpreter takes at a time. It keeps the memory of its largest batch
#: for ever: 12 MB of 8 crops and 140 MB of 80, which are no faster (compact_srm).
MOST_AT_ONCE: Final = 8


class LiteRTBackend:
    """A `.tflite` network; one interpreter a thread, because none is thread-safe.

    Parameters
    ----------
    model : bytes
        Content of the `.tflite` file.
    num_threads : int, default 1
        Threads of each interpreter.
    score : {'p_fake', 'p_real'}, default 'p_fake'
        What the network's own score stands for; p_real turns it round.

    Raises
    ------
    MissingPackageError
        If ai-edge-litert is not installed.
    ArtifactError
        If the file is not a network with one image input and a ``logit`` output.
    """

    def __init__(
        self, model: bytes, num_threads: int = 1, score: str = "p_fake"
    ) -> None:
        self._model = model
        self._sign = np.float32(SCORE_SIGNS[score])
        self._num_threads = num_threads
        self._local = threading.local()
        runner = self._runner()
        (self._input_name, details), *others = runner.get_input_details().items()
        shape = tuple(int(n) for n in details["shape"][1:])
        if others or len(shape) != 3 or "logit" not in runner.get_output_details():
            raise ArtifactError(
                "model.tflite: expected one (n, h, w, 3) input and an output named "
                f"'logit', got inputs {sorted(runner.get_input_details())} and outputs "
                f"{sorted(runner.get_output_details())}; export the model again"
            )
        self.input_shape: tuple[int, int, int] = shape

    @classmethod
    def load(cls, artifact: Artifact) -> Self:
        """Read the network of a model folder.

        Parameters
        ----------
        artifact : Artifact
            A loaded, verified model folder.

        Returns
        -------
        LiteRTBackend
            The ready backend.
        """
        return cls(artifact.read(LITERT_FILE), score=artifact.card.score)

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Run the network on a batch, in this thread's own interpreter.

        Parameters
        ----------
        batch : ndarray of shape (n, h, w, 3), uint8
            RGB crops; `n` may be 0.

        Returns
        -------
        dict of str to ndarray
            ``logit`` of shape (n,) and, where the network has one, ``cam`` of shape
            (n, h', w'), both float32.
        """
        if not len(batch):
            return {"logit": np.zeros(0, dtype=np.float32)}
        starts = range(0, len(batch), MOST_AT_ONCE)
        parts = [self._run(batch[start : start + MOST_AT_ONCE]) for start in starts]
        return {
            name: np.concatenate([part[name] for part in parts]) for name in parts[0]
        }

    def _run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Run at most `MOST_AT_ONCE` crops."""
        outputs = self._runner()(**{self._input_name: batch.astype(np.float32)})
        answer = {"logit": self._sign * outputs["logit"].reshape(-1)}
        if "cam" in outputs:
            answer["cam"] = self._sign * outputs["cam"][..., 0]
        return answer

    def _runner(self) -> Any:
        """Return this thread's signature runner, made on first use."""
        if not hasattr(self._local, "runner"):
            self._local.runner = _signature_runner(self._model, self._num_threads)
        return self._local.runner


def _signature_runner(model: bytes, num_threads: int) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise MissingPackageError(
            "the litert backend needs ai-edge-litert: pip install ai-edge-litert"
        ) from error
    try:
        interpreter = Interpreter(model_content=model, num_threads=num_threads)
        return interpreter.get_signature_runner()
    except (ValueError, RuntimeError) as error:
        raise ArtifactError(
            "model.tflite: not a network that LiteRT can run; export the model again"
        ) from error
