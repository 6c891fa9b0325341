"""Which file is which picture of which split and class: layouts, one table each."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from deepfake_detector.crop_cache import LabelledPicture
from deepfake_detector.dataset_layout import SPLITS, find_root, is_split, list_pictures
from deepfake_detector.datasets import DATASETS, DatasetSpec
from deepfake_detector.exceptions import DatasetLayoutError
from deepfake_detector.labels import FAKE, REAL

#: One set that comes split, and one that does not.
SPLIT_SPEC: DatasetSpec = DATASETS.get("openforensics")
FOLDER_SPEC: DatasetSpec = DATASETS.get("folder")

#: Folder above the splits, names of the splits, names of the classes.
LAYOUTS = {
    "openforensics": ("Dataset", ("Train", "Validation", "Test"), ("Real", "Fake")),
    "real_vs_fake_140k": (
        "real_vs_fake/real-vs-fake",
        ("train", "valid", "test"),
        ("real", "fake"),
    ),
    "dfdc_faces": ("Dataset", ("Train", "Validation", "Test"), ("Real", "Fake")),
    "folder": (".", ("train", "val", "test"), ("real", "fake")),
    "synthetic": (".", ("TRAINING", "VAL", "Testing"), ("REAL", "fAKE")),
}


def plant(root: Path, names: Iterable[str]) -> Path:
    """Make empty files; the layout never opens one."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def plant_split_set(
    root: Path, splits: Iterable[str] = ("train", "val", "test")
) -> Path:
    return plant(
        root,
        (f"{s}/{c}/{n}.jpg" for s in splits for c in ("Real", "Fake") for n in "ab"),
    )


def everything(root: Path, spec: DatasetSpec = FOLDER_SPEC) -> list[LabelledPicture]:
    """Every picture of a folder without splits."""
    return list_pictures(find_root(root, spec), spec, seed=0)["all"]


def numbered(count: int, real: str = "Real", fake: str = "Fake") -> list[str]:
    return [f"{folder}/{i:03}.png" for folder in (real, fake) for i in range(count)]


def test_every_dataset_of_the_table_has_a_layout_here() -> None:
    assert set(LAYOUTS) == set(DATASETS)


@pytest.mark.parametrize("name", LAYOUTS)
def test_pictures_are_found_with_their_labels(name: str, tmp_path: Path) -> None:
    above, splits, (real, fake) = LAYOUTS[name]
    planted = [f"{s}/{c}/{n}.jpg" for s in splits for c in (real, fake) for n in "ba"]
    root = find_root(
        plant(tmp_path, (f"{above}/{p}" for p in planted)), DATASETS.get(name)
    )
    listed = list_pictures(root, DATASETS.get(name), seed=0)
    assert root == tmp_path / above
    for split, folder in zip(("train", "val", "test"), splits, strict=True):
        assert listed[split] == [
            LabelledPicture(f"{folder}/{real}/a.jpg", REAL),
            LabelledPicture(f"{folder}/{real}/b.jpg", REAL),
            LabelledPicture(f"{folder}/{fake}/a.jpg", FAKE),
            LabelledPicture(f"{folder}/{fake}/b.jpg", FAKE),
        ]


@pytest.mark.parametrize(
    ("real", "fake"), [("Real", "Fake"), ("zebra", "Apple"), ("apple", "Zebra")]
)
def test_spec_says_which_folder_is_fake_and_no_order_does(
    real: str, fake: str, tmp_path: Path
) -> None:
    spec = replace(FOLDER_SPEC, real_folder=real, fake_folder=fake)
    plant(tmp_path, [f"{real.lower()}/a.jpg", f"{fake.upper()}/a.jpg"])
    listed = everything(tmp_path, spec)
    assert listed == [
        LabelledPicture(f"{real.lower()}/a.jpg", REAL),
        LabelledPicture(f"{fake.upper()}/a.jpg", FAKE),
    ]


def test_folders_of_other_names_are_no_class(tmp_path: Path) -> None:
    plant(tmp_path, ["Real/a.jpg", "Fake/a.jpg", "Unsure/a.jpg", "a.jpg"])
    assert len(everything(tmp_path)) == 2


def test_pictures_in_subfolders_of_a_class_count(tmp_path: Path) -> None:
    plant(tmp_path, ["Real/one/a.jpg", "Real/two/a.jpg", "Fake/a.jpg"])
    listed = [picture.name for picture in everything(tmp_path)]
    assert listed == ["Real/one/a.jpg", "Real/two/a.jpg", "Fake/a.jpg"]


@pytest.mark.parametrize("unseen", [".a.jpg", "._a.jpg", ".thumbnails/a.jpg"])
def test_hidden_pictures_are_not_seen(unseen: str, tmp_path: Path) -> None:
    plant(tmp_path, ["Real/a.jpg", "Fake/a.jpg", f"Real/{unseen}", f"Fake/{unseen}"])
    assert [p.name for p in everything(tmp_path)] == ["Real/a.jpg", "Fake/a.jpg"]


