"""Occlusion: how far the logit falls where a square is covered; any network.

A square slides over the crop in overlapping steps; a pixel's evidence is the mean fall
over the squares that covered it [1]_. The square has the crop's mean colour rather
than grey, so that covering part of a flat crop changes nothing.

References
----------
.. [1] Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks",
   ECCV 2014, arXiv:1311.2901, section 4.2.
"""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.explainers import Explanation, Network
from deepfake_detector.explainers.perturbation import logits

_Window = tuple[slice, slice]


class Occlusion:
    """Covers one square after the other and scores what is left.

    Parameters
    ----------
    network : Network
        Any backend.
    share : float, default 0.2
        Side of the square over the crop's shorter side, in (0, 1].
    overlap : float, default 0.5
        Share of its side by which a square overlaps the next, in [0, 1).
    """

    backend: ClassVar[str | None] = None

    def __init__(
        self, network: Network, share: float = 0.2, overlap: float = 0.5
    ) -> None:
        self.network = network
        self.share = share
        self.overlap = overlap

    def explain(self, crop: NDArray[np.uint8], seed: int = 0) -> Explanation:
        """Score the crop once for each place of the square; about eighty.

        Parameters
        ----------
        crop : ndarray of shape (h, w, 3), uint8
            RGB crop of the network's input size.
        seed : int, default 0
            Not used: nothing is drawn.

        Returns
        -------
        Explanation
            By how much the logit fell where a pixel was covered, in logits.
        """
        windows = self._windows(crop.shape[0], crop.shape[1])
        score, *covered = logits(self.network, _changed(crop, windows))
        total = np.zeros(crop.shape[:2])
        count = np.zeros(crop.shape[:2])
        for window, logit in zip(windows, covered, strict=True):
            total[window] += score - logit
            count[window] += 1
        return Explanation((total / count).astype(np.float32))

    def _windows(self, height: int, width: int) -> list[_Window]:
        """Places of the square, from edge to edge of the crop."""
        side = max(1, round(self.share * min(height, width)))
        step = max(1.0, side * (1 - self.overlap))
        return [
            (slice(top, top + side), slice(left, left + side))
            for top in _starts(height, side, step)
            for left in _starts(width, side, step)
        ]


def _starts(length: int, side: int, step: float) -> list[int]:
    """Evenly spaced starts, at most `step` apart, the last one at the far edge."""
    count = int(np.ceil((length - side) / step)) + 1
    return [round(start) for start in np.linspace(0, length - side, count).tolist()]


def _changed(
    crop: NDArray[np.uint8], windows: list[_Window]
) -> Iterator[NDArray[np.uint8]]:
    """The crop as it is, then with each window covered."""
    yield crop
    mean = np.rint(crop.mean(axis=(0, 1))).astype(np.uint8)
    for window in windows:
        covered = crop.copy()
        covered[window] = mean
        yield covered
