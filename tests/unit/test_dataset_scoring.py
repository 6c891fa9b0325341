from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector import dataset_scoring
from deepfake_detector.artifact import ModelCard
from deepfake_detector.dataset_scoring import score_dataset
from deepfake_detector.detector import Detector
from deepfake_detector.exceptions import DatasetError, DatasetLayoutError
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.face_detectors.whole_picture import WholePicture


class Brightness:
    """Takes bright pictures for fakes."""

    input_shape = (16, 16, 3)

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        return {"logit": (batch.mean(axis=(1, 2, 3)) / 32 - 4).astype(np.float32)}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_scoring, "CACHE_DIR", tmp_path / "cache")


@pytest.fixture
def detector() -> Detector:
    card = ModelCard("brightness", "compact", (16, 16, 3), CROP_RULES["whole"])
    return Detector(Brightness(), WholePicture(), card)


def write_class(folder: Path, level: int, count: int, side: int = 80) -> None:
    folder.mkdir(parents=True)
    for index in range(count):
        flat = np.full((side, side, 3), level + index, dtype=np.uint8)
        Image.fromarray(flat).save(folder / f"{index}.png")


def write_split(folder: Path, count: int = 10) -> Path:
    write_class(folder / "Real", 40, count)
    write_class(folder / "FAKE", 200, count)
    return folder


@pytest.mark.parametrize("by_picture", [False, True])
def test_bright_fakes_are_told_from_dark_reals(
    detector: Detector, tmp_path: Path, by_picture: bool
) -> None:
    folder = write_split(tmp_path / "pictures")
    report = score_dataset(detector, folder, by_picture=by_picture)
    assert (report["auc"], report["accuracy"]) == (1.0, 1.0)
    assert (report["real"], report["fake"], report["unreadable"]) == (10, 10, 0)
    assert (report["data"], report["split"]) == ("pictures", "all")


def test_baseline_stands_beside_the_score(detector: Detector, tmp_path: Path) -> None:
    report = score_dataset(detector, write_split(tmp_path / "pictures"))
    # Brightness is just what a thumbnail sees.
    assert report["thumbnail_baseline_auc"] == 1.0


def test_zip_with_splits_is_scored_on_test_unless_told(
    detector: Detector, tmp_path: Path
) -> None:
    for split, count in (("Train", 4), ("Validation", 3), ("Test", 2)):
        write_split(tmp_path / "set" / split, count)
    with ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in sorted((tmp_path / "set").rglob("*.png")):
            archive.write(path, path.relative_to(tmp_path / "set"))
    assert score_dataset(detector, tmp_path / "set.zip")["pictures"] == 4
    assert score_dataset(detector, tmp_path / "set.zip", "val")["pictures"] == 6


def test_pictures_without_a_judgeable_face_are_counted(
    detector: Detector, tmp_path: Path
) -> None:
    folder = write_split(tmp_path / "pictures")
    flat = np.zeros((20, 20, 3), dtype=np.uint8)
    Image.fromarray(flat).save(folder / "Real" / "small.png")
    report = score_dataset(detector, folder, by_picture=True)
    assert (report["pictures"], report["not_judged"]) == (20, 1)


def test_nothing_to_judge_is_said(detector: Detector, tmp_path: Path) -> None:
    write_class(tmp_path / "pictures" / "real", 10, 2, side=20)
    write_class(tmp_path / "pictures" / "fake", 90, 2, side=20)
    with pytest.raises(DatasetError, match="0 of 4 pictures could be judged"):
        score_dataset(detector, tmp_path / "pictures", by_picture=True)


@pytest.mark.parametrize(
    ("split", "told"),
    [("dev", "choose from"), ("test", "too few pictures for a test split")],
)
def test_a_split_that_cannot_be_had_is_named(
    detector: Detector, tmp_path: Path, split: str, told: str
) -> None:
    folder = write_split(tmp_path / "pictures", count=4)
    with pytest.raises(DatasetLayoutError, match=told):
        score_dataset(detector, folder, split)
