"""What runtimes of a `.tflite` file have in common: batches in, named answers out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.artifact import LITERT_FILE, Artifact
from deepfake_detector.exceptions import ArtifactError
from deepfake_detector.labels import SCORE_SIGNS

#: Crops that a runtime takes at a time. It keeps the memory of its largest batch for
#: ever: LiteRT 12 MB of 8 crops and 140 MB of 80, which are no faster (compact_srm).
MOST_AT_ONCE: Final = 8


class TFLiteBackend(ABC):
    """A `.tflite` network with one image input and a ``logit`` output.

    Parameters
    ----------
    model : bytes
        Content of the `.tflite` file.
    score : {'p_fake', 'p_real'}, default 'p_fake'
        What the network's own score stands for; p_real turns it round.

    Attributes
    ----------
    input_shape : (int, int, int)
        Height, width and channels of a crop.
    """

    input_shape: tuple[int, int, int]

    def __init__(self, model: bytes, score: str = "p_fake") -> None:
        self._model = model
        self._sign = np.float32(SCORE_SIGNS[score])

    @classmethod
    def load(cls, artifact: Artifact) -> Self:
        """Read the network of a model folder.

        Parameters
        ----------
        artifact : Artifact
            A loaded, verified model folder.

        Returns
        -------
        TFLiteBackend
            The ready backend.

        Raises
        ------
        MissingPackageError
            If the runtime is not installed.
        ArtifactError
            If the file is not a network with one image input and a ``logit`` output.
        """
        return cls(artifact.read(LITERT_FILE), score=artifact.card.score)

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Run the network on a batch, in what belongs to this thread alone.

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
        outputs = self._outputs(batch.astype(np.float32))
        answer = {"logit": self._sign * outputs["logit"].reshape(-1)}
        if "cam" in outputs:
            answer["cam"] = self._sign * outputs["cam"][..., 0]
        return answer

    @abstractmethod
    def _outputs(
        self, pixels: NDArray[np.float32]
    ) -> Mapping[str, NDArray[np.float32]]:
        """The network's own outputs by name for pixels (n, h, w, 3) in [0, 255]."""


def checked_input(
    inputs: Mapping[str, Any], outputs: Mapping[str, Any]
) -> tuple[str, tuple[int, int, int]]:
    """Say how a network's signature is fed, where it is one that can be served.

    Parameters
    ----------
    inputs, outputs : mapping of str to dict
        LiteRT's details of the tensors by their names in the signature.

    Returns
    -------
    name : str
        Name of the one input.
    input_shape : (int, int, int)
        Height, width and channels.

    Raises
    ------
    ArtifactError
        If there is another input than one of images, or no output named ``logit``.
    """
    (name, details), *others = inputs.items()
    shape = tuple(int(n) for n in details["shape"][1:])
    if others or len(shape) != 3 or "logit" not in outputs:
        raise ArtifactError(
            "model.tflite: expected one (n, h, w, 3) input and an output named "
            f"'logit', got inputs {sorted(inputs)} and outputs {sorted(outputs)}; "
            "export the model again"
        )
    return name, shape
