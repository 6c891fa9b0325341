"""Large made-up pictures with faces at known places, to measure a face search on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from deepfake_detector.datasets.face_drawing import draw_portrait, quantised
from deepfake_detector.face_crops import FaceBox

UInt8Array = NDArray[np.uint8]

#: Least and largest side of a planted face, pixels.
FACE_PX: Final = (40, 800)

#: Faces that a scene tries to hold.
FACES: Final = 12

#: Skin colours, which two in five of the shapes in a background have too.
_SKINS: Final = ((240, 204, 180), (222, 180, 154), (176, 134, 108), (118, 88, 72))

#: How far a head reaches beyond its box, in box widths: left, top, right, bottom.
_HEAD: Final = (0.35, 0.45, 0.35, 0.3)

#: Tries to find a free place for a face.
_TRIES: Final = 60


@dataclass(frozen=True)
class Head:
    """A picture to cut a head from, and its face.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
        RGB picture.
    box : FaceBox
        The face, in its pixels.
    """

    image: UInt8Array
    box: FaceBox


@dataclass(frozen=True)
class Scene:
    """A picture and the faces in it.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
        RGB picture.
    faces : tuple of FaceBox
        Every face, in its pixels.
    """

    image: UInt8Array
    faces: tuple[FaceBox, ...]


def drawn_heads(count: int) -> list[Head]:
    """Draw heads, for where there are no photographs.

    Parameters
    ----------
    count : int
        How many.

    Returns
    -------
    list of Head
        The same ones at every call.
    """
    portraits = [
        draw_portrait(np.random.default_rng(seed), 256, 256) for seed in range(count)
    ]
    return [Head(quantised(portrait.planes), portrait.box) for portrait in portraits]


def plant_faces(
    heads: Sequence[Head], megapixels: float, rng: np.random.Generator
) -> Scene:
    """Draw a background of noise and shapes, and put heads on it, none on another.

    Parameters
    ----------
    heads : sequence of Head
        What to plant; drawn from with repetition.
    megapixels : float
        Size of the scene, which is 4 by 3.
    rng : Generator
        Decides everything else.

    Returns
    -------
    Scene
        The picture and its faces, 40 to 800 pixels wide, evenly over the logarithm.
    """
    height = round(math.sqrt(megapixels * 1e6 * 3 / 4))
    canvas = draw_background(rng, round(height * 4 / 3), height)
    largest = min(FACE_PX[1], height / 2.5)
    logs = rng.uniform(math.log(FACE_PX[0]), math.log(largest), FACES)
    taken: list[tuple[int, int, int, int]] = []
    faces = []
    for side in sorted(np.exp(logs).tolist(), reverse=True):
        head = heads[int(rng.integers(len(heads)))]
        cut = head_region(head)
        scale = side / head.box.width
        size = round((cut[2] - cut[0]) * scale), round((cut[3] - cut[1]) * scale)
        place = _free_place(rng, canvas.size, size, taken)
        if place is None:
            continue
        taken.append((*place, place[0] + size[0], place[1] + size[1]))
        paste_head(canvas, head, place, size)
        left = place[0] + (head.box.left - cut[0]) * scale
        top = place[1] + (head.box.top - cut[1]) * scale
        faces.append(FaceBox(left, top, side, head.box.height * scale))
    return Scene(np.array(canvas), tuple(faces))


def draw_background(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Draw noise of several grains, rather strong, and shapes, some of skin's colours.

    Parameters
    ----------
    rng : Generator
        Decides everything.
    width, height : int
        Size, pixels.

    Returns
    -------
    Image
        RGB picture without a face.
    """
    planes = np.full((3, height, width), rng.uniform(60, 190, (3, 1, 1)), np.float32)
    for index, share in enumerate((3, 12, 60, 160, 600)):
        grain = max(2, width // share)
        strength = 45 * 0.7**index * rng.uniform(0.3, 1)
        for plane in planes:
            cells = rng.standard_normal((height // grain + 2, width // grain + 2))
            small = Image.fromarray(cells.astype(np.float32))
            plane += strength * np.asarray(
                small.resize((width, height), Image.Resampling.BICUBIC)
            )
    canvas = Image.fromarray(quantised(planes))
    draw = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(20, 200))):
        _draw_shape(draw, rng, width, height)
    return canvas


def _draw_shape(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, width: int, height: int
) -> None:
    is_skin = rng.random() < 0.4
    colour = _SKINS[rng.integers(4)] if is_skin else tuple(rng.integers(0, 256, 3))
    fill = tuple(map(int, colour))
    x, y = int(rng.integers(width)), int(rng.integers(height))
    across = int(math.exp(rng.uniform(math.log(20), math.log(width / 5))))
    down = max(3, int(across * rng.uniform(0.1, 1.5)))
    corners = (x, y, x + across, y + down)
    kind = rng.integers(3)
    if kind == 0:
        draw.ellipse(corners, fill=fill)
    elif kind == 1:
        draw.rectangle(corners, fill=fill, outline="black")
    else:
        draw.line(corners, fill=fill, width=max(1, across // 12))


def head_region(head: Head) -> tuple[float, float, float, float]:
    """Say where the head around a face is.

    Parameters
    ----------
    head : Head
        A picture and its face.

    Returns
    -------
    left, top, right, bottom : float
        Edges, inside its picture.
    """
    box, (height, width) = head.box, head.image.shape[:2]
    left, top, right, bottom = (share * box.width for share in _HEAD)
    return (
        max(0.0, box.left - left),
        max(0.0, box.top - top),
        min(float(width), box.left + box.width + right),
        min(float(height), box.top + box.height + bottom),
    )


def _free_place(
    rng: np.random.Generator,
    canvas: tuple[int, int],
    size: tuple[int, int],
    taken: Sequence[tuple[int, int, int, int]],
) -> tuple[int, int] | None:
    """Left and top of a place without a head, or None where none was found."""
    if size[0] >= canvas[0] or size[1] >= canvas[1]:
        return None
    for _ in range(_TRIES):
        x = int(rng.integers(canvas[0] - size[0]))
        y = int(rng.integers(canvas[1] - size[1]))
        if all(
            x + size[0] < left or right < x or y + size[1] < top or bottom < y
            for left, top, right, bottom in taken
        ):
            return x, y
    return None


def paste_head(
    canvas: Image.Image, head: Head, place: tuple[int, int], size: tuple[int, int]
) -> None:
    """Lay an oval of a head on a canvas, its rim blurred.

    Parameters
    ----------
    canvas : Image
        RGB picture that is drawn on.
    head : Head
        What to lay there.
    place : (int, int)
        Left and top of the head, which may leave the canvas.
    size : (int, int)
        Width and height of the head, pixels.
    """
    source = Image.fromarray(head.image)
    scaled = source.resize(size, Image.Resampling.LANCZOS, box=head_region(head))
    oval = Image.new("L", size, 0)
    ImageDraw.Draw(oval).ellipse((0, 0, size[0] - 1, size[1] - 1), fill=255)
    oval = oval.filter(ImageFilter.BoxBlur(max(1, size[0] // 30)))
    canvas.paste(scaled, place, oval)
