"""LIME: a linear model of which regions raise the logit; any network, needs SLIC.

The crop is cut into regions of like colour by SLIC [2]_; many copies are scored in
which a random half of the regions is flattened to its mean colour; a ridge regression
on which regions were left, weighted towards copies near the crop, gives each region's
share of the logit [1]_. Kernel, penalty and sampling are those of the authors' package,
which has had no release since 2020; SLIC and the regression are scikit-image's and
scikit-learn's. The defaults are those of "Deepfake Image Detection" (J. Spagnola).

References
----------
.. [1] Ribeiro et al., "Why Should I Trust You?: Explaining the Predictions of Any
   Classifier", KDD 2016, arXiv:1602.04938.
.. [2] Achanta et al., "SLIC Superpixels Compared to State-of-the-art Superpixel
   Methods", TPAMI 34(11), 2012.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.exceptions import MissingPackageError
from deepfake_detector.explainers import Explanation, Network
from deepfake_detector.explainers.perturbation import logits

#: Width of the kernel over cosine distances from the unchanged crop.
_KERNEL_WIDTH: Final = 0.25

#: Penalty of the ridge regression.
_ALPHA: Final = 1.0


class Lime:
    """Flattens regions at random and regresses the logit on those that were left.

    Parameters
    ----------
    network : Network
        Any backend.
    segments : int, default 100
        About how many regions SLIC cuts.
    compactness : float, default 1.0
        Weight of nearness against colour in SLIC; positive.
    samples : int, default 1000
        Copies that are scored.

    Raises
    ------
    MissingPackageError
        If scikit-image or scikit-learn is not installed.
    """

    backend: ClassVar[str | None] = None

    def __init__(
        self,
        network: Network,
        segments: int = 100,
        compactness: float = 1.0,
        samples: int = 1000,
    ) -> None:
        self.network = network
        self.segments = segments
        self.compactness = compactness
        self.samples = samples
        self._slic, self._ridge = _libraries()

    def explain(self, crop: NDArray[np.uint8], seed: int = 0) -> Explanation:
        """Score `samples` copies of the crop and fit the regression.

        Parameters
        ----------
        crop : ndarray of shape (h, w, 3), uint8
            RGB crop of the network's input size.
        seed : int, default 0
            Which regions are flattened in which copy.

        Returns
        -------
        Explanation
            What each region adds to the logit by being left, in logits; and the
            regions.
        """
        regions = self._slic(
            crop, self.segments, compactness=self.compactness, start_label=0
        )  # (h, w)
        count = int(regions.max()) + 1
        rng = np.random.default_rng(seed)
        kept = rng.integers(2, size=(self.samples, count)).astype(bool)
        kept[0] = True  # the crop as it is
        scores = logits(self.network, _flattened(crop, regions, kept))
        # Cosine distance from all ones, as the authors' package measures nearness.
        distances = 1 - np.sqrt(kept.mean(axis=1))
        nearness = np.sqrt(np.exp(-((distances / _KERNEL_WIDTH) ** 2)))
        model = self._ridge(_ALPHA).fit(kept, scores, sample_weight=nearness)
        return Explanation(model.coef_[regions].astype(np.float32), regions)


def _libraries() -> tuple[Any, Any]:
    try:
        from skimage.segmentation import slic
        from sklearn.linear_model import Ridge
    except ImportError as error:
        raise MissingPackageError(
            "lime needs scikit-image and scikit-learn: "
            "pip install scikit-image scikit-learn"
        ) from error
    return slic, Ridge


def _flattened(
    crop: NDArray[np.uint8], regions: NDArray[Any], kept: NDArray[np.bool_]
) -> Iterator[NDArray[np.uint8]]:
    """Copies of the crop in which each region is kept or has its mean colour."""
    sizes = np.bincount(regions.ravel(), minlength=kept.shape[1])[:, None]
    sums = [
        np.bincount(regions.ravel(), plane.ravel()) for plane in np.moveaxis(crop, 2, 0)
    ]
    colours = (np.stack(sums, axis=1) / np.maximum(sizes, 1)).astype(np.uint8)
    flat = colours[regions]  # (h, w, 3)
    for row in kept:
        yield np.where(row[regions][..., None], crop, flat)
