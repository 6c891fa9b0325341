"""Crops on disk, lossless and ready to be mapped into memory.

A set of crops is one folder, named by a key of everything that decides its bytes. It
is written under a temporary name and renamed when whole, so that a cut run leaves
nothing that a later one could take for finished.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.exceptions import DatasetError
from deepfake_detector.labels import CLASS_NAMES

_CROPS_FILE: Final = "crops.npy"
_INDEX_FILE: Final = "index.json"


@dataclass(frozen=True)
class CropSet:
    """One split of one dataset, cropped.

    Parameters
    ----------
    source : str
        Name of the dataset.
    split : str
        `train`, `val` or `test`.
    crops : ndarray of shape (n, h, w, 3), uint8
        RGB crops, possibly mapped from disk.
    y_true : ndarray of shape (n,), int64
        0 = real, 1 = fake.
    names : tuple of str
        Each picture's path below the dataset's folder.
    face_found : ndarray of shape (n,), bool
        Whether a face was found; where not, the crop is the picture's centre.
    unreadable : tuple of str
        Pictures that could not be decoded and were skipped.
    origins : tuple of str, optional
        For a merged set, the set that each picture came from; pictures of one set lie
        side by side.
    """

    source: str
    split: str
    crops: NDArray[np.uint8]
    y_true: NDArray[np.int64]
    names: tuple[str, ...]
    face_found: NDArray[np.bool_]
    unreadable: tuple[str, ...] = ()
    origins: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.y_true)

    def face_found_share(self) -> dict[str, float]:
        """Return the share of pictures with a found face, by class name, in [0, 1]."""
        return {
            name: float(self.face_found[self.y_true == label].mean())
            for label, name in enumerate(CLASS_NAMES)
            if (self.y_true == label).any()
        }

    def drawn(self, number: int | None, seed: int) -> Self:
        """Return part of the set, as many reals as fakes as far as there are.

        Parameters
        ----------
        number : int or None
            How many pictures, half of each class; None for the whole set.
        seed : int
            Seed of the draw; a larger number from the same seed holds the smaller one.

        Returns
        -------
        CropSet
            The drawn pictures in their order; crops are copied into memory.
        """
        if number is None:
            return self
        rng = np.random.default_rng(seed)
        classes = [np.flatnonzero(self.y_true == c) for c in range(len(CLASS_NAMES))]
        share = number // len(classes)
        rows = np.sort(np.concatenate([rng.permutation(c)[:share] for c in classes]))
        return self._rows(rows)

    def by_origin(self) -> tuple[Self, ...]:
        """Return a merged set's parts; any other set as the only part of itself.

        Returns
        -------
        tuple of CropSet
            One for each origin, which is its `source`; crops are not copied.
        """
        if self.origins is None:
            return (self,)
        parts = []
        for origin in dict.fromkeys(self.origins):
            first, count = self.origins.index(origin), self.origins.count(origin)
            below = f"{origin}/"
            part = replace(
                self._rows(slice(first, first + count)),
                source=origin,
                unreadable=tuple(n for n in self.unreadable if n.startswith(below)),
                origins=None,
            )
            parts.append(part)
        return tuple(parts)

    def _rows(self, rows: slice | NDArray[np.int64]) -> Self:
        """The set with these rows only."""
        kept = np.arange(len(self))[rows]
        origins = self.origins
        return replace(
            self,
            crops=self.crops[rows],
            y_true=self.y_true[rows],
            names=tuple(self.names[row] for row in kept),
            face_found=self.face_found[rows],
            origins=None if origins is None else tuple(origins[row] for row in kept),
        )

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Map a written set into memory.

        Parameters
        ----------
        directory : Path
            A folder that :func:`write_crop_set` made.

        Returns
        -------
        CropSet
            The set.

        Raises
        ------
        DatasetError
            If the folder is damaged.
        """
        try:
            index = json.loads((directory / _INDEX_FILE).read_text(encoding="utf-8"))
            crops = np.load(directory / _CROPS_FILE, mmap_mode="r")[
                : len(index["names"])
            ]
            return cls(
                source=index["source"],
                split=index["split"],
                crops=crops,
                y_true=np.array(index["y_true"], dtype=np.int64),
                names=tuple(index["names"]),
                face_found=np.array(index["face_found"], dtype=bool),
                unreadable=tuple(index["unreadable"]),
                # Sets that were cached before there were merged ones do not have it.
                origins=tuple(index["origins"]) if index.get("origins") else None,
            )
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise DatasetError(
                f"the cached crops in {directory.name} are damaged; delete that folder "
                "below the cache's crops/ and start again"
            ) from error


