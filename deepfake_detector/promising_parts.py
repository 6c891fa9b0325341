"""Where in a large picture small faces may be: neither flat nor of no skin's colour.

Searching all of a large picture at full size for small faces takes seconds, and most of
it is sky, wall or cloth. A small copy says where a face-sized patch has contrast and,
in a colour picture, skin-coloured pixels by the chroma ranges of [1]_, which hold for
light and dark skin alike.

References
----------
.. [1] Chai and Ngan, "Face Segmentation Using Skin-Color Map in Videophone
   Applications", IEEE Trans. Circuits and Systems for Video Technology 9(4), 1999.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.face_crops import FaceBox

FloatArray = NDArray[np.floating[Any]]

#: Pixels that a face's side becomes in the small copy.
_FACE_CELLS: Final = 10

#: Side of the squares that are promising or not, in face sides.
_SQUARE_FACES: Final = 4

#: How far a part reaches beyond the places where faces may be centred, in face sides:
#: half of the largest face that is looked for, and some air.
_MARGIN_FACES: Final = 1.25

#: Chroma of skin, least and largest Cb and Cr in [0, 255].
_SKIN: Final = ((77, 127), (133, 173))

#: Share of skin-coloured pixels in a face, at least.
_LEAST_SKIN: Final = 0.25

#: Contrast of a face, at least and where more says no more: grey levels, one sigma.
_CONTRAST: Final = (8.0, 40.0)

#: Mean distance of chroma from grey, in levels, below which a picture is a grey one.
_LEAST_COLOUR: Final = 3.0


def promising_parts(
    image: NDArray[np.uint8], face_px: float, found: Iterable[FaceBox]
) -> list[FaceBox]:
    """Return the parts of a picture that are worth a search for small faces.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3), uint8
        RGB picture.
    face_px : float
        Side of the smallest faces looked for, pixels; parts hold faces of up to twice
        that whole.
    found : iterable of FaceBox
        Faces that are known already; nothing is looked for inside them.

    Returns
    -------
    list of FaceBox
        Rectangles inside the picture, most promising first; they may overlap.
    """
    factor = max(1, int(face_px / _FACE_CELLS))
    copy = np.asarray(Image.fromarray(image).reduce(factor), dtype=np.float32)
    promise = _promise(copy)  # (H / factor, W / factor)
    for face in found:
        rows = slice(*_cells(face.top, face.height, factor))
        promise[rows, slice(*_cells(face.left, face.width, factor))] = 0
    size = image.shape[1], image.shape[0]
    parts = _parts(promise, factor, face_px * _MARGIN_FACES, size)
    return [part for _, part in sorted(parts, key=lambda pair: pair[0], reverse=True)]


def _promise(copy: FloatArray) -> FloatArray:
    """How promising each pixel of the small copy is as a face's centre; mostly 0."""
    red, blue = copy[..., 0], copy[..., 2]
    luma = 0.299 * red + 0.587 * copy[..., 1] + 0.114 * blue
    chroma = 128 + 0.564 * (blue - luma), 128 + 0.713 * (red - luma)
    mean = _window_mean(luma)
    variance = np.maximum(_window_mean(luma**2) - mean**2, 0)
    contrast = np.sqrt(variance)
    promising = contrast >= _CONTRAST[0]
    if sum(float(np.abs(plane - 128).mean()) for plane in chroma) >= _LEAST_COLOUR:
        in_range = [
            (low <= plane) & (plane <= high)
            for plane, (low, high) in zip(chroma, _SKIN, strict=True)
        ]
        skin = (in_range[0] & in_range[1]).astype(np.float32)
        promising &= _window_mean(skin) >= _LEAST_SKIN
    return np.where(promising, np.minimum(contrast, _CONTRAST[1]), 0.0)


def _window_mean(plane: FloatArray) -> FloatArray:
    """Mean over a face-sized window around each pixel; the border is repeated."""
    side, before = _FACE_CELLS, _FACE_CELLS // 2
    padded = np.pad(plane, (before, side - 1 - before), mode="edge")
    sums = np.pad(padded.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    lower = sums[side:, side:] - sums[side:, :-side]
    mean: FloatArray = (lower - sums[:-side, side:] + sums[:-side, :-side]) / side**2
    return mean


def _parts(
    promise: FloatArray, factor: int, margin: float, size: tuple[int, int]
) -> list[tuple[float, FaceBox]]:
    """Around what is promising in each square: its strength and its rectangle."""
    side = _SQUARE_FACES * _FACE_CELLS
    parts = []
    for top in range(0, promise.shape[0], side):
        for left in range(0, promise.shape[1], side):
            square = promise[top : top + side, left : left + side]
            rows, columns = np.nonzero(square)
            if rows.size:
                x = _reach(columns + left, factor, margin, size[0])
                y = _reach(rows + top, factor, margin, size[1])
                box = FaceBox(x[0], y[0], x[1] - x[0], y[1] - y[0])
                parts.append((float(np.percentile(square, 95)), box))
    return parts


def _reach(
    cells: NDArray[np.integer[Any]], factor: int, margin: float, length: int
) -> Sequence[float]:
    """First and last pixel around some cells, inside the picture."""
    first = float(cells.min()) * factor - margin
    last = float(cells.max() + 1) * factor + margin
    return max(0.0, first), min(float(length), last)


def _cells(start: float, length: float, factor: int) -> tuple[int, int]:
    """Range of the copy's cells that a stretch of pixels covers."""
    return max(0, int(start / factor)), max(0, int((start + length) / factor) + 1)
