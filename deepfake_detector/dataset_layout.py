"""Which file of an unpacked dataset is which picture of which split and class."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from deepfake_detector.crop_cache import LabelledPicture
from deepfake_detector.datasets import SPLIT_FOLDERS, DatasetSpec
from deepfake_detector.exceptions import DatasetLayoutError
from deepfake_detector.labels import CLASS_NAMES, FAKE, REAL

SPLITS: Final = ("train", "val", "test")

#: Shares of the seeded split for sets that come without one; train gets the rest.
_HELD_OUT_SHARES: Final = {"val": 0.1, "test": 0.1}

#: Endings of files that are taken for pictures; others, such as tables, are left out.
PICTURE_SUFFIXES: Final = (
    *(".jpg", ".jpeg", ".jfif", ".png", ".webp"),
    *(".bmp", ".gif", ".tif", ".tiff", ".heic", ".avif"),
)

#: How deep below the given folder the split or class folders may lie.
_MAX_DEPTH: Final = 3


def find_root(top: Path, spec: DatasetSpec) -> Path:
    """Find the folder right above the split folders, or above the class folders.

    Parameters
    ----------
    top : Path
        Folder to look in, at most three levels deep.
    spec : DatasetSpec
        What the folders are called.

    Returns
    -------
    Path
        The uppermost folder that fits.

    Raises
    ------
    DatasetLayoutError
        If there is none.
    """
    level = [top]
    for _ in range(_MAX_DEPTH + 1):
        for folder in level:
            if is_split(folder) or (not spec.has_splits and _classes(folder, spec)):
                return folder
        level = [sub for folder in level for sub in _subfolders(folder)]
    splits = "train/, val/ and test/ folders with " if spec.has_splits else ""
    raise DatasetLayoutError(
        f"dataset {spec.name!r}: expected {splits}{spec.real_folder}/ and "
        f"{spec.fake_folder}/ folders, found none; docs/data.md shows the layouts"
    )


def list_pictures(
    root: Path, spec: DatasetSpec, seed: int
) -> dict[str, list[LabelledPicture]]:
    """List every picture of every split, by class and then by name.

    Parameters
    ----------
    root : Path
        What :func:`find_root` found.
    spec : DatasetSpec
        What the class folders are called.
    seed : int
        Seed of the 80/10/10 split of sets that come without one.

    Returns
    -------
    dict of str to list of LabelledPicture
        Pictures under `train`, `val` and `test` and, for a set without a split of its
        own, all of them under `all`; names are paths below `root`.

    Raises
    ------
    DatasetLayoutError
        If a split or a class is missing or empty.
    """
    if not is_split(root):
        pictures = _listing(root, root, spec)
        return _seeded_split(pictures, seed) | {"all": pictures}
    splits = {}
    for split in SPLITS:
        folder = _child(root, SPLIT_FOLDERS[split])
        if folder is None:
            raise DatasetLayoutError(
                f"dataset {spec.name!r}: the {split} split is missing; expected a "
                f"folder named {' or '.join(SPLIT_FOLDERS[split])}"
            )
        splits[split] = _listing(folder, root, spec)
    return splits


def is_split(folder: Path) -> bool:
    """Return whether a folder holds split folders.

    Parameters
    ----------
    folder : Path
        A folder.

    Returns
    -------
    bool
        Whether it has a subfolder that stands for `train`.
    """
    return _child(folder, SPLIT_FOLDERS["train"]) is not None


def _listing(folder: Path, root: Path, spec: DatasetSpec) -> list[LabelledPicture]:
    classes = _classes(folder, spec)
    if classes is None:
        raise DatasetLayoutError(
            f"dataset {spec.name!r}: {folder.name}/ must hold {spec.real_folder}/ and "
            f"{spec.fake_folder}/ (upper or lower case)"
        )
    pictures = []
    for label, class_folder in classes.items():
        names = _file_names(class_folder, root)
        if not names:
            raise DatasetLayoutError(
                f"dataset {spec.name!r}: no pictures of class {CLASS_NAMES[label]} in "
                f"{folder.name}/{class_folder.name}/"
            )
        pictures += [LabelledPicture(name, label) for name in names]
    return pictures


def _classes(folder: Path, spec: DatasetSpec) -> dict[int, Path] | None:
    """The two class folders by label, or None unless both are there."""
    real = _child(folder, (spec.real_folder,))
    fake = _child(folder, (spec.fake_folder,))
    return {REAL: real, FAKE: fake} if real and fake else None


def _child(folder: Path, names: Sequence[str]) -> Path | None:
    """The subfolder with one of these names, whatever its case."""
    wanted = {name.lower() for name in names}
    return next((s for s in _subfolders(folder) if s.name.lower() in wanted), None)


def _subfolders(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if path.is_dir() and not _is_hidden(path.name)
    )


def _is_hidden(name: str) -> bool:
    """Whether a name says so, or is of the metadata that macOS adds to a zip."""
    return name.startswith(".") or name == "__MACOSX"


def _file_names(folder: Path, root: Path) -> list[str]:
    """Paths below `root` of a folder's pictures, hidden ones left out, sorted."""
    return sorted(
        path.relative_to(root).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in PICTURE_SUFFIXES
        and path.is_file()
        and not any(map(_is_hidden, path.relative_to(folder).parts))
    )


def _seeded_split(
    pictures: Sequence[LabelledPicture], seed: int
) -> dict[str, list[LabelledPicture]]:
    """Split each class 80/10/10 by a seeded shuffle."""
    splits: dict[str, list[LabelledPicture]] = {split: [] for split in SPLITS}
    rng = np.random.default_rng(seed)
    for label in (REAL, FAKE):
        of_class = [picture for picture in pictures if picture.label == label]
        shuffled = [of_class[i] for i in rng.permutation(len(of_class))]
        for split, share in _HELD_OUT_SHARES.items():
            count = int(len(of_class) * share)
            splits[split] += sorted(shuffled[:count], key=lambda p: p.name)
            shuffled = shuffled[count:]
        splits["train"] += sorted(shuffled, key=lambda p: p.name)
    return splits
