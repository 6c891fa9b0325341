"""The research archives, where they lie beside the repository."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from deepfake_detector import dataset_scoring
from deepfake_detector.artifact import Artifact
from deepfake_detector.config import ServeConfig
from deepfake_detector.dataset_handler import DatasetHandler, DatasetSource
from deepfake_detector.dataset_layout import SPLITS
from deepfake_detector.dataset_scoring import score_dataset
from deepfake_detector.datasets import DATASETS
from deepfake_detector.detector import Detector
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.inspection import inspect_dataset
from deepfake_detector.split_guard import SplitGuard

ARCHIVES = {
    "openforensics": "openforensics.zip",
    "dfdc_faces": "dfdc.zip",
    "real_vs_fake_140k": "real_vs_fake.zip",
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_layout_is_read_with_both_classes_in_every_split(
    shared_data: Path, tmp_path: Path, name: str
) -> None:
    with ZipFile(shared_data / ARCHIVES[name]) as archive:
        for member in archive.namelist():
            path = tmp_path / "set" / member
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        count = len(archive.namelist())
    source = DatasetSource(tmp_path / "set", None, None, tmp_path / "cache")
    handler = DatasetHandler(DATASETS.get(name), source, CROP_RULES["whole"], (16, 16))
    splits = [handler.pictures(split) for split in SPLITS]
    assert sum(map(len, splits)) == count
    for pictures in splits:
        fakes = [p for p in pictures if p.label == 1]
        assert 2 * len(fakes) == len(pictures)
        assert all("/fake/" in f"/{p.name.lower()}" for p in fakes)


#: Copies that docs/data.md states: pictures with one that looks alike, and moved ones.
COPIES = {"openforensics": (0, 0), "dfdc_faces": (2532, 6), "real_vs_fake_140k": (2, 1)}


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHIVES)
def test_copies_are_those_that_the_documentation_states(
    shared_data: Path, tmp_path: Path, name: str
) -> None:
    source = DatasetSource(None, shared_data / ARCHIVES[name], None, tmp_path)
    handler = DatasetHandler(DATASETS.get(name), source, CROP_RULES["whole"], (16, 16))
    near, moved = COPIES[name]
    guard = SplitGuard([handler], tmp_path)
    facts = {"exact": 0, "near": near, "groups_parted": 0, "moved": moved}
    assert guard.facts_of(handler) == facts
    splits = guard.splits_of(handler)
    videos = [{p.group for p in splits[split]} - {None} for split in SPLITS]
    assert sum(map(len, videos)) == len(set.union(*videos))
    assert (name == "dfdc_faces") == bool(videos[0])


#: Figures that two runs agree on to three digits; those that count single pictures
#: may differ by one that lies at the threshold.
FIGURES = ("auc", "average_precision", "eer", "log_loss", "brier", "ece")


@pytest.mark.slow
@pytest.mark.parametrize("name", ARCHIVES)
def test_figures_of_the_card_are_reproduced(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(dataset_scoring, "CACHE_DIR", tmp_path)
    is_small = name == "real_vs_fake_140k"
    if not is_small:
        # The thumbnail baseline alone needs the thousands of training pictures.
        monkeypatch.setattr(dataset_scoring, "_MOST_TO_FIT", 0)
    config = ServeConfig()
    stated = Artifact.load(config.model_dir).card.metrics["test"][name]
    archive = shared_data / ARCHIVES[name]
    report = score_dataset(Detector.load(config), archive, "test")
    assert report["pictures"] == stated["pictures"]
    for figure in set(FIGURES) & set(stated):
        assert report[figure] == pytest.approx(stated[figure], abs=5e-4), figure
    accuracy = stated["accuracy"]
    assert report["accuracy"] == pytest.approx(accuracy, abs=1.5 / report["pictures"])
    for answer, share in stated.get("cut_offs", {}).items():
        if isinstance(share, dict):
            assert report["cut_offs"][answer]["count"] == pytest.approx(
                share["count"], abs=1
            ), answer
    if is_small:
        baseline = stated["thumbnail_baseline_auc"]
        assert report["thumbnail_baseline_auc"] == pytest.approx(baseline, abs=5e-4)


@pytest.mark.slow
def test_framing_of_openforensics_leaks_and_cropping_takes_from_it(
    shared_data: Path, tmp_path: Path
) -> None:
    archive = shared_data / ARCHIVES["openforensics"]
    folder = unpacked_part(archive, tmp_path / "part", every=5)
    source = DatasetSource(folder, None, None, tmp_path / "cache")
    handler = DatasetHandler(
        DATASETS.get("openforensics"), source, CROP_RULES["face"], (128, 128)
    )
    rows = inspect_dataset(handler).report["leak_report"]
    auc = {(row["name"], row["of"]): row["auc"] for row in rows}
    assert auc["face_width", "picture"] == pytest.approx(0.84, abs=0.04)
    assert auc["thumbnail", "picture"] == pytest.approx(0.84, abs=0.06)
    assert auc["thumbnail", "face crop"] < 0.72
    for name in ("bytes_per_pixel", "encoding", "jpeg_quality", "brightness"):
        assert auc[name, "picture"] < 0.6


def unpacked_part(archive: Path, folder: Path, every: int) -> Path:
    """One in so many pictures of each class of each split."""
    with ZipFile(archive) as zipped:
        by_class: dict[str, list[str]] = {}
        for name in sorted(zipped.namelist()):
            by_class.setdefault(name.rpartition("/")[0], []).append(name)
        for names in by_class.values():
            zipped.extractall(folder, names[::every])
    return folder
