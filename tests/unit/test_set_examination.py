"""The second look: the pictures that were scored, and their perturbed copies."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector import dataset_scoring, face_crops, images
from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.dataset_scoring import ScoredSet, score_set
from deepfake_detector.detector import Detector
from deepfake_detector.robustness import PERTURBATIONS
from deepfake_detector.set_examination import examine, stability_report
from deepfake_detector.stability import CHECKS
from tests.bright_sets import bright_detector, write_bright_set


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_scoring, "CACHE_DIR", tmp_path / "cache")


@pytest.fixture
def detector() -> Detector:
    return bright_detector()


@pytest.fixture
def scored(detector: Detector, tmp_path: Path) -> ScoredSet:
    return score_set(detector, write_bright_set(tmp_path / "pictures"))


def test_perturbed_copies_are_scored_in_the_sets_order(
    detector: Detector, scored: ScoredSet
) -> None:
    found = examine(detector, scored, perturb=True)
    assert list(found.perturbed) == list(found.perturbed_baseline) == [*PERTURBATIONS]
    for values in (*found.perturbed.values(), *found.perturbed_baseline.values()):
        assert values.shape == (20,)
    # Blur and scaling do nothing to a flat picture.
    for name in ("blur_2", "resize_0.25"):
        np.testing.assert_allclose(found.perturbed[name], scored.p_fake)
    assert (found.perturbed["brightness_0.7"] < scored.p_fake).all()
    assert (found.perturbed["brightness_1.3"] > scored.p_fake).all()


def test_chunks_mean_nothing(
    detector: Detector, scored: ScoredSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = examine(detector, scored, perturb=True)
    monkeypatch.setattr("deepfake_detector.set_examination._CHUNK", 3)
    parts = examine(detector, scored, perturb=True)
    assert parts.boxes == whole.boxes
    for name in PERTURBATIONS:
        np.testing.assert_allclose(parts.perturbed[name], whole.perturbed[name])


def test_nothing_is_perturbed_unless_asked(
    detector: Detector, scored: ScoredSet
) -> None:
    found = examine(detector, scored, perturb=False)
    assert (found.perturbed, found.perturbed_baseline) == ({}, {})
    assert found.robustness(scored, 0.5) is None


def test_set_without_a_baseline_has_a_robustness_table_without_one(
    detector: Detector, tmp_path: Path
) -> None:
    scored = score_set(detector, write_bright_set(tmp_path / "few", 2))
    report = examine(detector, scored, perturb=True).robustness(scored, 0.5)
    assert report is not None
    assert report["jpeg_30"]["thumbnail_baseline_auc"] is None
    assert report["clean"]["auc"] == 1.0


@pytest.fixture
def portraits(portrait: NDArray[np.uint8], tmp_path: Path) -> Path:
    """Faces of 87 pixels and twice that, and a picture without one."""
    for name, sharpest in (("real", True), ("fake", False)):
        folder = tmp_path / "portraits" / name / "studio"
        folder.mkdir(parents=True)
        picture = Image.fromarray(portrait).crop((100, 0, 356, 256))
        picture.save(folder / "small.png")
        picture.resize((512, 512)).save(folder / "large.png")
        if sharpest:
            Image.new("RGB", (200, 200), "grey").save(folder.parent / "none.png")
    return tmp_path / "portraits"


@pytest.mark.parametrize("by_picture", [False, True])
def test_boxes_are_those_of_the_scores(portraits: Path, by_picture: bool) -> None:
    detector = bright_detector(rule="face")
    scored = score_set(detector, portraits, by_picture=by_picture)
    found = examine(detector, scored, perturb=False)
    for picture, box, p_fake in zip(
        scored.pictures, found.boxes, scored.p_fake, strict=True
    ):
        image = images.decode(portraits / picture.name)
        crop = face_crops.crop(image, box, detector.card.crop, (16, 16))
        assert detector.score_crops(crop[None])[0] == pytest.approx(p_fake)


def test_facts_are_told_picture_by_picture_and_slice_by_slice(portraits: Path) -> None:
    detector = bright_detector(rule="face")
    scored = score_set(detector, portraits)
    found = examine(detector, scored, perturb=False)
    facts = {
        picture.name.split("/")[-1]: found.of_picture(i)
        for i, picture in enumerate(scored.pictures)
        if picture.label == 0
    }
    assert facts["none.png"] == (None, 0.0)
    assert facts["small.png"][0] == pytest.approx(87, abs=3)
    assert facts["large.png"][0] == pytest.approx(174, abs=6)
    report = found.slices(scored, 0.5)
    assert {name: part["pictures"] for name, part in report["face size"].items()} == {
        "64 to 127 px": 2,
        "128 to 191 px": 2,
        "no face found": 1,
    }
    assert list(report["source"]) == ["studio"]
    assert sum(part["pictures"] for part in report["sharpness"].values()) == 5


def test_merged_sets_are_reported_by_their_origin(
    detector: Detector, tmp_path: Path
) -> None:
    for origin in ("one", "two"):
        write_bright_set(tmp_path / "both" / origin, 10)
    scored = score_set(detector, tmp_path / "both", "train", name="merged")
    found = examine(detector, scored, perturb=False)
    sources = found.slices(scored, 0.5)["source"]
    assert {name: part["pictures"] > 5 for name, part in sources.items()} == {
        "one": True,
        "two": True,
    }


def test_views_are_those_by_which_serving_checks(portraits: Path) -> None:
    detector = bright_detector(rule="face")
    scored = score_set(detector, portraits, by_picture=True)
    found = examine(detector, scored, perturb=False)
    assert list(found.views) == [*CHECKS]
    for i, picture in enumerate(scored.pictures):
        faces = detector.analyse(portraits / picture.name).faces
        (views,) = [f.stability for f in faces if f.box == found.boxes[i]]
        assert views is not None
        for view in CHECKS:
            assert found.views[view][i] == pytest.approx(views.p_fake[view])


def test_overturned_answers_count_as_inconclusive() -> None:
    # Likely fake, fake but for one view, inconclusive, likely real, real but for both.
    p_fake = np.array([0.9, 0.9, 0.5, 0.1, 0.1])
    views = {
        "jpeg": np.array([0.8, 0.9, 0.9, 0.4, 0.9]),
        "half": np.array([0.9, 0.2, 0.1, 0.1, 0.6]),
    }
    y_true = np.array([0, 1, 1, 0, 1])
    report = stability_report(y_true, p_fake, views, CutOffs(0.3, 0.7))
    counts = {
        name: (part["count"], part["of"])
        for name, part in report.items()
        if isinstance(part, dict) and "count" in part
    }
    assert counts == {
        "overturned": (2, 4),
        "reals_called_fake": (1, 2),
        "reals_called_real": (1, 2),
        "fakes_called_fake": (0, 3),
        "fakes_called_real": (0, 3),
        "inconclusive": (3, 5),
    }
    by_view = {view: part["count"] for view, part in report["overturned_by"].items()}
    assert by_view == {"jpeg": 1, "half": 2}
