"""Draws face-like portraits from a seed: no photograph, no licence, NumPy alone.

A head is a height map (an ellipsoid with brow, nose, lips and chin on it) under one
lamp, over which hair, eyes, brows and lips are painted. Lengths are in face units: the
half width of the head is 1, the origin lies between the cheekbones, y points down.
"""

import copy
import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.face_crops import FaceBox

FloatArray = NDArray[np.floating[Any]]
UInt8Array = NDArray[np.uint8]

#: Skin from light to dark, RGB in [0, 255]; a face lies somewhere between two of them.
_SKINS: Final = ((240, 204, 180), (222, 180, 154), (176, 134, 108), (118, 88, 72))
_HAIRS: Final = (
    (28, 22, 20),
    (58, 40, 30),
    (98, 66, 40),
    (164, 128, 80),
    (150, 148, 146),
)
_IRISES: Final = ((60, 40, 26), (84, 62, 36), (72, 98, 82), (84, 112, 146))

#: Relief of a face as bumps: x, y, width, height and depth. One with x > 0 is mirrored.
_RELIEF: Final = (
    (0.00, 0.06, 0.12, 0.28, 0.20),  # bridge of the nose
    (0.00, 0.33, 0.14, 0.13, 0.20),  # its tip
    (0.17, 0.40, 0.08, 0.08, 0.08),  # its wings
    (0.40, -0.08, 0.22, 0.13, -0.12),  # eye sockets
    (0.42, -0.32, 0.28, 0.10, 0.07),  # brow ridge
    (0.58, 0.28, 0.22, 0.20, 0.07),  # cheeks
    (0.00, 0.70, 0.26, 0.05, 0.05),  # upper lip
    (0.00, 0.83, 0.20, 0.06, 0.06),  # lower lip
    (0.00, 0.95, 0.26, 0.06, -0.04),  # groove under it
    (0.00, 1.12, 0.22, 0.13, 0.09),  # chin
)

#: What stands in the way of light, in the same columns; the depth is a darkening.
_SHADOWS: Final = (
    (0.42, -0.13, 0.20, 0.12, 0.16),  # eye sockets
    (0.09, 0.47, 0.055, 0.035, 0.35),  # nostrils
    (0.00, 0.52, 0.15, 0.04, 0.10),  # under the nose
    (0.00, 0.95, 0.22, 0.05, 0.10),  # under the lips
)

#: The square from the eyebrows to the chin that face detectors draw: centre and side.
_BOX_CENTRE: Final = (0.0, 0.25)
_BOX_SIDE: Final = 1.9


@dataclass(frozen=True)
class Portrait:
    """A drawn picture and where its face is.

    Parameters
    ----------
    planes : ndarray of shape (3, H, W), float32
        Red, green and blue in [0, 255], without noise. Planes come first in all
        drawing: a coverage of shape (H, W) then broadcasts over long rows.
    x, y : ndarray of shape (H, W), float32
        Place of each pixel in face units.
    box : FaceBox
        The face from the eyebrows to the chin, pixels.
    """

    planes: FloatArray
    x: FloatArray
    y: FloatArray
    box: FaceBox


def draw_face(seed: int, size: int = 256) -> UInt8Array:
    """Draw a square portrait with a little camera noise.

    Parameters
    ----------
    seed : int
        Which face; the same seed draws the same one at every size.
    size : int, default 256
        Side in pixels.

    Returns
    -------
    ndarray of shape (size, size, 3), uint8
        RGB picture.
    """
    rng = np.random.default_rng(seed)
    planes = draw_portrait(rng, size, size).planes
    planes += rng.standard_normal(planes.shape, dtype=np.float32) * 2
    return quantised(planes)


def quantised(planes: FloatArray) -> UInt8Array:
    """Round to whole grey levels.

    Parameters
    ----------
    planes : ndarray of shape (3, H, W), float32
        Red, green and blue; what leaves [0, 255] is clipped.

    Returns
    -------
    ndarray of shape (H, W, 3), uint8
        The picture.
    """
    levels = np.clip(np.rint(planes), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(1, 2, 0))  # (H, W, 3)


