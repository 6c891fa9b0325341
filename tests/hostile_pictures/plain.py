"""Harmless pictures that hostile ones are made of."""

import io
from typing import Any

import numpy as np
from PIL import Image

from deepfake_detector.datasets.face_drawing import draw_face


def saved(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def face(side: int = 160) -> Image.Image:
    """A drawn face: no person is in the corpus."""
    return Image.fromarray(draw_face(5, side))


def noise(width: int = 64, height: int = 48) -> Image.Image:
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def patched(data: bytes, at: int, content: bytes) -> bytes:
    """The same file with some bytes written over."""
    return data[:at] + content + data[at + len(content) :]
