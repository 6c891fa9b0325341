"""What explainers share: many changed crops scored, coarse maps brought to size."""

from collections.abc import Iterable
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.config import SCORED_AT_ONCE
from deepfake_detector.explainers import Network


def logits(network: Network, crops: Iterable[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """Score crops that are made one after the other.

    Parameters
    ----------
    network : Network
        Any backend.
    crops : iterable of ndarray of shape (h, w, 3), uint8
        At least one crop; few of them are held at a time.

    Returns
    -------
    ndarray of shape (n,), float64
        Logits of P(fake).
    """
    pending = iter(crops)
    batches = iter(lambda: list(islice(pending, SCORED_AT_ONCE)), [])
    scored = [network.run(np.stack(batch))["logit"] for batch in batches]
    return np.concatenate(scored).astype(np.float64)


def resized(coarse: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Bring a map to a crop's size by linear interpolation.

    Parameters
    ----------
    coarse : ndarray of shape (h', w'), float32
        Values of any range.
    size : (int, int)
        Height and width of the result.

    Returns
    -------
    ndarray of shape (h, w), float32
        Values between those that were given.
    """
    height, width = size
    image = Image.fromarray(np.ascontiguousarray(coarse, dtype=np.float32))
    return np.array(image.resize((width, height), Image.Resampling.BILINEAR))
