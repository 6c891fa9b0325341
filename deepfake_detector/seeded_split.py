"""A seeded 80/10/10 split, by class and, where there are groups, by group."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from deepfake_detector.crop_cache import LabelledPicture
from deepfake_detector.datasets import SPLIT_FOLDERS
from deepfake_detector.labels import FAKE, REAL

#: Shares of the held-out pictures; train gets the rest.
_HELD_OUT_SHARES: Final = {"val": 0.1, "test": 0.1}

#: Tenths that a set with groups is cut into: the first is val, the second test.
_FOLDS: Final = 10


def seeded_split(
    pictures: Sequence[LabelledPicture], seed: int
) -> dict[str, list[LabelledPicture]]:
    """Split pictures 80/10/10, each class alike and no group in two splits.

    Parameters
    ----------
    pictures : sequence of LabelledPicture
        All pictures of a set.
    seed : int
        Which split: the same seed gives the same one.

    Returns
    -------
    dict of str to list of LabelledPicture
        Pictures under `train`, `val` and `test`, by class and then by name. With
        groups, shares are as near as whole groups allow; with fewer than ten pictures
        of a class, `val` and `test` lack that class.
    """
    if any(picture.group is not None for picture in pictures):
        return _by_group(pictures, seed)
    return _by_picture(pictures, seed)


def in_order(pictures: Iterable[LabelledPicture]) -> list[LabelledPicture]:
    """Sort pictures by origin, then by class, then by name.

    Parameters
    ----------
    pictures : iterable of LabelledPicture
        Pictures in any order.

    Returns
    -------
    list of LabelledPicture
        The same, in the order that a crop set has.
    """
    return sorted(pictures, key=lambda p: (p.origin or "", p.label, p.name))


def _by_picture(
    pictures: Sequence[LabelledPicture], seed: int
) -> dict[str, list[LabelledPicture]]:
    """Shuffle each class and cut it."""
    splits: dict[str, list[LabelledPicture]] = {split: [] for split in SPLIT_FOLDERS}
    rng = np.random.default_rng(seed)
    for label in (REAL, FAKE):
        of_class = [picture for picture in pictures if picture.label == label]
        shuffled = [of_class[i] for i in rng.permutation(len(of_class))]
        for split, share in _HELD_OUT_SHARES.items():
            count = int(len(of_class) * share)
            splits[split] += shuffled[:count]
            shuffled = shuffled[count:]
        splits["train"] += shuffled
    return {split: in_order(chosen) for split, chosen in splits.items()}


def _by_group(
    pictures: Sequence[LabelledPicture], seed: int
) -> dict[str, list[LabelledPicture]]:
    """Deal whole groups out to ten folds, so that each has its share of each class."""
    from sklearn.model_selection import StratifiedGroupKFold

    labels = [picture.label for picture in pictures]
    if min(labels.count(label) for label in (REAL, FAKE)) < _FOLDS:
        return {"train": in_order(pictures), "val": [], "test": []}
    # A picture without a group is a group of its own.
    groups = [
        f"group {p.group}" if p.group is not None else f"picture {p.name}"
        for p in pictures
    ]
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    held_out = [rows for _, rows in folds.split(labels, labels, groups)]
    split_of = {row: "val" for row in held_out[0]} | {
        row: "test" for row in held_out[1]
    }
    splits: dict[str, list[LabelledPicture]] = {split: [] for split in SPLIT_FOLDERS}
    for row, picture in enumerate(pictures):
        splits[split_of.get(row, "train")].append(picture)
    return {split: in_order(chosen) for split, chosen in splits.items()}
