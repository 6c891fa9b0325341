"""Labels and scores of sets, by either way of scoring, and what cannot be scored."""

import dataclasses
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from deepfake_detector import dataset_scoring
from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.dataset_scoring import score_dataset, score_set
from deepfake_detector.detector import Detector
from deepfake_detector.exceptions import (
    ArtifactError,
    DatasetError,
    DatasetLayoutError,
)
from tests.bright_sets import (
    Silent,
    bright_detector,
    write_bright_set,
    write_class,
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_scoring, "CACHE_DIR", tmp_path / "cache")


@pytest.fixture
def detector() -> Detector:
    return bright_detector()


@pytest.mark.parametrize("by_picture", [False, True])
def test_bright_fakes_are_told_from_dark_reals(
    detector: Detector, tmp_path: Path, by_picture: bool
) -> None:
    folder = write_bright_set(tmp_path / "pictures")
    report = score_dataset(detector, folder, by_picture=by_picture)
    assert (report["auc"], report["accuracy"]) == (1.0, 1.0)
    assert (report["real"], report["fake"], report["unreadable"]) == (10, 10, 0)
    assert (report["data"], report["split"]) == ("pictures", "all")


@pytest.mark.parametrize("by_picture", [False, True])
def test_baseline_stands_beside_the_score(
    detector: Detector, tmp_path: Path, by_picture: bool
) -> None:
    folder = write_bright_set(tmp_path / "pictures")
    report = score_dataset(detector, folder, by_picture=by_picture)
    assert report["thumbnail_baseline"]["auc"] == report["thumbnail_baseline_auc"]
    # Brightness is just what a thumbnail sees.
    assert report["thumbnail_baseline_auc"] == 1.0


def test_zip_with_splits_is_scored_on_test_unless_told(
    detector: Detector, tmp_path: Path
) -> None:
    for split, count in (("Train", 4), ("Validation", 3), ("Test", 2)):
        write_bright_set(tmp_path / "set" / split, count)
    with ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in sorted((tmp_path / "set").rglob("*.png")):
            archive.write(path, path.relative_to(tmp_path / "set"))
    assert score_dataset(detector, tmp_path / "set.zip")["pictures"] == 4
    assert score_dataset(detector, tmp_path / "set.zip", "val")["pictures"] == 6


def test_pictures_without_a_judgeable_face_are_counted(
    detector: Detector, tmp_path: Path
) -> None:
    folder = write_bright_set(tmp_path / "pictures")
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
    folder = write_bright_set(tmp_path / "pictures", count=4)
    with pytest.raises(DatasetLayoutError, match=told):
        score_dataset(detector, folder, split)


def test_both_ways_score_the_only_face_alike(
    detector: Detector, tmp_path: Path
) -> None:
    folder = write_bright_set(tmp_path / "pictures")
    centre, picture = (score_set(detector, folder, None, way) for way in (False, True))
    assert centre.pictures == picture.pictures
    np.testing.assert_array_equal(centre.y_true, picture.y_true)
    np.testing.assert_allclose(centre.p_fake, picture.p_fake)
    np.testing.assert_array_equal(centre.thumbnails, picture.thumbnails)


def test_set_too_small_for_a_baseline_has_none(
    detector: Detector, tmp_path: Path
) -> None:
    report = score_dataset(detector, write_bright_set(tmp_path / "pictures", 4))
    assert report["auc"] == 1.0
    assert report["thumbnail_baseline_auc"] is None
    assert report["thumbnail_baseline"] is None


def test_set_is_called_as_asked(detector: Detector, tmp_path: Path) -> None:
    folder = write_bright_set(tmp_path / "pictures")
    scored = score_set(detector, folder, name="mine")
    assert scored.report(detector.card, 0.5)["data"] == "mine"


