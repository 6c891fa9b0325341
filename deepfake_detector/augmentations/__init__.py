"""Table of augmentation recipes: a crop and a random generator in, a crop out.

A new recipe is one file with a function, and one line here. A recipe keeps shape,
dtype, range and label, and the same seed gives the same result. What makes a fake of a
real crop is no such recipe; it lives in `self_blended` and comes before one.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.registry import Registry

#: Takes one crop (h, w, 3) uint8 and a generator; returns the same shape and dtype.
Augmentation = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]

AUGMENTATIONS = Registry(
    "augmentation",
    [
        ("none", "deepfake_detector.augmentations.none:augment"),
        ("robust", "deepfake_detector.augmentations.robust:augment"),
        ("standard", "deepfake_detector.augmentations.standard:augment"),
        ("strong", "deepfake_detector.augmentations.strong:augment"),
    ],
)