@dataclass(frozen=True)
class LabelledPicture:
    """A picture to be cropped.

    Parameters
    ----------
    name : str
        Path below the dataset's folder, with forward slashes.
    label : int
        0 = real, 1 = fake.
    group : str, optional
        What it was made from, such as a source video: no group is in two splits.
    origin : str, optional
        Set that it came from, where several were merged into one.
    """

    name: str
    label: int
    group: str | None = None
    origin: str | None = None


#: What cropping one picture gives: (crop, face found), or None if it is unreadable.
Cropped = tuple[NDArray[np.uint8], bool] | None


def cache_key(facts: dict[str, Any]) -> str:
    """Return a short key of everything that decides the crops' bytes.

    Parameters
    ----------
    facts : dict
        JSON-ready facts.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    text = json.dumps(facts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_crop_set(
    directory: Path,
    label: tuple[str, str],
    pictures: Sequence[LabelledPicture],
    crop_all: Callable[[Sequence[LabelledPicture]], Iterable[Cropped]],
    image_size: tuple[int, int],
) -> CropSet:
    """Crop every picture into a folder that is there whole or not at all.

    Parameters
    ----------
    directory : Path
        The folder to make.
    label : (str, str)
        Source and split.
    pictures : sequence of LabelledPicture
        What to crop, in order.
    crop_all : callable
        Yields one result a picture, in order.
    image_size : (int, int)
        Height and width of a crop.

    Returns
    -------
    CropSet
        The written set, mapped into memory.

    Raises
    ------
    DatasetError
        If the disk has too little space.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    shape = (len(pictures), *image_size, 3)
    _require_space(directory.parent, int(np.prod(shape)))
    with tempfile.TemporaryDirectory(
        prefix=f".{directory.name}-", dir=directory.parent
    ) as staging_name:
        staging = Path(staging_name) / "whole"
        staging.mkdir()
        crops = np.lib.format.open_memmap(
            staging / _CROPS_FILE, mode="w+", dtype=np.uint8, shape=shape
        )
        index = _fill(crops, pictures, crop_all(pictures))
        crops.flush()
        index |= {"source": label[0], "split": label[1]}
        (staging / _INDEX_FILE).write_text(json.dumps(index), encoding="utf-8")
        move_into_place(staging, directory)
    return CropSet.read(directory)


def move_into_place(staging: Path, directory: Path) -> None:
    """Give a finished folder its own name, unless another run was first.

    Parameters
    ----------
    staging : Path
        The finished folder.
    directory : Path
        Its name to be, which stands for its content: another run's is as good.
    """
    try:
        staging.replace(directory)
    except OSError:
        if not directory.exists():
            raise


def _fill(
    crops: NDArray[np.uint8],
    pictures: Sequence[LabelledPicture],
    results: Iterable[Cropped],
) -> dict[str, Any]:
    """Write the readable crops one after another; return their index."""
    kept: list[LabelledPicture] = []
    found: list[bool] = []
    unreadable: list[str] = []
    for picture, result in zip(pictures, results, strict=True):
        if result is None:
            unreadable.append(picture.name)
            continue
        crops[len(kept)], face_found = result
        kept.append(picture)
        found.append(face_found)
    return {
        "names": [picture.name for picture in kept],
        "y_true": [picture.label for picture in kept],
        "face_found": found,
        "unreadable": unreadable,
        "origins": [p.origin for p in kept] if kept and kept[0].origin else None,
    }


def _require_space(directory: Path, needed: int) -> None:
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise DatasetError(
            f"the crops need {needed / 1e9:.1f} GB, the disk has {free / 1e9:.1f} GB "
            "free; make room, or use another --cache-dir or a smaller --image-size"
        )
