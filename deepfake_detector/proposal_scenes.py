"""Made-up scenes that teach the proposing network what a small face is.

A scene is as small as what the network sees at a time. Windows of pictures lie on a
background, anywhere and of any size, so that neither a seam nor the middle of a window
says where a face is.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from deepfake_detector.face_crops import FaceBox
from deepfake_detector.face_proposals import MIDDLE_PX, STRIDE
from deepfake_detector.face_search import overlap
from deepfake_detector.planted_scenes import Head, Scene, head_region, paste_head

UInt8Array = NDArray[np.uint8]
Float32Array = NDArray[np.float32]

#: Faces of a scene, and which share of each is seen.
SeenFaces = list[tuple[FaceBox, float]]

#: Side of a scene, pixels, and of its grid of answers.
SCENE_PX: Final = 96
_CELLS: Final = SCENE_PX // STRIDE

#: Sides of faces to propose, pixels: an octave and what neighbouring levels share.
_FACE_PX: Final = (11.0, 26.0)

#: Sides that are neither right nor wrong, around them.
_MAYBE_PX: Final = (8.0, 34.0)

#: Least and largest side of a face in a scene, pixels.
_SIDES: Final = (8.0, 48.0)

#: Distance from a face's centre, in its sides: within the first a cell must answer yes,
#: within the second it may.
_NEAR: Final = (0.2, 0.5)

#: Share of a face that must be seen, and from which it may be proposed.
_VISIBLE: Final = (0.85, 0.3)


@dataclass
class _Canvas:
    """A scene in the making; a face's share is what of it is still seen."""

    picture: Image.Image
    faces: SeenFaces = field(default_factory=list)

    def cover(self, area: FaceBox) -> None:
        """Take what a new window hides from the faces that lie there."""
        self.faces = [
            (face, max(0.0, share - overlap(face, area) / (face.width * face.height)))
            for face, share in self.faces
        ]


