"""Pictures to measure growth with, all drawn: portraits, large pictures, groups."""

import io
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.datasets.face_drawing import draw_face
from deepfake_detector.face_crops import CropRule, FaceBox, crop
from deepfake_detector.planted_scenes import (
    draw_background,
    drawn_heads,
    head_region,
    paste_head,
)

_JPEG_QUALITY: Final = 90

#: Different faces; every picture has its own noise, so no two files are the same.
_FACES: Final = 32

#: Standard deviation of the noise in grey levels, as a camera's.
_NOISE: Final = 4.0
_NOISE_PX: Final = 1024

#: Side of a face's portrait in a group, pixels, and how many stand in a row.
_GROUP_PX: Final = 512
_A_ROW: Final = 5

_UInt8Array = NDArray[np.uint8]


def write_portraits(folder: Path, count: int, side_px: int) -> None:
    """Write square portraits as JPEG files.

    Parameters
    ----------
    folder : Path
        Where to; it is made.
    count : int
        How many.
    side_px : int
        Width and height, pixels.
    """
    folder.mkdir(parents=True)
    faces = [draw_face(seed, side_px) for seed in range(_FACES)]
    for number in range(count):
        image = _noisy(faces[number % _FACES], seed=number)
        (folder / f"{number:06}.jpg").write_bytes(encoded(image, "JPEG"))


def write_crops(folder: Path, count: int, side_px: int) -> None:
    """Write face crops at the network's input size as JPEG files.

    Parameters
    ----------
    folder : Path
        Where to; it is made.
    count : int
        How many.
    side_px : int
        Width and height, pixels.
    """
    folder.mkdir(parents=True)
    centre = CropRule("whole_picture", 1.0, square=True)
    box = FaceBox(0.1 * side_px, 0.1 * side_px, 0.8 * side_px, 0.8 * side_px)
    size = (side_px, side_px)
    faces = [crop(draw_face(n, side_px), box, centre, size) for n in range(_FACES)]
    for number in range(count):
        image = _noisy(faces[number % _FACES], seed=number)
        (folder / f"{number:06}.jpg").write_bytes(encoded(image, "JPEG"))


def large_portrait(megapixels: float) -> _UInt8Array:
    """Draw one portrait of any size.

    Parameters
    ----------
    megapixels : float
        Width times height, in millions.

    Returns
    -------
    ndarray of shape (side, side, 3), uint8
        RGB picture, its face about half as wide as it is.
    """
    side = round((megapixels * 1e6) ** 0.5)
    drawn = Image.fromarray(draw_face(1, min(side, 1024)))
    return _noisy(np.asarray(drawn.resize((side, side))), seed=1)


def group(faces: int) -> _UInt8Array:
    """Draw a group, always in a picture of the same size.

    Parameters
    ----------
    faces : int
        How many people, from 1 to 20.

    Returns
    -------
    ndarray of shape (2048, 2560, 3), uint8
        RGB picture.
    """
    rows = 4
    picture = np.full((rows * _GROUP_PX, _A_ROW * _GROUP_PX, 3), 128, dtype=np.uint8)
    for number in range(faces):
        top, left = (place * _GROUP_PX for place in divmod(number, _A_ROW))
        face = draw_face(number, _GROUP_PX)
        picture[top : top + _GROUP_PX, left : left + _GROUP_PX] = face
    return _noisy(picture, seed=faces)


def scene(megapixels: float, face_px: int = 0) -> _UInt8Array:
    """Draw a background of noise and shapes, with one head on it or none.

    Parameters
    ----------
    megapixels : float
        Width times height, in millions.
    face_px : int, default 0
        Width of the face, pixels; of none, 0.

    Returns
    -------
    ndarray of shape (H, W, 3), uint8
        RGB picture, 4 by 3.
    """
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    canvas = draw_background(np.random.default_rng(1), round(height * 4 / 3), height)
    if face_px:
        (head,) = drawn_heads(1)
        left, top, right, bottom = head_region(head)
        scale = face_px / head.box.width
        size = round((right - left) * scale), round((bottom - top) * scale)
        paste_head(canvas, head, (canvas.width // 3, canvas.height // 3), size)
    return np.array(canvas)


def encoded(image: _UInt8Array, encoding: str) -> bytes:
    """Encode a picture.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
        RGB picture.
    encoding : {'JPEG', 'PNG'}
        As which kind of file.

    Returns
    -------
    bytes
        The file.
    """
    file = io.BytesIO()
    options = (
        {"quality": _JPEG_QUALITY} if encoding == "JPEG" else {"compress_level": 1}
    )
    Image.fromarray(image).save(file, encoding, **options)
    return file.getvalue()


def _noisy(image: _UInt8Array, seed: int) -> _UInt8Array:
    """A picture with noise that repeats every thousand pixels, to save time."""
    rng = np.random.default_rng(seed)
    side = min(_NOISE_PX, max(image.shape[:2]))
    noise = np.rint(rng.standard_normal((side, side, 3), np.float32) * _NOISE)
    height, width = image.shape[:2]
    noisy = np.empty_like(image)
    for top in range(0, height, side):
        for left in range(0, width, side):
            part = image[top : top + side, left : left + side]
            here = noise[: part.shape[0], : part.shape[1]]
            noisy[top : top + side, left : left + side] = np.clip(part + here, 0, 255)
    return noisy
