"""Pictures that people hand a face checker although it was not made for them.

All are made of one public-domain portrait, of the portraits that this project draws,
and of two free photographs that scikit-image carries: a cat and a man from the side.
"""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from deepfake_detector.datasets.face_drawing import draw_face

#: Left, top and side of the square round the portrait's face that scenes are made of.
_HEAD = (140, 30, 170)

#: Left, top, right and bottom of the portrait's head and shoulders.
_BUST = (90, 10, 350, 270)

_GREY = (120, 125, 130)


def encoded(picture: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def head(portrait: NDArray[np.uint8], side: int) -> Image.Image:
    """The portrait's head alone, in a square."""
    left, top, size = _HEAD
    box = (left, top, left + size, top + size)
    return Image.fromarray(portrait).crop(box).resize((side, side))


def bust(portrait: NDArray[np.uint8]) -> Image.Image:
    """Head and shoulders: parts of the suit look a little like faces to the search."""
    return Image.fromarray(portrait).crop(_BUST)


def group(portrait: NDArray[np.uint8], rows: int = 5, columns: int = 6) -> Image.Image:
    """A group photo: heads in rows, the first the largest, on a plain ground."""
    pitch = 260
    scene = Image.new("RGB", (columns * pitch, rows * pitch), _GREY)
    for number in range(rows * columns):
        row, column = divmod(number, columns)
        face = head(portrait, 240 - 2 * number)
        if number % 2:
            face = ImageOps.mirror(face)
        scene.paste(face, (column * pitch + 8, row * pitch + 8))
    return scene


def far_group(portrait: NDArray[np.uint8]) -> Image.Image:
    """Six heads so far away that no face is 64 pixels wide."""
    scene = group(portrait, rows=2, columns=3)
    return scene.resize((scene.width * 2 // 5, scene.height * 2 // 5))


def cut_by_the_border(portrait: NDArray[np.uint8]) -> Image.Image:
    """The left half of a face stands outside the picture."""
    return Image.fromarray(portrait).crop((222, 0, 512, 512))


def upside_down(portrait: NDArray[np.uint8]) -> Image.Image:
    """A person on their head."""
    return bust(portrait).transpose(Image.Transpose.ROTATE_180)


def lying(portrait: NDArray[np.uint8]) -> Image.Image:
    """A person on their side."""
    return bust(portrait).transpose(Image.Transpose.ROTATE_90)


def masked(portrait: NDArray[np.uint8]) -> Image.Image:
    """A surgical mask from the bridge of the nose to the chin."""
    scene = Image.fromarray(portrait)
    shape = [(176, 128), (222, 118), (268, 128), (266, 168), (224, 186), (182, 168)]
    draw = ImageDraw.Draw(scene)
    draw.polygon(shape, fill=(170, 200, 215))
    for y in (138, 150, 162):
        draw.line([(182, y), (264, y)], fill=(150, 180, 198), width=2)
    return scene.crop(_BUST)


def profile() -> Image.Image:
    """A man seen from the side, with a camera before his eye."""
    from skimage.data import camera

    return Image.fromarray(camera()).convert("RGB")


def cartoon() -> Image.Image:
    """Two dots and a line in a circle."""
    scene = Image.new("RGB", (300, 300), "white")
    draw = ImageDraw.Draw(scene)
    draw.ellipse((40, 40, 260, 260), fill=(255, 220, 60), outline="black", width=4)
    for x in (110, 190):
        draw.ellipse((x - 12, 110, x + 12, 145), fill="black")
    draw.arc((95, 120, 205, 220), 20, 160, fill="black", width=6)
    return scene


def painting(seed: int = 5) -> Image.Image:
    """A shaded drawing of a face, as `datasets/face_drawing.py` makes them."""
    return Image.fromarray(draw_face(seed, 512))


def statue(seed: int = 5) -> Image.Image:
    """The drawn face in one colour of stone."""
    grey = ImageOps.autocontrast(painting(seed).convert("L"))
    return ImageOps.colorize(grey, (60, 58, 54), (236, 232, 222))


def cat() -> Image.Image:
    """A cat looking at the camera."""
    from skimage.data import chelsea

    return Image.fromarray(chelsea())


def noise(seed: int = 0) -> Image.Image:
    """Every pixel of a colour of its own."""
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (400, 500, 3), dtype=np.uint8))


def flat(width: int = 500, height: int = 400) -> Image.Image:
    """One colour all over."""
    return Image.new("RGB", (width, height), (90, 140, 200))


def strip(portrait: NDArray[np.uint8], width: int = 20_000) -> Image.Image:
    """A strip as a panorama is: 200 pixels high, with one face in it."""
    scene = Image.new("RGB", (width, 200), _GREY)
    scene.paste(head(portrait, 190), (width // 2, 5))
    return scene
