"""Grad-CAM: the last feature maps weighted by the logit's slope; needs Keras.

Each of the last feature maps is weighted by the mean of the logit's gradient over it;
their sum is the evidence [1]_, and its positive part the heatmap. Of the logit rather
than of P(fake), whose gradient vanishes where it is saturated. In an ensemble each
branch has last feature maps of its own; their evidence is added. For a network that
ends in global average pooling it is its class-activation map, less the bias.

References
----------
.. [1] Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via
   Gradient-based Localization", ICCV 2017, arXiv:1610.02391, equations 1 and 2.
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.exceptions import ExplanationError, MissingPackageError
from deepfake_detector.explainers import Explanation, Network
from deepfake_detector.explainers.perturbation import resized
from deepfake_detector.labels import SCORE_SIGNS
from deepfake_detector.network_trace import trace


class GradCam:
    """Takes the logit's gradient at the last feature maps.

    Parameters
    ----------
    network : Network
        The Keras backend, no other: gradients need the network itself.

    Raises
    ------
    ExplanationError
        If it is another backend, or Keras runs on something else than TensorFlow.
    MissingPackageError
        If TensorFlow is not installed.
    """

    backend: ClassVar[str | None] = "keras"

    def __init__(self, network: Network) -> None:
        self.network = getattr(network, "network", None)
        if self.network is None:
            raise ExplanationError(
                "grad_cam needs gradients, which only the keras backend has: give "
                "--backend keras (pip install tensorflow), or choose occlusion or lime"
            )
        self._tf = _tensorflow()
        self._sign = SCORE_SIGNS[getattr(network, "score", "p_fake")]

    def explain(self, crop: NDArray[np.uint8], seed: int = 0) -> Explanation:
        """Run the network forwards and backwards once.

        Parameters
        ----------
        crop : ndarray of shape (h, w, 3), uint8
            RGB crop of the network's input size.
        seed : int, default 0
            Not used: nothing is drawn.

        Returns
        -------
        Explanation
            The weighted sum of the last feature maps, as large as if all of the logit
            came from their mean, in logits.

        Raises
        ------
        ExplanationError
            If the network has no feature maps, or its logit cannot be told.
        """
        batch = self._tf.constant(crop[None].astype(np.float32))
        with self._tf.GradientTape() as tape:
            tape.watch(batch)
            steps = trace(self.network, batch)
            logit = self._sign * steps.logit()
        maps = steps.feature_maps()
        slopes = tape.gradient(logit, maps, unconnected_gradients="zero")
        size = (crop.shape[0], crop.shape[1])
        parts = [
            resized(_weighted_sum(features, slope), size)
            for features, slope in zip(maps, slopes, strict=True)
        ]
        return Explanation(np.sum(parts, axis=0, dtype=np.float32))


def _weighted_sum(features: Any, slope: Any) -> NDArray[np.float32]:
    """Sum of the maps over channels, each by its mean slope: (h', w').

    The slopes are added up, not averaged: the mean of the sum is then in logits.
    """
    maps, slopes = (np.asarray(t[0], dtype=np.float32) for t in (features, slope))
    weighted: NDArray[np.float32] = maps @ slopes.sum(axis=(0, 1))
    return weighted


def _tensorflow() -> Any:
    try:
        import keras
        import tensorflow
    except ImportError as error:
        raise MissingPackageError(
            "grad_cam needs Keras and TensorFlow: pip install tensorflow"
        ) from error
    if (runtime := keras.backend.backend()) != "tensorflow":
        raise ExplanationError(
            f"grad_cam needs Keras to run on TensorFlow, not {runtime}: "
            "set KERAS_BACKEND=tensorflow, or choose occlusion or lime"
        )
    return tensorflow
