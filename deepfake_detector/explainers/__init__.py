"""Table of explainers: a network and a crop in, evidence for Fake of each pixel out.

A new explainer is one file with a class that has :meth:`Explainer.explain`, and one
line here. All explain the logit, never P(fake), which is flat where it is saturated.
The same seed gives the same answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.registry import Registry

FloatArray = NDArray[np.float32]


#: Evidence below this is what float32 makes of adding up a logit.
_ROUNDING: Final = 1e-6


class Network(Protocol):
    """What is explained; every backend is one.

    Attributes
    ----------
    input_shape : (int, int, int)
        Height, width and channels that :meth:`run` takes.
    """

    input_shape: tuple[int, int, int]

    def run(self, batch: NDArray[np.uint8]) -> dict[str, FloatArray]:
        """Score a batch.

        Parameters
        ----------
        batch : ndarray of shape (n, h, w, 3), uint8
            RGB crops.

        Returns
        -------
        dict of str to ndarray
            ``logit`` of shape (n,) and, where the network has one, ``cam`` of shape
            (n, h', w').
        """
        ...


@dataclass(frozen=True)
class Explanation:
    """What each pixel of a crop says.

    Parameters
    ----------
    evidence : ndarray of shape (h, w), float32
        Above 0 what speaks for Fake, below 0 what speaks for Real, in logits; finite.
    regions : ndarray of shape (h, w), int, optional
        Number of the region that each pixel belongs to, where the method judges
        regions: then the evidence is the same all over one.
    """

    evidence: FloatArray
    regions: NDArray[np.integer[Any]] | None = None

    @property
    def heatmap(self) -> FloatArray:
        """What speaks for Fake, (h, w), float32 in [0, 1], 1 where most does.

        All 0 where nothing does, by more than a logit is rounded.
        """
        positive: FloatArray = np.maximum(self.evidence, 0)
        strongest = positive.max()
        if strongest < _ROUNDING:
            return np.zeros_like(positive)
        heatmap: FloatArray = positive / strongest
        return heatmap


class Explainer(Protocol):
    """What every method does; made once for a network, used for many crops.

    Attributes
    ----------
    backend : str or None
        Name of the one backend whose networks it can explain; None for any.
    """

    backend: ClassVar[str | None]

    def __init__(self, network: Network) -> None: ...

    def explain(self, crop: NDArray[np.uint8], seed: int = 0) -> Explanation:
        """Explain the logit of one crop.

        Parameters
        ----------
        crop : ndarray of shape (h, w, 3), uint8
            RGB crop of the network's input size.
        seed : int, default 0
            Seed of whatever the method draws.

        Returns
        -------
        Explanation
            Evidence of each pixel of the crop.
        """
        ...


EXPLAINERS = Registry(
    "explainer",
    [
        ("cam", "deepfake_detector.explainers.cam:Cam"),
        ("grad_cam", "deepfake_detector.explainers.grad_cam:GradCam"),
        ("lime", "deepfake_detector.explainers.lime:Lime"),
        ("occlusion", "deepfake_detector.explainers.occlusion:Occlusion"),
    ],
)


def default_explainer(network: Network) -> str:
    """Return the method that explains a network unless another is asked for.

    Parameters
    ----------
    network : Network
        Any backend.

    Returns
    -------
    str
        `cam` for a network with an activation map, which costs nothing; `occlusion`,
        which asks nothing of the network, for all others.
    """
    blank = np.zeros((1, *network.input_shape), dtype=np.uint8)
    return "cam" if "cam" in network.run(blank) else "occlusion"


def needed_backend(methods: Iterable[str]) -> str | None:
    """Return the backend without which some of the methods cannot be used.

    Parameters
    ----------
    methods : iterable of str
        Names of this table.

    Returns
    -------
    str or None
        Name of a backend; None where any will do.

    Raises
    ------
    UnknownNameError
        If there is no such method; the message lists the choices.
    """
    needed = [EXPLAINERS.get(method).backend for method in methods]
    return next((name for name in needed if name), None)
