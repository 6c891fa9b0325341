"""Which file of an unpacked dataset is which picture of which split and class."""

import csv
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from deepfake_detector.crop_cache import LabelledPicture
from deepfake_detector.datasets import (
    DATASETS,
    SPLIT_FOLDERS,
    DatasetSpec,
    PictureTable,
)
from deepfake_detector.exceptions import DatasetLayoutError
from deepfake_detector.labels import CLASS_NAMES, FAKE, REAL
from deepfake_detector.picture_sources import PICTURE_SUFFIXES
from deepfake_detector.seeded_split import in_order, seeded_split

logger = logging.getLogger(__name__)

SPLITS: Final = ("train", "val", "test")

#: How deep below the given folder the split or class folders may lie.
_MAX_DEPTH: Final = 3

#: Folders that an error names, at most.
_NAMED: Final = 5


def find_root(top: Path, spec: DatasetSpec) -> Path:
    """Find the folder right above the split, class or, for merged sets, set folders.

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
            if _fits(folder, spec):
                return folder
        level = [sub for folder in level for sub in _subfolders(folder)]
    raise DatasetLayoutError(
        f"dataset {spec.name!r}: expected {_expected(spec)}, found "
        f"{_named(_subfolders(top))}; docs/data.md shows the layouts"
    )


def list_pictures(
    root: Path, spec: DatasetSpec, seed: int
) -> dict[str, list[LabelledPicture]]:
    """List every picture of every split, by origin, then by class, then by name.

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
    if spec.is_merged:
        return _merged(root, spec, seed)
    if not is_split(root):
        pictures = _unsplit(root, spec)
        return seeded_split(pictures, seed) | {"all": pictures}
    splits = {}
    for split in SPLITS:
        folder = _child(root, SPLIT_FOLDERS[split])
        if folder is None:
            raise DatasetLayoutError(
                f"dataset {spec.name!r}: the {split} split is missing; expected a "
                f"folder named {' or '.join(SPLIT_FOLDERS[split])}, found "
                f"{_named(_subfolders(root))}"
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


def merged_parts(root: Path) -> dict[str, tuple[DatasetSpec, Path]]:
    """Find the sets that lie side by side in a folder.

    Parameters
    ----------
    root : Path
        Folder of a merged set.

    Returns
    -------
    dict of str to (DatasetSpec, Path)
        By the name of its subfolder, how each set is read, and its root.

    Raises
    ------
    DatasetLayoutError
        If a subfolder is named like a set of the table and does not hold it.
    """
    parts = {}
    for folder in _subfolders(root):
        known = folder.name.lower() in DATASETS
        spec = DATASETS.get(folder.name.lower() if known else "folder")
        try:
            parts[folder.name] = (spec, find_root(folder, spec))
        except DatasetLayoutError:
            if known:
                raise
            logger.warning("%s/ holds no set that can be read: left out", folder.name)
    return parts


def _fits(folder: Path, spec: DatasetSpec) -> bool:
    """Whether a folder lies right above what a set's pictures are sorted into."""
    if spec.is_merged:
        is_one_set = is_split(folder) or _classes(folder, DATASETS.get("folder"))
        return not is_one_set and len(_subfolders(folder)) > 1
    if is_split(folder) or (spec.table and _has_table(folder, spec.table)):
        return True
    return not spec.has_splits and _classes(folder, spec) is not None


def _expected(spec: DatasetSpec) -> str:
    """What :func:`find_root` looks for, in words."""
    if spec.is_merged:
        return (
            "two or more folders, each named like a set of `list datasets` or holding "
            "real/ and fake/ folders"
        )
    splits = "train/, val/ and test/ folders with " if spec.has_splits else ""
    table = f", or {spec.table.file} beside {spec.table.folder}/" if spec.table else ""
    return f"{splits}{spec.real_folder}/ and {spec.fake_folder}/ folders{table}"


def _named(folders: Sequence[Path]) -> str:
    """A few folders by name."""
    if not folders:
        return "none"
    names = ", ".join(f"{folder.name}/" for folder in folders[:_NAMED])
    return f"{names} and more" if len(folders) > _NAMED else names


def _merged(
    root: Path, spec: DatasetSpec, seed: int
) -> dict[str, list[LabelledPicture]]:
    """The splits of every set side by side; `all` where none comes split."""
    parts = merged_parts(root)
    if len(parts) < 2:
        raise DatasetLayoutError(
            f"dataset {spec.name!r}: expected {_expected(spec)}, found "
            f"{', '.join(parts) or 'none'}; docs/data.md shows the layouts"
        )
    listed = {}
    for name, (part, part_root) in parts.items():
        listed[name] = list_pictures(part_root, part, seed)
    shared = [
        s for s in (*SPLITS, "all") if all(s in splits for splits in listed.values())
    ]
    return {
        split: in_order(
            _moved_below(picture, parts[name][1].relative_to(root), name)
            for name in parts
            for picture in listed[name][split]
        )
        for split in shared
    }


def _moved_below(
    picture: LabelledPicture, folder: Path, origin: str
) -> LabelledPicture:
    """A set's picture, as a picture of the merged set."""
    group = None if picture.group is None else f"{origin}: {picture.group}"
    name = (folder / picture.name).as_posix()
    return replace(picture, name=name, group=group, origin=origin)


def _unsplit(root: Path, spec: DatasetSpec) -> list[LabelledPicture]:
    """Every picture of a set that comes without a split."""
    if spec.table and _has_table(root, spec.table):
        return _from_table(root, spec, spec.table)
    return _listing(root, root, spec)


def _has_table(folder: Path, table: PictureTable) -> bool:
    return (folder / table.file).is_file() and (folder / table.folder).is_dir()


def _from_table(
    root: Path, spec: DatasetSpec, table: PictureTable
) -> list[LabelledPicture]:
    """The pictures that a table names, labelled by its column."""
    there = {path.name for path in (root / table.folder).iterdir()}
    found: dict[str, LabelledPicture] = {}
    missing = 0
    for name, value, source in _rows(root / table.file, spec, table):
        file = Path(name).stem + table.suffix
        if file not in there:
            missing += 1
            continue
        label = _label_in_table(file, value, spec, table)
        group = Path(source or name).stem
        picture = LabelledPicture(f"{table.folder}/{file}", label, group)
        if found.setdefault(file, picture) != picture:
            raise DatasetLayoutError(
                f"dataset {spec.name!r}: {table.file} says two things of {file[:40]!r}"
            )
    if missing:
        logger.warning(
            "%s: %d pictures of %s are not there", spec.name, missing, table.file
        )
    _require_both_classes(found.values(), spec, table.folder)
    return in_order(found.values())


def _label_in_table(
    file: str, value: str, spec: DatasetSpec, table: PictureTable
) -> int:
    """The label that a table's word stands for."""
    labels = {table.real_value: REAL, table.fake_value: FAKE}
    if value not in labels:
        raise DatasetLayoutError(
            f"dataset {spec.name!r}: {table.file} says {value[:20]!r} of "
            f"{file[:40]!r} in column {table.label_column}; expected "
            f"{table.real_value} or {table.fake_value}"
        )
    return labels[value]


def _rows(
    path: Path, spec: DatasetSpec, table: PictureTable
) -> Iterator[tuple[str, str, str]]:
    """Name, label and group of every row of a table."""
    columns = (table.name_column, table.label_column, table.group_column)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            absent = [c for c in columns if c not in (reader.fieldnames or ())]
            if absent:
                raise DatasetLayoutError(
                    f"dataset {spec.name!r}: {table.file} must have the columns "
                    f"{', '.join(columns)}; it lacks {', '.join(absent)}"
                )
            for row in reader:
                name, label, group = (row[column] or "" for column in columns)
                yield name, label, group
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetLayoutError(
            f"dataset {spec.name!r}: {table.file} cannot be read as a table "
            f"({type(error).__name__}); download it again"
        ) from error


def _require_both_classes(
    pictures: Iterable[LabelledPicture], spec: DatasetSpec, folder: str
) -> None:
    """Refuse a table that leaves one class without a picture."""
    labels = {picture.label for picture in pictures}
    for label, name in enumerate(CLASS_NAMES):
        if label not in labels:
            raise DatasetLayoutError(
                f"dataset {spec.name!r}: no pictures of class {name} in {folder}/"
            )


def _listing(folder: Path, root: Path, spec: DatasetSpec) -> list[LabelledPicture]:
    classes = _classes(folder, spec)
    if classes is None:
        raise DatasetLayoutError(
            f"dataset {spec.name!r}: {folder.name}/ must hold {spec.real_folder}/ and "
            f"{spec.fake_folder}/ (upper or lower case), found "
            f"{_named(_subfolders(folder))}"
        )
    others = [sub for sub in _subfolders(folder) if sub not in classes.values()]
    if others:
        logger.warning(
            "%s: left out %s, which are neither %s/ nor %s/",
            spec.name,
            _named(others),
            spec.real_folder,
            spec.fake_folder,
        )
    group_of = spec.group_of or (lambda name: None)
    pictures = []
    for label, class_folder in classes.items():
        names = _file_names(class_folder, root)
        if not names:
            raise DatasetLayoutError(
                f"dataset {spec.name!r}: no pictures of class {CLASS_NAMES[label]} in "
                f"{folder.name}/{class_folder.name}/"
            )
        pictures += [LabelledPicture(name, label, group_of(name)) for name in names]
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
