"""Copies and groups stay in one split: moved towards train, counted and reported."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepfake_detector import duplicates
from deepfake_detector.crop_cache import LabelledPicture
from deepfake_detector.datasets import DATASETS, DatasetSpec
from deepfake_detector.labels import FAKE, REAL
from deepfake_detector.split_guard import SplitGuard

SPLITS = ("train", "val", "test")
NOTHING = {"exact": 0, "near": 0, "groups_parted": 0, "moved": 0}


@dataclass
class Planted:
    """A set whose pictures are named ``<split>/<scene>[-<quality>][@<group>]``."""

    root: Path
    listed: Mapping[str, list[LabelledPicture]]
    spec: DatasetSpec = field(default_factory=lambda: DATASETS.get("folder"))
    data_hash: str = "planted"
    unsplit_origins: frozenset[str | None] = frozenset()

    def path_of(self, picture: LabelledPicture) -> Path:
        return self.root / picture.name


def plant(root: Path, names: str) -> Planted:
    """Write the named pictures; a scene that begins with a capital is a fake."""
    listed: dict[str, list[LabelledPicture]] = {split: [] for split in SPLITS}
    for name in names.split():
        split, what = name.split("/")
        what, _, group = what.partition("@")
        scene, _, quality = what.partition("-")
        write(root / split / what, scene, int(quality or 90))
        label = FAKE if scene[0].isupper() else REAL
        listed[split].append(LabelledPicture(f"{split}/{what}", label, group or None))
    return Planted(root, listed)


def write(path: Path, scene: str, quality: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if scene == "damaged":
        path.write_bytes(b"no picture")
        return
    rng = np.random.default_rng(list(scene.encode()))
    small = Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    small.resize((96, 96)).save(path, "JPEG", quality=quality)


def names(splits: Mapping[str, list[LabelledPicture]]) -> dict[str, str]:
    return {split: " ".join(p.name for p in splits[split]) for split in SPLITS}


CASES = {
    "nothing to move": (
        "train/a train/b val/c test/d",
        {"train": "train/a train/b", "val": "val/c", "test": "test/d"},
        NOTHING,
    ),
    "copies in one split stay": (
        "train/a train/a-40 train/b val/c test/d",
        {"train": "train/a train/a-40 train/b", "val": "val/c", "test": "test/d"},
        NOTHING | {"near": 2},
    ),
    "equal file in val goes to train": (
        "train/a val/a val/c test/d",
        {"train": "train/a val/a", "val": "val/c", "test": "test/d"},
        NOTHING | {"exact": 2, "moved": 1},
    ),
    "poorer copy in test goes to train": (
        "train/a val/c test/a-40 test/d",
        {"train": "test/a-40 train/a", "val": "val/c", "test": "test/d"},
        NOTHING | {"near": 2, "moved": 1},
    ),
    "copy in val and test goes to val": (
        "train/b val/a test/a-40 test/d",
        {"train": "train/b", "val": "test/a-40 val/a", "test": "test/d"},
        NOTHING | {"near": 2, "moved": 1},
    ),
    "copies in all three go to train": (
        "train/a val/a-70 test/a-40 val/c test/d",
        {"train": "test/a-40 train/a val/a-70", "val": "val/c", "test": "test/d"},
        NOTHING | {"near": 3, "moved": 2},
    ),
    "group goes as a whole": (
        "train/a@v val/b@v val/B@v val/c test/d",
        {"train": "train/a val/b val/B", "val": "val/c", "test": "test/d"},
        NOTHING | {"groups_parted": 1, "moved": 2},
    ),
    "group follows the copy of one of its pictures": (
        "train/a val/a-40@v val/B@v val/c test/d",
        {"train": "train/a val/a-40 val/B", "val": "val/c", "test": "test/d"},
        NOTHING | {"near": 2, "moved": 2},
    ),
    "unreadable files are no copies of each other": (
        "train/damaged val/damaged val/c test/damaged test/a train/a-40",
        {
            "train": "test/a train/a-40 train/damaged",
            "val": "val/damaged val/c",
            "test": "test/damaged",
        },
        NOTHING | {"near": 2, "moved": 1},
    ),
}


@pytest.mark.parametrize(("planted", "expected", "facts"), CASES.values(), ids=CASES)
def test_what_belongs_together_goes_to_the_first_of_its_splits(
    planted: str, expected: dict[str, str], facts: dict[str, int], tmp_path: Path
) -> None:
    member = plant(tmp_path / "set", planted)
    guard = SplitGuard([member], tmp_path / "cache")
    assert names(guard.splits_of(member)) == expected
    assert guard.facts_of(member) == facts


def test_split_made_here_keeps_its_shares_though_all_pictures_have_copies(
    tmp_path: Path,
) -> None:
    member = plant(tmp_path / "set", "train/x val/a test/b val/c-80 test/a-40 train/c")
    member.unsplit_origins = frozenset({None})
    # Names begin with their split here, so the first of each pair is in test or train.
    guard = SplitGuard([member], tmp_path / "cache")
    assert names(guard.splits_of(member)) == {
        "train": "train/c train/x val/c-80",
        "val": "",
        "test": "test/a-40 test/b val/a",
    }
    assert guard.facts_of(member) == NOTHING | {"near": 4, "moved": 2}


def test_copy_in_a_published_split_decides_over_one_made_here(tmp_path: Path) -> None:
    made = plant(tmp_path / "made", "test/a train/b val/c")
    made.unsplit_origins = frozenset({None})
    published = plant(tmp_path / "published", "val/a-40 train/d test/e")
    guard = SplitGuard([made, published], tmp_path / "cache")
    assert names(guard.splits_of(made))["val"] == "test/a val/c"
    assert guard.splits_of(published) == published.listed


def test_copies_in_another_dataset_of_the_run_are_moved_too(tmp_path: Path) -> None:
    one = plant(tmp_path / "one", "train/a val/b test/c")
    other = plant(tmp_path / "other", "train/d val/a-40 val/e test/f")
    guard = SplitGuard([one, other], tmp_path / "cache")
    assert guard.splits_of(one) == one.listed
    assert names(guard.splits_of(other)) == {
        "train": "train/d val/a-40",
        "val": "val/e",
        "test": "test/f",
    }
    assert guard.facts_of(one) == NOTHING | {"near": 1}
    assert guard.facts_of(other) == NOTHING | {"near": 1, "moved": 1}


def test_groups_of_one_name_in_two_datasets_are_two(tmp_path: Path) -> None:
    one = plant(tmp_path / "one", "train/a@v val/b test/c")
    other = plant(tmp_path / "other", "train/d val/e@v test/f")
    guard = SplitGuard([one, other], tmp_path / "cache")
    assert guard.splits_of(other) == other.listed


def test_moves_are_logged_by_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    member = plant(tmp_path / "set", "train/a@v val/b@v val/a-40 test/c")
    SplitGuard([member], tmp_path / "cache").splits_of(member)
    assert "folder: groups that lie in two splits: 1, first v" in caplog.text
    assert "moved 2 to train" in caplog.text
    assert "first val/a-40, val/b" in caplog.text
    assert str(tmp_path) not in caplog.text


def test_second_run_opens_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = plant(tmp_path / "set", "train/a val/a-40 val/c test/d")
    first = SplitGuard([member], tmp_path / "cache").splits_of(member)
    monkeypatch.setattr(duplicates, "find_duplicates", None)
    second = SplitGuard([member], tmp_path / "cache").splits_of(member)
    assert first == second


def test_other_content_is_searched_again(tmp_path: Path) -> None:
    member = plant(tmp_path / "set", "train/a val/b val/c test/d")
    SplitGuard([member], tmp_path / "cache").splits_of(member)
    write(tmp_path / "set" / "val" / "b", "a", 40)
    member.data_hash = "changed"
    guard = SplitGuard([member], tmp_path / "cache")
    assert guard.facts_of(member)["moved"] == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"exact": 7}', "\x00"])
def test_damaged_cache_is_made_anew(text: str, tmp_path: Path) -> None:
    member = plant(tmp_path / "set", "train/a val/a-40 val/c test/d")
    first = SplitGuard([member], tmp_path / "cache").splits_of(member)
    (kept,) = (tmp_path / "cache" / "duplicates").iterdir()
    kept.write_text(text)
    assert SplitGuard([member], tmp_path / "cache").splits_of(member) == first
    assert kept.read_text() != text
