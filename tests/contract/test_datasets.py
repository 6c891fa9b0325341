"""Every entry of the table of datasets says what a user must know before using it."""

import dataclasses
from itertools import combinations
from pathlib import Path

import pytest
from PIL import Image

from deepfake_detector.config import REPOSITORY
from deepfake_detector.dataset_handler import DatasetHandler, DatasetSource
from deepfake_detector.datasets import DATASETS, SPLIT_FOLDERS, DatasetSpec
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.labels import FAKE, REAL
from deepfake_detector.split_guard import SplitGuard
from tests.drawn_sets import draw_picture

#: Sets that nobody may or can download: a file or folder must be given.
MUST_BE_GIVEN = {"dfdc_faces", "folder", "merged"}


@pytest.fixture(params=list(DATASETS))
def spec(request: pytest.FixtureRequest) -> DatasetSpec:
    found: DatasetSpec = DATASETS.get(request.param)
    assert found.name == request.param
    return found


@pytest.mark.parametrize("fact", ["fake_kind", "homepage", "licence", "citation"])
def test_spec_states(spec: DatasetSpec, fact: str) -> None:
    assert getattr(spec, fact).strip()


def test_spec_can_be_had_in_one_way(spec: DatasetSpec) -> None:
    ways = [
        spec.url is not None,
        spec.generate is not None,
        spec.name in MUST_BE_GIVEN,
    ]
    assert ways.count(True) == 1


def test_addresses_are_encrypted_or_our_own_pages(spec: DatasetSpec) -> None:
    if spec.url is not None:
        assert spec.url.startswith("https://")
    if not spec.homepage.startswith("https://"):
        assert (REPOSITORY / spec.homepage).is_file()


def test_class_folders_are_stated_and_differ(spec: DatasetSpec) -> None:
    assert "real" in spec.real_folder.lower()
    assert "fake" in spec.fake_folder.lower()


def test_module_says_in_one_line_what_it_is(spec: DatasetSpec) -> None:
    summary = DATASETS.summary(spec.name)
    assert summary.endswith(".")
    assert 20 < len(summary) <= 88


def test_spec_cannot_be_changed(spec: DatasetSpec) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.real_folder = "fake"  # type: ignore[misc]


def test_no_folder_name_stands_for_two_splits() -> None:
    names = [name for folders in SPLIT_FOLDERS.values() for name in folders]
    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)


def six_pictures(spec: DatasetSpec, root: Path) -> DatasetHandler:
    """A copy of the set with three pictures of each class, as it is laid out."""
    splits = ["train", "val", "test"] if spec.has_splits else ["", "", ""]
    if spec.is_merged:
        splits = ["one", "two", "two"]
    for number, split in enumerate(splits):
        for label, folder in ((REAL, spec.real_folder), (FAKE, spec.fake_folder)):
            path = root / split / folder / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draw_picture(label, number)).save(path)
    source = DatasetSource(root, None, None, root.parent / "cache")
    return DatasetHandler(spec, source, CROP_RULES["whole"], (16, 16))


def test_six_image_copy_loads(spec: DatasetSpec, tmp_path: Path) -> None:
    handler = six_pictures(spec, tmp_path / "copy")
    splits = ["train", "val", "test"] if spec.has_splits else ["all"]
    crop_sets = [handler.get_image_dataset_from_directory(split) for split in splits]
    assert sum(map(len, crop_sets)) == 6
    for crop_set in crop_sets:
        folders = [Path(name).parent.name for name in crop_set.names]
        wanted = [(spec.real_folder, spec.fake_folder)[y] for y in crop_set.y_true]
        assert folders == wanted
        assert {*crop_set.y_true} == {REAL, FAKE}


def test_no_file_is_in_two_splits(spec: DatasetSpec, tmp_path: Path) -> None:
    handler = six_pictures(spec, tmp_path / "copy")
    splits = SplitGuard([handler], tmp_path / "cache").splits_of(handler)
    names = [{p.name for p in splits[split]} for split in SPLIT_FOLDERS]
    assert sum(map(len, names)) == 6
    assert not any(one & other for one, other in combinations(names, 2))


def test_groups_are_named_by_text_or_not_at_all(spec: DatasetSpec) -> None:
    if spec.group_of is not None:
        assert spec.group_of("Train/Real/source__video.jpg") == "source"
        assert spec.group_of("Train/Real/alone.jpg") is None
