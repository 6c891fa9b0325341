"""All that `standard` and `robust` do, and a patch hidden now and then.

Geometry first, as a face is held before it is photographed; then what befalls the
picture on its way; then random erasing [1]_, so that no single place decides.

References
----------
.. [1] Zhong et al., "Random Erasing Data Augmentation", AAAI 2020, arXiv:1708.04896.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.augmentations import Augmentation, robust, standard

#: Probability of turning and zooming, and of hiding a patch.
GEOMETRY_P: Final = 0.5
ERASE_P: Final = 0.2


def augment(crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Turn, shift, zoom, degrade and partly hide a crop, each by chance.

    Parameters
    ----------
    crop : ndarray of shape (h, w, 3), uint8
        RGB crop.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of shape (h, w, 3), uint8
        The changed crop.
    """
    if rng.random() < GEOMETRY_P:
        crop = standard.augment(crop, rng)
    crop = robust.augment(crop, rng)
    return erased(crop, rng) if rng.random() < ERASE_P else crop


def erased(crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Fill a rectangle of a tenth to two fifths of each side with one colour.

    Parameters
    ----------
    crop : ndarray of shape (h, w, 3), uint8
        RGB crop.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of shape (h, w, 3), uint8
        A changed copy.
    """
    sides = np.array(crop.shape[:2])
    patch = np.maximum(1, (rng.uniform(0.1, 0.4, size=2) * sides).astype(int))
    top, left = rng.integers(0, sides - patch + 1)
    changed = crop.copy()
    changed[top : top + patch[0], left : left + patch[1]] = rng.integers(0, 256, 3)
    return changed


#: Each step that shows on a single picture, for looking at it.
STEPS: Final[Mapping[str, Augmentation]] = {**robust.STEPS, "erasing": erased}