# The last is what macOS adds to its zip files: the same tree once more, of metadata.
@pytest.mark.parametrize("hidden", [".Trash", ".git", "__MACOSX"])
def test_hidden_folders_are_not_seen(hidden: str, tmp_path: Path) -> None:
    plant_split_set(tmp_path / hidden)
    plant_split_set(tmp_path / hidden / "sub")
    plant_split_set(tmp_path / "sub")
    assert find_root(tmp_path, SPLIT_SPEC) == tmp_path / "sub"


def test_uppermost_folder_that_fits_is_taken(tmp_path: Path) -> None:
    plant_split_set(tmp_path / "a" / "b")
    plant_split_set(tmp_path / "c")
    assert find_root(tmp_path, SPLIT_SPEC) == tmp_path / "c"


def test_folder_with_splits_keeps_its_own(tmp_path: Path) -> None:
    plant_split_set(tmp_path)
    listed = list_pictures(find_root(tmp_path, FOLDER_SPEC), FOLDER_SPEC, seed=0)
    assert all(
        p.name.startswith(f"{split}/") for split in listed for p in listed[split]
    )


NO_LAYOUT = {
    "empty": [],
    "no class folders": ["train.csv", "pictures/a.jpg"],
    "one class only": ["Fake/a.jpg"],
    "too deep": [
        "1/2/3/4/train/Real/a.jpg",
        "1/2/3/4/Real/a.jpg",
        "1/2/3/4/Fake/a.jpg",
    ],
}


@pytest.mark.parametrize("spec", [SPLIT_SPEC, FOLDER_SPEC], ids=lambda s: s.name)
@pytest.mark.parametrize("names", NO_LAYOUT.values(), ids=NO_LAYOUT)
def test_folder_without_a_layout_is_refused(
    names: list[str], spec: DatasetSpec, tmp_path: Path
) -> None:
    with pytest.raises(DatasetLayoutError, match=r"expected .*real/ and fake/ folders"):
        find_root(plant(tmp_path, names), spec)


def test_set_that_must_come_split_is_not_split_here(tmp_path: Path) -> None:
    with pytest.raises(DatasetLayoutError, match="expected train/, val/ and test/"):
        find_root(plant(tmp_path, numbered(20)), SPLIT_SPEC)


INCOMPLETE = {
    "missing val": (["train", "test"], [], "the val split is missing"),
    "missing test": (["train", "val"], [], "the test split is missing"),
    "missing class": (["train", "val"], ["test/Real/a.jpg"], "test/ must hold real/"),
    "empty class": (
        ["train", "val"],
        ["test/Real/a.jpg", "test/Fake/.keep"],
        "no pictures of class Fake in test/Fake/",
    ),
}


@pytest.mark.parametrize(
    ("splits", "more", "words"), INCOMPLETE.values(), ids=INCOMPLETE
)
def test_incomplete_set_is_refused_by_what_it_lacks(
    splits: list[str], more: list[str], words: str, tmp_path: Path
) -> None:
    root = plant(plant_split_set(tmp_path, splits), more)
    with pytest.raises(DatasetLayoutError, match=words) as raised:
        list_pictures(root, SPLIT_SPEC, seed=0)
    assert str(tmp_path) not in str(raised.value)


def test_set_without_splits_is_split_80_10_10_in_each_class(tmp_path: Path) -> None:
    plant(tmp_path, [*numbered(50), *(f"Fake/more-{i}.png" for i in range(50))])
    listed = list_pictures(tmp_path, FOLDER_SPEC, seed=0)
    counts = {
        split: [sum(p.label == label for p in listed[split]) for label in (REAL, FAKE)]
        for split in listed
    }
    assert not is_split(tmp_path)
    assert counts == {
        "train": [40, 80],
        "val": [5, 10],
        "test": [5, 10],
        "all": [50, 100],
    }


@pytest.mark.parametrize("seed", [0, 1, 42])
def test_no_picture_is_in_two_splits_and_none_is_lost(
    seed: int, tmp_path: Path
) -> None:
    plant(tmp_path, numbered(33))
    listed = list_pictures(tmp_path, FOLDER_SPEC, seed)
    split = [picture for name in SPLITS for picture in listed[name]]
    assert len(split) == len(set(split)) == 66
    assert set(split) == set(listed["all"])
    assert all(p.label == (FAKE if "Fake" in p.name else REAL) for p in split)


def test_split_depends_on_the_seed_and_on_no_file_system(tmp_path: Path) -> None:
    plant(tmp_path / "forth", numbered(33))
    plant(tmp_path / "back", reversed(numbered(33)))
    forth, back, other = (
        list_pictures(tmp_path / folder, FOLDER_SPEC, seed)
        for folder, seed in (("forth", 7), ("back", 7), ("forth", 8))
    )
    assert forth == back
    assert forth["test"] != other["test"]


def test_ten_pictures_of_a_class_are_enough_to_split(tmp_path: Path) -> None:
    listed = list_pictures(plant(tmp_path, numbered(10)), FOLDER_SPEC, seed=0)
    counts = {split: len(listed[split]) for split in SPLITS}
    assert counts == {"train": 16, "val": 2, "test": 2}


def test_few_pictures_are_listed_but_not_split(tmp_path: Path) -> None:
    listed = list_pictures(plant(tmp_path, numbered(9)), FOLDER_SPEC, seed=0)
    assert len(listed["all"]) == 18
    assert listed["val"] == listed["test"] == []
