"""Class-activation map: what each place added to the logit; needs a `cam` output.

A network that ends in global average pooling is a mean over places already [1]_: its
map costs no second pass, and its mean is the logit.

References
----------
.. [1] Zhou et al., "Learning Deep Features for Discriminative Localization",
   CVPR 2016, arXiv:1512.04150.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.exceptions import ExplanationError
from deepfake_detector.explainers import Explanation, Network
from deepfake_detector.explainers.perturbation import resized


class Cam:
    """Reads the activation map that the network gives beside its logit.

    Parameters
    ----------
    network : Network
        A backend whose network has a ``cam`` output.

    Raises
    ------
    ExplanationError
        If the network has none.
    """

    backend: ClassVar[str | None] = None

    def __init__(self, network: Network) -> None:
        blank = np.zeros((1, *network.input_shape), dtype=np.uint8)
        if "cam" not in network.run(blank):
            raise ExplanationError(
                "cam needs a network that ends in global average pooling and gives its "
                "activation map, which this one does not: choose occlusion, lime or "
                "grad_cam"
            )
        self.network = network

    def explain(self, crop: NDArray[np.uint8], seed: int = 0) -> Explanation:
        """Run the network once.

        Parameters
        ----------
        crop : ndarray of shape (h, w, 3), uint8
            RGB crop of the network's input size.
        seed : int, default 0
            Not used: nothing is drawn.

        Returns
        -------
        Explanation
            What each place added to the logit, in logits.
        """
        (cam,) = self.network.run(crop[None])["cam"]  # (h', w')
        return Explanation(resized(cam, crop.shape[:2]))