def draw_portrait(rng: np.random.Generator, height: int, width: int) -> Portrait:
    """Draw one person in front of a plain background.

    Parameters
    ----------
    rng : Generator
        Decides about looks, pose, light and place.
    height, width : int
        Size of the picture in pixels.

    Returns
    -------
    Portrait
        The picture, its coordinates and the face's box.
    """
    canvas = _Canvas(rng, height, width)
    look = _Look.drawn_by(rng)
    _paint_background(canvas, rng)
    _paint_body(canvas, look)
    head = canvas.window(-1.7, 1.5)
    _paint_head(head, look)
    _paint_eyes(head.window(-0.6, 0.1), look)
    _paint_mouth(head.window(0.5, 1.0), look)
    _paint_fringe(head.window(-1.7, 0.2), look)
    return Portrait(canvas.planes, canvas.x, canvas.y, canvas.box())


@dataclass(frozen=True)
class _Look:
    """One person: colours in [0, 255], shapes in face units, light as a direction."""

    skin: FloatArray
    hair: FloatArray
    iris: FloatArray
    cloth: FloatArray
    light: FloatArray
    ambient: float
    chin: float
    jaw: float
    hair_bulk: float
    hair_length: float
    hairline: float
    brow: float
    smile: float
    gape: float
    eye_height: float
    gaze: float
    parting: float

    @classmethod
    def drawn_by(cls, rng: np.random.Generator) -> "_Look":
        light = np.array([rng.uniform(-0.6, 0.6), rng.uniform(-0.7, -0.2), 1.0])
        return cls(
            skin=_between(rng, _SKINS),
            hair=_between(rng, _HAIRS),
            iris=_between(rng, _IRISES),
            cloth=rng.uniform(40, 200, 3).astype(np.float32),
            light=(light / np.linalg.norm(light)).astype(np.float32),
            ambient=rng.uniform(0.25, 0.45),
            chin=rng.uniform(1.28, 1.42),
            jaw=rng.uniform(0.12, 0.26),
            hair_bulk=rng.uniform(1.08, 1.28),
            hair_length=float(rng.choice([0.2, 0.6, 1.6])),
            hairline=rng.uniform(-0.95, -0.72),
            brow=rng.uniform(0.045, 0.08),
            smile=rng.uniform(-0.02, 0.10),
            gape=max(0.0, rng.uniform(-0.08, 0.08)),
            eye_height=rng.uniform(0.08, 0.11),
            gaze=rng.uniform(-0.03, 0.03),
            parting=rng.uniform(-0.4, 0.4),
        )


def _between(
    rng: np.random.Generator, colours: tuple[tuple[int, int, int], ...]
) -> FloatArray:
    """A colour somewhere on the way between two neighbours of a row of colours."""
    place = rng.uniform(0, len(colours) - 1)
    row = np.array(colours, dtype=np.float64)
    steps = np.arange(len(colours))
    mixed = [np.interp(place, steps, channel) for channel in row.T]
    return (np.array(mixed) * rng.uniform(0.92, 1.06, 3)).astype(np.float32)