def test_answers_are_counted_at_the_cards_cut_offs(tmp_path: Path) -> None:
    detector = bright_detector()
    folder = write_bright_set(tmp_path / "pictures")
    plain = score_dataset(detector, folder)
    scored = score_set(detector, folder)
    cut_offs = CutOffs(0.0, float(np.sort(scored.p_fake)[-3]))
    card = dataclasses.replace(detector.card, cut_offs=cut_offs)
    answers = scored.report(card, 0.5)["cut_offs"]
    assert answers["fakes_called_fake"]["count"] == 3
    assert answers["fakes_called_real"]["count"] == 0
    assert answers["inconclusive"]["count"] == 17
    # Neither the threshold nor the metrics at it depend on them.
    assert scored.report(card, 0.5)["confusion"] == plain["confusion"]


@pytest.mark.parametrize("by_picture", [False, True])
def test_unreadable_pictures_are_counted(
    detector: Detector, tmp_path: Path, by_picture: bool
) -> None:
    folder = write_bright_set(tmp_path / "pictures", 50)
    (folder / "Real" / "0.png").write_bytes(b"no picture")
    report = score_dataset(detector, folder, by_picture=by_picture)
    assert (report["pictures"], report["real"], report["unreadable"]) == (99, 49, 1)


@pytest.mark.parametrize("by_picture", [False, True])
def test_answers_that_are_no_numbers_are_refused(
    tmp_path: Path, by_picture: bool
) -> None:
    folder = write_bright_set(tmp_path / "pictures")
    with pytest.raises(ArtifactError, match="20 of 20 pictures is not a number"):
        score_set(bright_detector(Silent()), folder, by_picture=by_picture)


@pytest.mark.parametrize(
    ("by_picture", "told"),
    [(False, "no face was found in any of the 20"), (True, "0 of 20 pictures could")],
)
def test_set_without_a_face_is_refused(
    tmp_path: Path, by_picture: bool, told: str
) -> None:
    folder = write_bright_set(tmp_path / "pictures")
    with pytest.raises(DatasetError, match=told):
        score_set(bright_detector(rule="face"), folder, by_picture=by_picture)


def test_name_of_the_table_says_how_a_set_is_laid_out(
    detector: Detector, tmp_path: Path
) -> None:
    folder = tmp_path / "photoshop"
    write_class(folder / "training_real", 40, 10)
    write_class(folder / "training_fake", 200, 10)
    scored = score_set(detector, folder, name="real_and_fake_face")
    assert scored.handler.spec.name == scored.name == "real_and_fake_face"
    assert len(scored.pictures) == 20
    with pytest.raises(DatasetLayoutError):
        score_set(detector, folder, name="another name")


def test_name_of_the_table_may_stand_for_the_set(detector: Detector) -> None:
    with pytest.raises(DatasetError, match="'folder' has no download address"):
        score_set(detector, Path("folder"))


def write_splits(folder: Path, **counts: int) -> Path:
    for split, count in counts.items():
        write_bright_set(folder / split, count)
    return folder


@pytest.mark.parametrize(
    ("split", "fitted_on"), [("test", "train"), ("val", "train"), ("train", "folds")]
)
def test_baseline_is_fitted_on_the_training_split(
    detector: Detector, tmp_path: Path, split: str, fitted_on: str
) -> None:
    folder = write_splits(tmp_path / "set", train=8, val=3, test=3)
    report = score_dataset(detector, folder, split)
    assert report["thumbnail_baseline_fitted_on"] == fitted_on
    assert report["thumbnail_baseline_auc"] == 1.0


def test_training_split_too_large_to_crop_is_left_alone(
    detector: Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset_scoring, "_MOST_TO_FIT", 15)
    folder = write_splits(tmp_path / "set", train=8, val=3, test=6)
    report = score_dataset(detector, folder)
    assert report["thumbnail_baseline_fitted_on"] == "folds"


def test_damaged_training_split_does_not_stop_the_test(
    detector: Detector, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_splits(tmp_path / "set", train=8, val=3, test=6)
    (folder / "train" / "Real" / "0.png").write_bytes(b"no picture")
    report = score_dataset(detector, folder)
    assert report["thumbnail_baseline_fitted_on"] == "folds"
    assert "cannot be read" in caplog.text
