"""Small labelled sets that tests draw: fakes are chequered, reals are not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.labels import CLASS_NAMES, FAKE

#: Pictures of each class, by the name of the split's folder.
COUNTS: Final = {"Train": 8, "Validation": 4, "Test": 4}

SIDE: Final = 40


def draw_picture(label: int, seed: int, side: int = SIDE) -> NDArray[np.uint8]:
    """A grey square with noise, (side, side, 3); a fake is a board of 12x12 fields.

    Brightness differs from picture to picture, so that it tells nothing, and so do the
    fields, or all boards would be copies of one.
    """
    rng = np.random.default_rng((label, seed))
    levels = rng.integers(0, 12, (side, side, 3)) + rng.integers(60, 140)
    if label == FAKE:
        field = np.arange(side) * 12 // side
        lit = rng.permutation(144).reshape(12, 12) % 2 == 0
        levels[lit[field][:, field]] += 60
    return levels.astype(np.uint8)


def write_drawn_set(
    root: Path, counts: Mapping[str, int] = COUNTS, side: int = SIDE
) -> Path:
    """Write ``<split>/<class>/<number>.png`` for each split."""
    for split_number, (split, count) in enumerate(counts.items()):
        for label, name in enumerate(CLASS_NAMES):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                picture = draw_picture(label, 1000 * split_number + number, side)
                Image.fromarray(picture).save(folder / f"{number:03}.png")
    return root