class _Canvas:
    """Pixels with face coordinates: placed, scaled and tilted at random."""

    def __init__(self, rng: np.random.Generator, height: int, width: int) -> None:
        side = min(height, width)
        self.unit = side * rng.uniform(0.27, 0.32)  # pixels a face unit
        self.centre = (
            width / 2 + side * rng.uniform(-0.05, 0.05),
            height / 2 + side * rng.uniform(-0.05, 0.05),
        )
        self.roll = math.radians(rng.uniform(-8, 8))
        self.yaw, self.pitch = rng.uniform(-0.16, 0.16), rng.uniform(-0.08, 0.08)
        rows, columns = np.indices((height, width), dtype=np.float32)
        across = (columns - self.centre[0] + 0.5) / self.unit
        down = (rows - self.centre[1] + 0.5) / self.unit
        cos, sin = np.float32(np.cos(self.roll)), np.float32(np.sin(self.roll))
        self.x = (cos * across + sin * down).astype(np.float32)  # (H, W)
        self.y = (cos * down - sin * across).astype(np.float32)  # (H, W)
        # Coordinates on the turned head: what stands nearest moves most.
        self.fx, self.fy = self.x, self.y
        self.planes = np.zeros((3, height, width), dtype=np.float32)

    def turn(self, depth: FloatArray) -> None:
        """Turn the face coordinates by yaw and pitch, given the head's depth."""
        self.fx = self.x - np.float32(self.yaw) * depth
        self.fy = self.y - np.float32(self.pitch) * depth

    def window(self, top: float, bottom: float) -> "_Canvas":
        """The part of the canvas as wide as the head, for a part costs less to paint.

        It reaches from `top` to `bottom` and a little further, for the tilt.
        """
        x, y = self.centre
        left, right = x - 1.4 * self.unit, x + 1.4 * self.unit
        first, last = y + (top - 0.35) * self.unit, y + (bottom + 0.35) * self.unit
        rows, columns = (
            slice(max(0, int(start)), max(0, int(stop)))
            for start, stop in ((first, last), (left, right))
        )
        part = copy.copy(self)
        part.centre = x - columns.start, y - rows.start
        part.x, part.y = self.x[rows, columns], self.y[rows, columns]
        part.fx, part.fy = self.fx[rows, columns], self.fy[rows, columns]
        part.planes = self.planes[:, rows, columns]  # a view: what is painted shows
        return part

    def inside(self, distance: FloatArray) -> FloatArray:
        """Coverage in [0, 1] of a shape, given signed distances to its edge."""
        covered: FloatArray = np.clip(0.5 - distance * self.unit, 0, 1)
        return covered

    def paint(self, coverage: FloatArray, colour: FloatArray) -> None:
        """Lay a colour, or one of each pixel, over the picture as far as it covers."""
        planes = colour if colour.ndim == 3 else colour[:, None, None]
        self.planes += coverage * (planes - self.planes)

    def box(self) -> FaceBox:
        """The face's box: where its centre comes to lie, and its side in pixels."""
        cos, sin = float(np.cos(self.roll)), float(np.sin(self.roll))
        x, y = _BOX_CENTRE[0] + self.yaw, _BOX_CENTRE[1] + self.pitch
        across, down = cos * x - sin * y, cos * y + sin * x
        side = _BOX_SIDE * self.unit
        return FaceBox(
            self.centre[0] + across * self.unit - side / 2,
            self.centre[1] + down * self.unit - side / 2,
            side,
            side,
        )


def _paint_background(canvas: _Canvas, rng: np.random.Generator) -> None:
    """Lay a slanted gradient between two colours, with soft stains in it."""
    angle = rng.uniform(0, 2 * np.pi)
    slope = 0.5 + (math.cos(angle) * canvas.x + math.sin(angle) * canvas.y) / 4
    for _ in range(2):
        x, y, spread = rng.uniform(-2, 2), rng.uniform(-2, 2), rng.uniform(0.3, 0.9)
        slope += rng.uniform(-0.4, 0.4) * _bump(canvas.x - x, canvas.y - y, spread)
    base, tint = rng.uniform(70, 190), rng.normal(0, 12, (2, 3))
    first, second = (base + rng.normal(0, 30, (2, 1)) + tint).astype(np.float32)
    canvas.planes[:] = first[:, None, None]
    canvas.paint(np.clip(slope, 0, 1), second)


def _paint_body(canvas: _Canvas, look: _Look) -> None:
    """Paint what is behind the face: hair, neck and shoulders."""
    side, y = np.abs(canvas.x), canvas.y
    canvas.paint(canvas.inside(_radius(side / 2.1, (y - 2.75) / 1.15) - 1), look.cloth)
    neck = np.maximum(side - 0.52 - 0.1 * (y - 1) ** 2, np.maximum(0.4 - y, y - 1.75))
    canvas.paint(canvas.inside(neck), look.skin * 0.66)
    # Above the ears hair is round; below them it hangs down and thins out.
    hanging = np.maximum(side - look.hair_bulk + 0.1 * y * y, y - look.hair_length)
    hair = np.where(y < 0, _crown(canvas, look), hanging)
    canvas.paint(canvas.inside(hair), look.hair * 0.7)


def _paint_head(canvas: _Canvas, look: _Look) -> None:
    """Paint the skin, shaded by the relief under the lamp."""
    low = np.clip(canvas.y / look.chin, 0, 1)
    across = canvas.x / (1 - look.jaw * low * low)
    down = canvas.y / np.where(canvas.y > 0, np.float32(look.chin), np.float32(1.3))
    radius = _radius(across, down)  # (H, W), 1 on the outline
    depth = np.sqrt(np.clip(1 - radius * radius, 0, 1))
    canvas.turn(depth)
    ears = _radius((np.abs(canvas.x) - 1.0) / 0.12, (canvas.y - 0.1) / 0.25)
    canvas.paint(canvas.inside((ears - 1) * 0.12), look.skin * 0.7)
    skin = _shade(canvas, look, depth) * look.skin[:, None, None]
    canvas.paint(canvas.inside(radius - 1), skin)