class ProposalScenes:
    """Draws scenes with what the network must answer in them.

    Parameters
    ----------
    pictures : sequence of Scene
        Pictures with all their faces; at least one with exactly one face.
    backgrounds : sequence of ndarray of shape (H, W, 3), uint8
        Pictures without faces, at least 96 pixels on each side; at least one.
    rng : Generator
        Decides everything.
    """

    def __init__(
        self,
        pictures: Sequence[Scene],
        backgrounds: Sequence[UInt8Array],
        rng: np.random.Generator,
    ) -> None:
        self._pictures = [scene for scene in pictures if scene.faces]
        self._heads = [
            Head(scene.image, scene.faces[0])
            for scene in self._pictures
            if len(scene.faces) == 1
        ]
        self._backgrounds = [
            octave for image in backgrounds for octave in _octaves(image)
        ]
        self._rng = rng

    def draw(self, count: int) -> tuple[UInt8Array, list[SeenFaces]]:
        """Draw scenes.

        Parameters
        ----------
        count : int
            How many.

        Returns
        -------
        pixels : ndarray of shape (count, 96, 96, 3), uint8
            RGB scenes.
        faces : list of list of (FaceBox, float)
            The faces of each, and which share of each face is seen.
        """
        pixels = np.empty((count, SCENE_PX, SCENE_PX, 3), np.uint8)
        faces = []
        for index in range(count):
            canvas = self._canvas()
            pixels[index] = self._spoiled(canvas.picture)
            faces.append(canvas.faces)
        return pixels, faces

    def _canvas(self) -> _Canvas:
        rng = self._rng
        canvas = _Canvas(self._background())
        if rng.random() < 0.12:
            return canvas
        is_planted = rng.random() < 0.4
        for _ in range(int(rng.integers(2, 10))):
            if is_planted:
                self._plant(canvas)
            else:
                self._lay(canvas)
        return canvas

    def _background(self) -> Image.Image:
        """A window of a background at a scale between its own and all of it."""
        rng = self._rng
        if rng.random() < 0.08:
            colour = tuple(rng.integers(0, 256, 3).tolist())
            return Image.new("RGB", (SCENE_PX, SCENE_PX), colour)
        picture = self._backgrounds[int(rng.integers(len(self._backgrounds)))]
        side = min(SCENE_PX * 2 ** rng.uniform(0, 1), *picture.size)
        left, top = (rng.uniform(0, length - side) for length in picture.size)
        return picture.resize(
            (SCENE_PX, SCENE_PX),
            self._resampling(),
            box=(left, top, left + side, top + side),
        )

    def _lay(self, canvas: _Canvas) -> None:
        """Lay a window of a picture anywhere, its faces perhaps cut."""
        rng = self._rng
        scene = self._pictures[int(rng.integers(len(self._pictures)))]
        scale = self._side() / scene.faces[0].width
        height, width = scene.image.shape[:2]
        full = max(4, round(width * scale)), max(4, round(height * scale))
        size = tuple(max(4, round(side * rng.uniform(0.4, 1))) for side in full)
        x, y = (int(rng.integers(-n // 3, SCENE_PX - n // 2)) for n in size)
        cut = tuple(
            int(rng.integers(a - b + 1)) for a, b in zip(full, size, strict=True)
        )
        window = FaceBox(x, y, size[0], size[1])
        canvas.cover(window)
        box = (cut[0] / scale, cut[1] / scale)
        edges = (
            *box,
            min(width, box[0] + size[0] / scale),
            min(height, box[1] + size[1] / scale),
        )
        source = Image.fromarray(scene.image)
        canvas.picture.paste(
            source.resize((size[0], size[1]), self._resampling(), box=edges), (x, y)
        )
        for face in scene.faces:
            left = x + face.left * scale - cut[0]
            top = y + face.top * scale - cut[1]
            placed = FaceBox(left, top, face.width * scale, face.height * scale)
            self._add(canvas, placed, window)

    def _plant(self, canvas: _Canvas) -> None:
        """Lay an oval of a head anywhere."""
        rng = self._rng
        head = self._heads[int(rng.integers(len(self._heads)))]
        region = head_region(head)
        scale = self._side() / head.box.width
        size = tuple(max(4, round((region[i + 2] - region[i]) * scale)) for i in (0, 1))
        x, y = (int(rng.integers(-n // 3, SCENE_PX - n // 2)) for n in size)
        area = FaceBox(x, y, size[0], size[1])
        canvas.cover(area)
        paste_head(canvas.picture, head, (x, y), (size[0], size[1]))
        left = x + (head.box.left - region[0]) * scale
        top = y + (head.box.top - region[1]) * scale
        placed = FaceBox(left, top, head.box.width * scale, head.box.height * scale)
        self._add(canvas, placed, area)

    def _add(self, canvas: _Canvas, face: FaceBox, window: FaceBox) -> None:
        left, top = max(window.left, 0.0), max(window.top, 0.0)
        right = min(window.left + window.width, SCENE_PX)
        bottom = min(window.top + window.height, SCENE_PX)
        seen = FaceBox(left, top, right - left, bottom - top)
        canvas.faces.append((face, overlap(face, seen) / (face.width * face.height)))

    def _side(self) -> float:
        low, high = map(math.log, _SIDES)
        return math.exp(self._rng.uniform(low, high))

    def _resampling(self) -> Image.Resampling:
        kinds = (
            Image.Resampling.BOX,
            Image.Resampling.BILINEAR,
            Image.Resampling.NEAREST,
        )
        return kinds[int(self._rng.choice(3, p=(0.45, 0.4, 0.15)))]

    def _spoiled(self, picture: Image.Image) -> UInt8Array:
        """The scene in another light, another sharpness, and perhaps in grey."""
        rng = self._rng
        if rng.random() < 0.3:
            picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.0)))
        picture = ImageEnhance.Color(picture).enhance(rng.uniform(0.4, 1.4))
        if rng.random() < 0.2:
            picture = picture.convert("L").convert("RGB")
        pixels = np.asarray(picture, np.float32) / 255
        pixels = pixels ** rng.uniform(0.7, 1.4)
        contrast, light = rng.uniform(0.6, 1.2), rng.uniform(0.3, 0.7)
        pixels = (pixels - 0.5) * contrast + light
        if rng.random() < 0.5:
            pixels *= rng.uniform(0.85, 1.15, 3)
        pixels *= 255
        pixels += rng.standard_normal(pixels.shape) * rng.uniform(0, 8)
        spoiled = np.clip(pixels, 0, 255).astype(np.uint8)
        if rng.random() < 0.25:
            file = io.BytesIO()
            quality = int(rng.integers(40, 96))
            Image.fromarray(spoiled).save(file, "JPEG", quality=quality)
            spoiled = np.array(Image.open(file))
        return spoiled


def _octaves(image: UInt8Array) -> list[Image.Image]:
    """A background, half of it and so on, as long as a scene fits in."""
    octaves = [Image.fromarray(image)]
    while min(octaves[-1].size) >= 2 * SCENE_PX:
        octaves.append(octaves[-1].reduce(2))
    return octaves


def targets_of(faces: Sequence[tuple[FaceBox, float]]) -> Float32Array:
    """Say what the network must answer.

    Parameters
    ----------
    faces : sequence of (FaceBox, float)
        Faces of a scene, and which share of each is seen.

    Returns
    -------
    ndarray of shape (24, 24, 3), float32
        Of each cell: 1 if a face is centred there, 1 if that counts, and the
        logarithm to base 2 of the face's side over the middle one.
    """
    targets = np.zeros((_CELLS, _CELLS, 3), np.float32)
    targets[..., 1] = 1
    centres = (np.arange(_CELLS) + 0.5) * STRIDE
    marks: list[tuple[Any, float]] = []
    for face, share in faces:
        side = (face.width + face.height) / 2
        is_maybe = _MAYBE_PX[0] <= side <= _MAYBE_PX[1] and share >= _VISIBLE[1]
        if not is_maybe:
            continue
        x, y = face.centre
        away = np.maximum(
            np.abs(centres - x)[np.newaxis, :], np.abs(centres - y)[:, np.newaxis]
        )
        targets[..., 1][away <= max(_NEAR[1] * side, STRIDE)] = 0
        if _FACE_PX[0] <= side <= _FACE_PX[1] and share >= _VISIBLE[0]:
            is_near = away <= max(_NEAR[0] * side, STRIDE / 2)
            marks.append((is_near, math.log2(side / MIDDLE_PX)))
    for is_near, log_side in marks:
        targets[is_near] = (1, 1, log_side)
    return targets
