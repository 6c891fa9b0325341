"""What happens to pictures on their way: resizing, blur, noise, colour, JPEG.

Each step is drawn on its own, in the order in which a picture meets them. Without
JPEG and blur in training, detectors are near chance on what they have not seen [1]_.

References
----------
.. [1] Wang et al., "CNN-generated images are surprisingly easy to spot... for now",
   CVPR 2020, arXiv:1912.11035, section 3.3.
"""

import io
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

#: Probability of each step.
FLIP_P: Final = 0.5
RESIZE_P: Final = 0.3
BLUR_P: Final = 0.2
NOISE_P: Final = 0.2
COLOUR_P: Final = 0.5
JPEG_P: Final = 0.5

_RESAMPLINGS: Final = (
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.BOX,
)


def augment(crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Mirror, resize down and up, blur, tint, add noise and re-encode, each by chance.

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
    if rng.random() < FLIP_P:
        crop = np.ascontiguousarray(crop[:, ::-1])
    picture = Image.fromarray(crop)
    if rng.random() < RESIZE_P:
        picture = _down_and_up(picture, rng)
    if rng.random() < BLUR_P:
        picture = _blur(picture, rng)
    if rng.random() < COLOUR_P:
        picture = _colour(picture, rng)
    if rng.random() < NOISE_P:
        picture = _noise(picture, rng)
    if rng.random() < JPEG_P:
        picture = _jpeg(picture, rng)
    return np.asarray(picture)


def _down_and_up(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Lose detail as a thumbnail does: shrink to 0.4-1 and enlarge again."""
    factor = rng.uniform(0.4, 1.0)
    down, up = (_RESAMPLINGS[i] for i in rng.integers(len(_RESAMPLINGS), size=2))
    width, height = (max(1, round(side * factor)) for side in picture.size)
    return picture.resize((width, height), down).resize(picture.size, up)


def _blur(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 1.5)))


def _colour(
    picture: Image.Image,
    rng: np.random.Generator,
    contrast: float = 1.0,
    tint: float = 1.0,
) -> Image.Image:
    """Gain and offset of all channels (contrast, brightness) and of each (tint).

    Either is left out at 0.
    """
    gain = rng.uniform(0.75, 1.3) ** contrast * rng.uniform(0.92, 1.08, size=3) ** tint
    offset = contrast * rng.uniform(-25, 25) + tint * rng.uniform(-10, 10, size=3)
    levels = (np.arange(256)[None, :] - 128) * gain[:, None] + 128 + offset[:, None]
    table = levels.round().clip(0, 255).astype(int).ravel().tolist()  # (3 * 256,)
    return picture.point(table)


def _noise(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(picture, dtype=np.float32)
    noise = rng.standard_normal(pixels.shape, dtype=np.float32) * rng.uniform(1, 8)
    return Image.fromarray((pixels + noise).round().clip(0, 255).astype(np.uint8))


def _jpeg(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(
        buffer,
        format="JPEG",
        quality=int(rng.integers(30, 96)),
        subsampling=int(rng.integers(3)),
    )
    with Image.open(buffer, formats=("JPEG",)) as encoded:
        return encoded.convert("RGB")


def _alone(
    change: Callable[[Image.Image, np.random.Generator], Image.Image],
    crop: NDArray[np.uint8],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    return np.asarray(change(Image.fromarray(crop), rng))


#: Each step but the mirroring alone, always taken; for looking at it.
STEPS: Final[Mapping[str, Callable[..., NDArray[np.uint8]]]] = {
    "JPEG quality": partial(_alone, _jpeg),
    "blur": partial(_alone, _blur),
    "noise": partial(_alone, _noise),
    "down-up scaling": partial(_alone, _down_and_up),
    "tint": partial(_alone, partial(_colour, contrast=0.0)),
    "contrast": partial(_alone, partial(_colour, tint=0.0)),
}
