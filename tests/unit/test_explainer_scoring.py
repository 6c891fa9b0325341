"""Methods are told apart on a set whose evidence is known."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector import explainer_scoring
from deepfake_detector.artifact import ModelCard
from deepfake_detector.detector import Detector
from deepfake_detector.exceptions import (
    DatasetError,
    DatasetLayoutError,
    ExplanationError,
)
from deepfake_detector.explainer_scoring import score_explainers
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.face_detectors.whole_picture import WholePicture
from tests.drawn_sets import write_drawn_set

CARD = ModelCard("stand-in", "test", (24, 24, 3), CROP_RULES["whole"])


class RoughCorner:
    """Scores the roughness of the upper left quarter; its map points elsewhere."""

    input_shape = CARD.input_shape

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        corner = batch[:, :12, :12].astype(np.float32)
        logit = np.abs(np.diff(corner, axis=2)).mean(axis=(1, 2, 3))
        cam = np.zeros((len(batch), 2, 2), dtype=np.float32)
        cam[:, 1, 1] = 4 * logit
        return {"logit": logit, "cam": cam}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explainer_scoring, "CACHE_DIR", tmp_path / "cache")


@pytest.fixture
def drawn_set(tmp_path: Path) -> Path:
    return write_drawn_set(tmp_path / "set")


def detector(backend: Any = None) -> Detector:
    return Detector(backend or RoughCorner(), WholePicture(), CARD)


@pytest.mark.parametrize("blank", ["mean", "blur"])
def test_true_method_passes_and_wrong_one_fails(drawn_set: Path, blank: str) -> None:
    true, wrong = score_explainers(
        detector(), drawn_set, ["occlusion", "cam"], blank=blank
    )
    assert (true["method"], true["passed"]) == ("occlusion", True)
    assert (wrong["method"], wrong["passed"]) == ("cam", False)
    assert true["drop_important"] > true["drop_random"]
    for row in (true, wrong):
        assert (row["split"], row["crops"], row["blank"]) == ("test", 8, blank)
        assert (row["model"], row["data"]) == ("stand-in", "set")


@pytest.mark.parametrize(
    ("pictures", "split", "crops"), [(6, "train", 6), (7, "val", 6), (60, "train", 16)]
)
def test_as_many_of_each_class_as_there_are(
    drawn_set: Path, pictures: int, split: str, crops: int
) -> None:
    (row,) = score_explainers(detector(), drawn_set, ["cam"], pictures, split)
    assert row["crops"] == crops


def test_same_twice(drawn_set: Path) -> None:
    first, second = (score_explainers(detector(), drawn_set, ["cam"]) for _ in range(2))
    assert first == second


def test_method_that_cannot_explain_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ExplanationError, match="--backend keras"):
        score_explainers(detector(), tmp_path / "nowhere", ["grad_cam"])


def test_folder_without_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetLayoutError):
        score_explainers(detector(), tmp_path, ["cam"])


def test_set_without_faces_is_refused(drawn_set: Path) -> None:
    card = ModelCard("stand-in", "test", (24, 24, 3), CROP_RULES["face"])
    faces = Detector(RoughCorner(), WholePicture(), card)
    with pytest.raises(DatasetError, match="with a face to explain"):
        score_explainers(faces, drawn_set, ["cam"])
