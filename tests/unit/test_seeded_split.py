"""The split made here: each class alike, no group in two, the same every time."""

from collections.abc import Sequence

import pytest

from deepfake_detector.crop_cache import LabelledPicture
from deepfake_detector.datasets import SPLIT_FOLDERS
from deepfake_detector.labels import FAKE, REAL
from deepfake_detector.seeded_split import in_order, seeded_split

SPLITS = tuple(SPLIT_FOLDERS)


def videos(count: int, fakes: int = 3) -> list[LabelledPicture]:
    """So many source videos, each with one real frame and some fakes of it."""
    return in_order(
        LabelledPicture(
            f"{number:03}-{frame}.jpg", FAKE if frame else REAL, f"v{number}"
        )
        for number in range(count)
        for frame in range(1 + fakes)
    )


def loose(reals: int, fakes: int) -> list[LabelledPicture]:
    """Pictures without groups."""
    labels = [REAL] * reals + [FAKE] * fakes
    return [LabelledPicture(f"{i:03}.jpg", label) for i, label in enumerate(labels)]


def shares(
    splits: dict[str, list[LabelledPicture]], pictures: Sequence[LabelledPicture]
) -> dict[str, list[float]]:
    """Share of each class that lies in each split."""
    return {
        split: [
            sum(p.label == label for p in splits[split])
            / sum(p.label == label for p in pictures)
            for label in (REAL, FAKE)
        ]
        for split in SPLITS
    }


SETS = {
    "loose": loose(40, 160),
    "videos": videos(60),
    "videos and loose pictures": [*videos(40), *loose(50, 20)],
    "videos of unlike length": [
        *videos(30, fakes=1),
        *(
            LabelledPicture(f"long {v} {i}.jpg", i % 2, f"long {v}")
            for v in range(12)
            for i in range(6)
        ),
    ],
}


@pytest.mark.parametrize("seed", [0, 42])
@pytest.mark.parametrize("pictures", SETS.values(), ids=SETS)
def test_every_picture_is_in_one_split_and_each_class_is_dealt_alike(
    pictures: list[LabelledPicture], seed: int
) -> None:
    splits = seeded_split(pictures, seed)
    dealt = [picture for split in SPLITS for picture in splits[split]]
    assert sorted(dealt, key=str) == sorted(pictures, key=str)
    for split, wanted in (("train", 0.8), ("val", 0.1), ("test", 0.1)):
        assert shares(splits, pictures)[split] == pytest.approx([wanted] * 2, abs=0.05)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", [name for name in SETS if name != "loose"])
def test_no_group_is_in_two_splits(name: str, seed: int) -> None:
    splits = seeded_split(SETS[name], seed)
    groups = [{p.group for p in splits[split]} - {None} for split in SPLITS]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]
    assert groups[0] and groups[1] and groups[2]


@pytest.mark.parametrize("pictures", SETS.values(), ids=SETS)
def test_split_depends_on_the_seed_alone(pictures: list[LabelledPicture]) -> None:
    assert seeded_split(pictures, 7) == seeded_split(pictures, 7)
    assert seeded_split(pictures, 7) != seeded_split(pictures, 8)


@pytest.mark.parametrize("pictures", [videos(9, fakes=1), videos(4, fakes=8)])
def test_too_few_groups_all_stay_in_train(pictures: list[LabelledPicture]) -> None:
    splits = seeded_split(pictures, 0)
    assert splits == {"train": in_order(pictures), "val": [], "test": []}


def test_order_is_by_origin_then_class_then_name() -> None:
    rows = [("b", REAL, "y"), ("b", REAL, "z"), ("b", FAKE, "a"), ("c", REAL, "a")]
    pictures = [LabelledPicture(name, label, origin=o) for o, label, name in rows]
    assert in_order(reversed(pictures)) == pictures
