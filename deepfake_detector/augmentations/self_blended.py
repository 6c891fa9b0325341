"""A fake made of one real face: two views of it, blended along a soft mask.

What every face swap leaves behind is a seam: two pictures of differing colour,
sharpness and place meet along it. A picture blended with a changed copy of itself has
that seam and no other trace of a generator, and a network trained on it meets fakes it
has never seen better prepared [1]_. The paper draws its mask from facial landmarks;
here it is a random blob around the crop's centre, where the crop rule puts the face.

References
----------
.. [1] Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR
   2022, arXiv:2204.08376, sections 3.1 to 3.3.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

#: Opacities of the blend, drawn evenly; the full one counts three times.
BLEND_RATIOS: Final = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)

#: Corners of the mask before it is blurred.
_CORNERS: Final = 16

#: The crop is 1.3 times the face's box, so the face's half is this share of its side.
_FACE_HALF: Final = 0.385


def blend(crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Make a fake of a real face.

    Parameters
    ----------
    crop : ndarray of shape (h, w, 3), uint8
        RGB crop of a real face.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of shape (h, w, 3), uint8
        The crop with a changed copy of itself blended into its middle.
    """
    inner = outer = Image.fromarray(crop)
    changed = _sharpness(_colour(outer, rng), rng)
    # Either side of the seam may be the one that was changed.
    if rng.random() < 0.5:
        inner = changed
    else:
        outer = changed
    return np.asarray(Image.composite(_moved(inner, rng), outer, _mask(crop, rng)))


def _colour(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Shift each channel, brightness, contrast and saturation a little."""
    # (1, 256), or (3, 256) once tinted
    levels: NDArray[np.floating[Any]] = np.arange(256, dtype=np.float32)[None, :]
    levels = (levels - 128) * rng.uniform(0.85, 1.15) + 128 + rng.uniform(-15, 15)
    if rng.random() < 0.5:
        levels = levels + rng.uniform(-20, 20, size=(3, 1))
    table = np.broadcast_to(levels.round().clip(0, 255), (3, 256)).astype(int)
    picture = picture.point(table.ravel().tolist())
    if rng.random() < 0.3:
        grey = picture.convert("L").convert("RGB")
        picture = Image.blend(grey, picture, rng.uniform(0.7, 1.3))
    return picture


def _sharpness(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Lose detail by scaling down and up, sharpen, or leave it."""
    choice = rng.integers(3)
    if choice == 0:
        factor = rng.uniform(0.3, 0.8)
        small = [max(1, round(side * factor)) for side in picture.size]
        return picture.resize((small[0], small[1]), Image.Resampling.BILINEAR).resize(
            picture.size, Image.Resampling.BICUBIC
        )
    if choice == 1:
        percent = int(rng.integers(50, 151))
        return picture.filter(ImageFilter.UnsharpMask(1.0, percent, 0))
    return picture


def _moved(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Shift by up to 3 % and scale by up to 5 %, about the centre."""
    width, height = picture.size
    zoom_x, zoom_y = rng.uniform(0.95, 1.05, size=2)
    shift_x, shift_y = rng.uniform(-0.03, 0.03, size=2) * picture.size
    matrix = (
        zoom_x,
        0.0,
        width / 2 * (1 - zoom_x) + shift_x,
        0.0,
        zoom_y,
        height / 2 * (1 - zoom_y) + shift_y,
    )
    return picture.transform(
        picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
    )


def _mask(crop: NDArray[np.uint8], rng: np.random.Generator) -> Image.Image:
    """A soft blob over the face or a part of it, at one of the blend ratios."""
    height, width = crop.shape[:2]
    centre = 0.5 + rng.normal(0, 0.03, size=2)
    half = _FACE_HALF * rng.uniform(0.6, 1.1, size=2)
    if rng.random() < 0.3:  # mouth or eyes alone
        half[1] *= 0.5
        centre[1] += rng.choice((-1.0, 1.0)) * half[1]
    angles = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    radii = np.clip(1 + rng.normal(0, 0.08, size=_CORNERS), 0.7, 1.3)
    x = (centre[0] + half[0] * radii * np.cos(angles)) * width
    y = (centre[1] + half[1] * radii * np.sin(angles)) * height
    mask = Image.new("L", (width, height), 0)
    opacity = round(255 * rng.choice(BLEND_RATIOS))
    corners = list(zip(x.tolist(), y.tolist(), strict=True))
    ImageDraw.Draw(mask).polygon(corners, fill=opacity)
    softness = rng.uniform(0.01, 0.06) * max(width, height)
    return mask.filter(ImageFilter.GaussianBlur(softness))
