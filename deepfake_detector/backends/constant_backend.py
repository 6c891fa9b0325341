"""Answers one logit for every crop: a stand-in for tests and for trying the page."""

from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from deepfake_detector.artifact import Artifact


class ConstantBackend:
    """A network that has made up its mind.

    Parameters
    ----------
    logit : float, default 0.0
        The answer to every crop.
    input_shape : (int, int, int), default (128, 128, 3)
        Shape of the crops it takes.
    """

    def __init__(
        self, logit: float = 0.0, input_shape: tuple[int, int, int] = (128, 128, 3)
    ) -> None:
        self.logit = logit
        self.input_shape = input_shape

    @classmethod
    def load(cls, artifact: "Artifact") -> Self:
        """Build for a model folder, of which only the input size is used.

        Parameters
        ----------
        artifact : Artifact
            A loaded model folder.

        Returns
        -------
        ConstantBackend
            A backend that answers 0.
        """
        return cls(input_shape=artifact.card.input_shape)

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Answer the constant for every crop.

        Parameters
        ----------
        batch : ndarray of shape (n, h, w, 3), uint8
            RGB crops.

        Returns
        -------
        dict of str to ndarray
            ``logit`` of shape (n,), float32.
        """
        return {"logit": np.full(len(batch), self.logit, dtype=np.float32)}
