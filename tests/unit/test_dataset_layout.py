"""Which file is which picture of which split and class: layouts, one table each."""

import logging
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

#: The same of sets that come without a split.
UNSPLIT_LAYOUTS = {
    "real_and_fake_face": ("real_and_fake_face", "training_real", "training_fake"),
    "hard_fake_vs_real": (".", "real", "fake"),
    "folder": ("mine", "REAL", "Fake"),
}

#: Its layout is that of the sets in it; its tests are below.
MERGED: DatasetSpec = DATASETS.get("merged")

#: Kaggle's layout of DFDC faces: a table beside one folder.
TABLE_SPEC: DatasetSpec = DATASETS.get("dfdc_faces")
TABLE_HEAD = "videoname,original_width,original_height,label,original"


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
    assert {*LAYOUTS, *UNSPLIT_LAYOUTS, "merged"} == set(DATASETS)


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


@pytest.mark.parametrize("name", UNSPLIT_LAYOUTS)
def test_pictures_of_an_unsplit_set_are_found_with_their_labels(
    name: str, tmp_path: Path
) -> None:
    above, real, fake = UNSPLIT_LAYOUTS[name]
    plant(tmp_path, (f"{above}/{c}/{n}.jpg" for c in (real, fake) for n in "ba"))
    plant(tmp_path, [f"{above}/data.csv"])
    assert everything(tmp_path, DATASETS.get(name)) == [
        LabelledPicture(f"{real}/a.jpg", REAL),
        LabelledPicture(f"{real}/b.jpg", REAL),
        LabelledPicture(f"{fake}/a.jpg", FAKE),
        LabelledPicture(f"{fake}/b.jpg", FAKE),
    ]


def test_second_copy_of_a_set_in_its_archive_is_not_read(tmp_path: Path) -> None:
    spec: DatasetSpec = DATASETS.get("real_and_fake_face")
    for above in (
        "real_and_fake_face",
        "real_and_fake_face_detection/real_and_fake_face",
    ):
        plant(tmp_path / above, numbered(2, "training_real", "training_fake"))
    assert find_root(tmp_path, spec) == tmp_path / "real_and_fake_face"


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


def test_folders_of_other_names_are_no_class_and_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plant(tmp_path, ["Real/a.jpg", "Fake/a.jpg", "Unsure/a.jpg", "a.jpg"])
    assert len(everything(tmp_path)) == 2
    assert "left out Unsure/, which are neither real/ nor fake/" in caplog.text


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


WRONGLY_NAMED = {
    "neither class": (["Genuine/a.jpg", "Forged/a.jpg"], "found Forged/, Genuine/;"),
    "one class": (["Real/a.jpg"], "found Real/;"),
    "one class and another": (["Real/a.jpg", "AI/a.jpg"], "found AI/, Real/;"),
    "many folders": ([f"{n}/a.jpg" for n in "abcdefg"], "found a/, b/, c/, d/, e/ and"),
    "files only": (["a.jpg"], "found none;"),
}