def _shade(canvas: _Canvas, look: _Look, depth: FloatArray) -> FloatArray:
    """Brightness of the skin: Lambert's law on the relief, plus what hides light."""
    side, y = np.abs(canvas.fx), canvas.fy
    relief = 0.75 * depth
    for x0, y0, width, height, amount in _RELIEF:
        relief += amount * _bump((side - x0) / width, (y - y0) / height)
    down, across = np.gradient(relief * canvas.unit)
    steepness = np.sqrt(across * across + down * down + 1)
    lit = look.light[2] - across * look.light[0] - down * look.light[1]
    shade = look.ambient + (1.1 - look.ambient) * np.clip(lit / steepness, 0, None)
    for x0, y0, width, height, amount in _SHADOWS:
        shade -= amount * _bump((side - x0) / width, (y - y0) / height)
    clipped: FloatArray = np.clip(shade, 0.05, 1.15)
    return clipped


def _paint_eyes(canvas: _Canvas, look: _Look) -> None:
    """Paint brows, lids, eyeballs, irises, pupils and a glint, both sides at once."""
    side, x, y = np.abs(canvas.fx), canvas.fx, canvas.fy + 0.09
    arch = np.abs(canvas.fy + 0.38 - 0.5 * (side - 0.45) ** 2)
    brow = np.maximum(arch - look.brow, np.abs(side - 0.42) - 0.26)
    canvas.paint(0.85 * canvas.inside(brow), look.hair * 0.7)
    lid = _radius((side - 0.4) / 0.22, (y + 0.025) / (look.eye_height + 0.025)) - 1
    canvas.paint(0.8 * canvas.inside(0.1 * lid), look.skin * 0.25)
    ball = canvas.inside(0.1 * _radius((side - 0.4) / 0.19, y / look.eye_height) - 0.1)
    canvas.paint(ball, _grey(215))
    across = x - 0.4 * np.sign(x) - look.gaze
    pupil = _radius(across, y)
    canvas.paint(ball * canvas.inside(pupil - 0.095), look.iris)
    canvas.paint(ball * canvas.inside(pupil - 0.045), _grey(14))
    canvas.paint(canvas.inside(_radius(across - 0.03, y + 0.03) - 0.02), _grey(235))


def _paint_mouth(canvas: _Canvas, look: _Look) -> None:
    """Paint lips along a smile, and the line or the gap between them."""
    across = canvas.fx / 0.36
    taper = np.clip(1 - across * across, 0, 1)
    curve = np.abs(canvas.fy - 0.76 + look.smile * (across * across - 0.5))
    colour = look.skin * np.array([0.80, 0.54, 0.52], dtype=np.float32)
    # Outside the corners the taper is nought; a little more keeps the line away.
    lips = curve - (0.11 + look.gape / 2) * taper + 0.01
    canvas.paint(0.75 * canvas.inside(lips), colour)
    gap = curve - (0.025 + look.gape / 2) * taper + 0.01
    canvas.paint(canvas.inside(gap), colour * 0.3)


def _paint_fringe(canvas: _Canvas, look: _Look) -> None:
    """Paint the hair that falls over the forehead, in strands."""
    waves = 23 * canvas.x + 3 * np.sin(2 * canvas.y)
    strands = 1 + 0.08 * np.sin(waves) + 0.05 * np.sin(2.7 * waves)
    part = canvas.x - look.parting
    line = canvas.y - look.hairline - 0.35 * part * part
    covered = canvas.inside(np.maximum(_crown(canvas, look), line))
    canvas.paint(covered, strands * look.hair[:, None, None])


def _crown(canvas: _Canvas, look: _Look) -> FloatArray:
    """Signed distance to the round outline of the hair."""
    return _radius(canvas.x / look.hair_bulk, canvas.y / (look.hair_bulk + 0.3)) - 1


def _radius(across: FloatArray, down: FloatArray) -> FloatArray:
    """Distance from the origin."""
    return np.sqrt(across * across + down * down)


def _bump(across: FloatArray, down: FloatArray, spread: float = 1.0) -> FloatArray:
    """A Gaussian of height 1 around the origin."""
    bump: FloatArray = np.exp((across * across + down * down) * (-0.5 / spread**2))
    return bump


def _grey(level: int) -> FloatArray:
    """A grey colour."""
    return np.full(3, level, dtype=np.float32)
