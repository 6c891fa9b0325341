"""Sets whose fakes are bright, and a stand-in for a network that sees just that."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.artifact import ModelCard
from deepfake_detector.detector import Detector
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.face_detectors import FACE_DETECTORS

SIZE = (16, 16)


class Brightness:
    """Takes bright pictures for fakes."""

    input_shape = (*SIZE, 3)

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        return {"logit": (batch.mean(axis=(1, 2, 3)) / 32 - 4).astype(np.float32)}


class Silent(Brightness):
    """Answers with what is no number, as a network with damaged weights does."""

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        return {"logit": np.full(len(batch), np.nan, dtype=np.float32)}


def bright_detector(backend: Brightness | None = None, rule: str = "whole") -> Detector:
    """A detector of brightness, of the whole picture unless told otherwise."""
    crop = CROP_RULES[rule]
    card = ModelCard("brightness", "compact", (*SIZE, 3), crop)
    return Detector(backend or Brightness(), FACE_DETECTORS.get(crop.detector)(), card)


def write_class(folder: Path, level: int, count: int, side: int = 80) -> None:
    """Write flat pictures, each a level brighter than the one before."""
    folder.mkdir(parents=True)
    for index in range(count):
        flat = np.full((side, side, 3), level + index, dtype=np.uint8)
        Image.fromarray(flat).save(folder / f"{index}.png")


def write_bright_set(folder: Path, count: int = 10, side: int = 80) -> Path:
    """Write as many dark reals as bright fakes."""
    write_class(folder / "Real", 40, count, side)
    write_class(folder / "FAKE", 200, count, side)
    return folder
