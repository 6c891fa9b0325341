"""Leaves every crop as it is, as the reference implementation does."""

import numpy as np
from numpy.typing import NDArray


def augment(crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the crop itself.

    Parameters
    ----------
    crop : ndarray of shape (h, w, 3), uint8
        RGB crop.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    ndarray of shape (h, w, 3), uint8
        The same crop.
    """
    return crop
