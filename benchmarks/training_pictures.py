"""The pictures that the training benchmark trains on; it draws them itself."""

from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from deepfake_detector.datasets import synthetic
from deepfake_detector.datasets.face_drawing import draw_face
from deepfake_detector.labels import CLASS_NAMES

#: The files: side in pixels, how many faces are drawn (each file has its own noise),
#: standard deviation of that noise in grey levels, and JPEG quality.
PICTURE_PX: Final = 256
_FACES: Final = 32
_NOISE: Final = 8.0
JPEG_QUALITY: Final = 90

#: Validation is not what is measured: as little of it as can be.
_HELD_OUT: Final = 2

SEED: Final = 0


def write_portraits(root: Path, images: int) -> None:
    """Write JPEG files; to the clock it does not matter what they show.

    Parameters
    ----------
    root : Path
        Folder to make; receives ``<Split>/<Class>/<picture>.jpg``.
    images : int
        Pictures in Train/, real and fake by turns.
    """
    rng = np.random.default_rng(SEED)
    faces = [draw_face(seed, PICTURE_PX) for seed in range(_FACES)]
    counts = {"Train": images, "Validation": _HELD_OUT, "Test": _HELD_OUT}
    for split, count in counts.items():
        for name in CLASS_NAMES:
            (root / split / name).mkdir(parents=True)
        for number in range(count):
            noise = rng.normal(0.0, _NOISE, faces[0].shape)
            noisy = np.clip(faces[number % _FACES] + noise, 0, 255).astype(np.uint8)
            class_name = CLASS_NAMES[number % len(CLASS_NAMES)]
            path = root / split / class_name / f"{number:05}.jpg"
            Image.fromarray(noisy).save(path, quality=JPEG_QUALITY)


def write_forgeries(root: Path, images: int, held_out: int) -> None:
    """Write a part of the `synthetic` set, on which something can be learned.

    Parameters
    ----------
    root : Path
        Folder to make.
    images, held_out : int
        Pictures in Train/ and in Validation/, half of them fake.
    """
    faces = {"Train": images // 2, "Validation": held_out // 2, "Test": 1}
    synthetic.generate(root, SEED, faces)