@pytest.mark.parametrize(("names", "words"), WRONGLY_NAMED.values(), ids=WRONGLY_NAMED)
def test_folders_that_were_found_instead_are_named(
    names: list[str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(DatasetLayoutError, match="expected real/ and fake/") as raised:
        find_root(plant(tmp_path, names), FOLDER_SPEC)
    assert words in str(raised.value)
    assert str(tmp_path) not in str(raised.value)


INCOMPLETE = {
    "missing val": (["train", "test"], [], "the val split is missing"),
    "missing test": (["train", "val"], [], "the test split is missing"),
    "missing class": (["train", "val"], ["test/Real/a.jpg"], "test/ must hold real/"),
    "class named by neither": (
        ["train", "val"],
        ["test/Real/a.jpg", "test/Forged/a.jpg"],
        r"must hold real/ and fake/ \(upper or lower case\), found Forged/, Real/",
    ),
    "empty split": (["train", "val"], ["test/.keep"], "test/ must hold .* found none"),
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


def test_groups_are_what_the_spec_says(tmp_path: Path) -> None:
    names = ("src__vid.jpg", "src__src.jpg", "alone.jpg")
    plant(
        tmp_path,
        [f"{s}/{c}/{n}" for s in SPLITS for c in ("Real", "Fake") for n in names],
    )
    listed = list_pictures(tmp_path, TABLE_SPEC, seed=0)
    assert [p.group for p in listed["train"]] == [None, "src", "src"] * 2


def write_table(root: Path, rows: Iterable[str], head: str = TABLE_HEAD) -> Path:
    """Kaggle's layout: the table, and a picture for each of its first columns."""
    rows = list(rows)
    (root / "faces_224").mkdir(parents=True)
    for row in rows:
        if row and not row.startswith("gone"):
            (root / "faces_224" / f"{row.partition('.')[0]}.jpg").touch()
    (root / "metadata.csv").write_text("\n".join([head, *rows]) + "\n")
    return root


def videos(count: int) -> list[str]:
    """Rows of so many real videos with two fakes of each."""
    return [
        row
        for n in range(count)
        for row in (
            f"v{n:03}.mp4,1920,1080,REAL,",
            f"f{n:03}.mp4,1920,1080,FAKE,v{n:03}.mp4",
            f"g{n:03}.mp4,1920,1080,FAKE,v{n:03}.mp4",
        )
    ]


def test_table_says_class_and_source_video(tmp_path: Path) -> None:
    write_table(tmp_path / "archive", [*videos(1), "gone.mp4,1,1,REAL,"])
    (tmp_path / "archive" / "faces_224" / "unnamed.jpg").touch()
    assert everything(tmp_path, TABLE_SPEC) == [
        LabelledPicture("faces_224/v000.jpg", REAL, "v000"),
        LabelledPicture("faces_224/f000.jpg", FAKE, "v000"),
        LabelledPicture("faces_224/g000.jpg", FAKE, "v000"),
    ]


def test_table_is_split_by_source_video(tmp_path: Path) -> None:
    root = find_root(write_table(tmp_path, videos(40)), TABLE_SPEC)
    listed = list_pictures(root, TABLE_SPEC, seed=3)
    assert [len(listed[split]) for split in (*SPLITS, "all")] == [96, 12, 12, 120]
    groups = [{p.group for p in listed[split]} for split in SPLITS]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 40


BAD_TABLES = {
    "no such column": (["a.mp4,REAL"], "videoname,class", "lacks label, original"),
    "empty": ([], "", "lacks videoname, label, original"),
    "another word": (["a.mp4,1,1,GENUINE,"], TABLE_HEAD, "'GENUINE' of 'a.jpg'"),
    "short row": (["a.mp4"], TABLE_HEAD, "expected REAL or FAKE"),
    "both classes at once": (
        ["a.mp4,1,1,REAL,", "a.mp4,1,1,FAKE,"],
        TABLE_HEAD,
        "says two things of 'a.jpg'",
    ),
    "one class": (["a.mp4,1,1,REAL,"], TABLE_HEAD, "no pictures of class Fake"),
    "no picture there": (["gone.mp4,1,1,REAL,"], TABLE_HEAD, "no pictures of class"),
    "no name": ([",1,1,REAL,"], TABLE_HEAD, "no pictures of class Real"),
    "name with folders": (
        ["../../a.mp4,1,1,REAL,"],
        TABLE_HEAD,
        "no pictures of class",
    ),
}


@pytest.mark.parametrize(("rows", "head", "words"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_bad_table_is_refused(
    rows: list[str], head: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "faces_224").mkdir()
    for row in rows:
        name = row.partition(".")[0]
        if name and name != "gone":
            (tmp_path / "faces_224" / f"{name}.jpg").touch()
    (tmp_path / "metadata.csv").write_text("\n".join([head, *rows]))
    with pytest.raises(DatasetLayoutError, match=words):
        everything(tmp_path, TABLE_SPEC)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x89PNG\r\n\x1a\n\x00"])
def test_table_that_is_no_text_is_refused(content: bytes, tmp_path: Path) -> None:
    write_table(tmp_path, videos(1))
    (tmp_path / "metadata.csv").write_bytes(content)
    with pytest.raises(DatasetLayoutError, match=r"metadata\.csv"):
        everything(tmp_path, TABLE_SPEC)


def plant_merged(root: Path) -> Path:
    """A set that comes split, one in Kaggle's layout, and one of a name of its own."""
    plant_split_set(root / "OpenForensics" / "Dataset")
    write_table(root / "dfdc_faces", videos(20))
    plant(root / "mine", numbered(20))
    return root


def test_merged_sets_keep_their_splits_groups_and_origins(tmp_path: Path) -> None:
    root = find_root(plant_merged(tmp_path / "all"), MERGED)
    listed = list_pictures(root, MERGED, seed=0)
    origins = {split: [p.origin for p in listed[split]] for split in SPLITS}
    assert [
        origins["val"].count(o) for o in ("OpenForensics", "dfdc_faces", "mine")
    ] == [
        4,
        6,
        4,
    ]
    assert all(list(origins[s]) == sorted(origins[s]) for s in SPLITS)
    assert set(listed) == set(SPLITS)
    first, last = listed["test"][0], listed["train"][-1]
    assert first == LabelledPicture(
        "OpenForensics/Dataset/test/Real/a.jpg", REAL, None, "OpenForensics"
    )
    assert (last.name, last.label) == ("mine/Fake/019.png", FAKE)
    groups = {p.group for p in listed["train"] if p.origin == "dfdc_faces"}
    assert groups <= {f"dfdc_faces: v{n:03}" for n in range(20)}
    assert all((root / p.name).is_file() for split in SPLITS for p in listed[split])


def test_merged_sets_without_a_split_can_be_had_whole(tmp_path: Path) -> None:
    plant(tmp_path / "mine", numbered(10))
    plant(tmp_path / "hard_fake_vs_real", numbered(12, "real", "fake"))
    assert len(everything(tmp_path, MERGED)) == 44


def test_folder_that_holds_no_set_is_left_out_of_a_merged_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    plant(tmp_path, ["papers/a.pdf", "more/b.txt"])
    plant(tmp_path / "mine", numbered(3))
    plant(tmp_path / "yours", numbered(3))
    assert {p.origin for p in everything(tmp_path, MERGED)} == {"mine", "yours"}
    assert "papers/ holds no set" in caplog.text


NOT_MERGED = {
    "empty": [],
    "one set only": ["mine/Real/a.jpg", "mine/Fake/a.jpg", "other/a.jpg"],
    "one set with splits": [f"{s}/{c}/a.jpg" for s in SPLITS for c in ("Real", "Fake")],
    "one set without splits": ["Real/one/a.jpg", "Real/two/a.jpg", "Fake/a.jpg"],
    "a known name without its set": [
        *("mine/Real/a.jpg", "mine/Fake/a.jpg"),
        *("openforensics/Real/a.jpg", "openforensics/Fake/a.jpg"),
    ],
}


@pytest.mark.parametrize("names", NOT_MERGED.values(), ids=NOT_MERGED)
def test_what_is_not_several_sets_is_no_merged_one(
    names: list[str], tmp_path: Path
) -> None:
    with pytest.raises(DatasetLayoutError, match="expected") as raised:
        everything(plant(tmp_path, names), MERGED)
    assert str(tmp_path) not in str(raised.value)
