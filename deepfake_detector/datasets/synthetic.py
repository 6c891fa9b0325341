"""Draws its own labelled face-like pictures in seconds: for trying, tests and benches.

Every face stands twice in its split, under one number: once as drawn, and once forged.
In the forged picture a part of the face is a copy that was made small and large again,
so that it consists of blocks, and carries noise of that coarse grain; its outline is
blended. The camera's noise lies over all of both pictures. Picture size, file size,
brightness, colours, sharpness and a small thumbnail of the whole picture therefore tell
next to nothing of the label, and a network has to learn the patch. In a face crop the
patch fills more of the thumbnail, which does tell it: `inspect synthetic` says how far.
"""

import json
import math
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, replace
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from deepfake_detector.datasets import BOXES_FILE, DatasetSpec
from deepfake_detector.datasets.face_drawing import (
    FloatArray,
    Portrait,
    draw_portrait,
    quantised,
)
from deepfake_detector.labels import CLASS_NAMES, FAKE, REAL

#: Faces in each split; each gives one real and one fake picture.
FACES: Final = {"Train": 2000, "Validation": 200, "Test": 200}

#: Height and width lie in this range, pixels: near the 128 that networks look at, so
#: that the blocks survive being scaled down to it.
_SIDES: Final = (136, 160)

#: Mean of the face that the camera's exposure aims at, grey levels, and how far it goes
#: there: 0 leaves dark faces dark and light ones light, 1 makes all equally bright.
_EXPOSURE: Final = 125.0
_METERING: Final = 0.8

#: Standard deviation of the camera's noise, grey levels.
_CAMERA_NOISE: Final = (2.0, 5.0)

#: Side of the patch's blocks, pixels.
_BLOCKS: Final = (4, 6)

#: Standard deviation from block to block, grey levels. The blocks hide the details of
#: the face, which softens the picture; their edges make up for that at this strength.
_BLOCK_NOISE: Final = 32.0

#: Half axes of the patch, and how far from its edge it is whole, face units.
_PATCH: Final = (0.6, 0.8)
_BLEND: Final = 0.18


def generate(
    directory: Path, seed: int, faces: Mapping[str, int] | None = None
) -> None:
    """Draw the data set.

    Parameters
    ----------
    directory : Path
        Empty folder; receives ``<Split>/<Class>/<picture>.png`` and ``boxes.json``.
    seed : int
        Which data set: the same seed gives the same pictures.
    faces : mapping of str to int, optional
        How many faces each split has, `FACES` where not given; fewer are the first
        of them.
    """
    wanted = FACES if faces is None else faces
    for split in wanted:
        for class_name in CLASS_NAMES:
            (directory / split / class_name).mkdir(parents=True, exist_ok=True)

    def draw(split: str, number: int) -> dict[str, list[float]]:
        # A seed for each face: the pictures do not depend on the order of the threads.
        rng = np.random.default_rng((seed, *split.encode(), number))
        return _write_pair(directory / split, f"{number:05}.png", rng)

    boxes: dict[str, list[float]] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for split, count in wanted.items():
            for pair in pool.map(draw, [split] * count, range(count)):
                boxes |= {f"{split}/{picture}": box for picture, box in pair.items()}
    text = json.dumps(boxes, indent=0)
    (directory / BOXES_FILE).write_text(text + "\n", encoding="utf-8")


def _write_pair(
    directory: Path, name: str, rng: np.random.Generator
) -> dict[str, list[float]]:
    """Write one face, real and forged; return the box by picture."""
    height, width = (int(side) for side in rng.integers(*_SIDES, 2, endpoint=True))
    portrait = draw_portrait(rng, height, width)
    noise = math.exp(rng.uniform(*np.log(_CAMERA_NOISE)))
    portrait = replace(portrait, planes=portrait.planes * _gain(portrait))
    pair = {REAL: portrait.planes, FAKE: _forged(portrait, rng)}
    box = [round(length, 1) for length in astuple(portrait.box)]
    boxes = {}
    for label, planes in pair.items():
        picture = f"{CLASS_NAMES[label]}/{name}"
        pixels = quantised(planes + _camera_noise(planes.shape, noise, rng))
        Image.fromarray(pixels).save(directory / picture, compress_level=1)
        boxes[picture] = box
    return boxes


def _gain(portrait: Portrait) -> float:
    """How much longer a camera that meters the face would expose."""
    face = portrait.planes[:, np.hypot(portrait.x, portrait.y - 0.3) < 0.6]
    return float((_EXPOSURE / face.mean()) ** _METERING)


def _camera_noise(
    shape: tuple[int, ...], strength: float, rng: np.random.Generator
) -> FloatArray:
    """Noise that is alike in neighbouring pixels, as a colour filter makes it."""
    planes, height, width = shape
    noise = rng.standard_normal((planes, height + 1, width + 1), dtype=np.float32)
    noise = noise[:, 1:] + noise[:, :-1]
    return (noise[:, :, 1:] + noise[:, :, :-1]) * (strength / 2)


def _forged(portrait: Portrait, rng: np.random.Generator) -> FloatArray:
    """Blend a blocky, mottled copy of the face into a part of it."""
    share = _patch(portrait, rng)  # (H, W) in [0, 1]
    block = int(rng.integers(*_BLOCKS, endpoint=True))
    height, width = share.shape
    rest = ((0, 0), (0, -height % block), (0, -width % block))
    whole = np.pad(portrait.planes, rest, mode="edge")
    small = whole.reshape(3, whole.shape[1] // block, block, -1, block).mean((2, 4))
    small += rng.standard_normal(small.shape, dtype=np.float32) * _BLOCK_NOISE
    copy = small.repeat(block, axis=1).repeat(block, axis=2)[:, :height, :width]
    forged: FloatArray = portrait.planes + share * (copy - portrait.planes)
    return forged


def _patch(portrait: Portrait, rng: np.random.Generator) -> FloatArray:
    """How much of each pixel is forged: an ellipse or a polygon, soft at the edge."""
    x = portrait.x - rng.uniform(-0.12, 0.12)
    y = portrait.y - rng.uniform(0.05, 0.4)
    turn = rng.uniform(0, 2 * math.pi)
    corners = int(rng.choice([0, 5, 6, 7]))
    if corners:
        angles = turn + 2 * math.pi / corners * np.arange(corners)
        reach = rng.uniform(*_PATCH, corners)
        sides = [
            (math.cos(angle) * x + math.sin(angle) * y) / length
            for angle, length in zip(angles, reach, strict=True)
        ]
        radius = np.maximum.reduce(sides)
    else:
        across = math.cos(turn) * x + math.sin(turn) * y
        down = math.cos(turn) * y - math.sin(turn) * x
        radius = np.hypot(across / rng.uniform(*_PATCH), down / rng.uniform(*_PATCH))
    share: FloatArray = np.clip((1 - radius) / _BLEND, 0, 1)
    return share


SPEC: Final = DatasetSpec(
    name="synthetic",
    fake_kind="splice",
    homepage="docs/data.md",
    licence="Apache-2.0, as this program: it is drawn, so it shows nobody",
    citation="drawn by this program",
    url=None,
    generate=generate,
)
