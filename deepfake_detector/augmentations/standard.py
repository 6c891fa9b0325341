"""Rotation, shift, zoom and horizontal flip: geometry only."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Largest rotation, degrees either way.
ROTATION_DEGREES: Final = 10.0

#: Largest shift either way, as a share of the side.
SHIFT: Final = 0.08

#: Largest zoom either way.
ZOOM: Final = 0.12


def augment(crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Turn, shift, zoom and perhaps mirror a crop; gaps are filled by reflection.

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
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    height, width = crop.shape[:2]
    angle = np.deg2rad(rng.uniform(-ROTATION_DEGREES, ROTATION_DEGREES))
    scale = 1.0 / (1.0 + rng.uniform(-ZOOM, ZOOM))
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    # Pillow maps output to input: rotate about the centre of the padded picture.
    pad_y, pad_x = height // 2, width // 2
    padded = np.pad(crop, ((pad_y, pad_y), (pad_x, pad_x), (0, 0)), mode="symmetric")
    centre_x = pad_x + width / 2 + rng.uniform(-SHIFT, SHIFT) * width
    centre_y = pad_y + height / 2 + rng.uniform(-SHIFT, SHIFT) * height
    x_offset = centre_x - cos * width / 2 + sin * height / 2
    y_offset = centre_y - sin * width / 2 - cos * height / 2
    changed = Image.fromarray(padded).transform(
        (width, height),
        Image.Transform.AFFINE,
        (cos, -sin, x_offset, sin, cos, y_offset),
        resample=Image.Resampling.BILINEAR,
    )
    return np.asarray(changed)
