"""A dataset looked at before training: counts, encodings, duplicates and leaks.

Every picture is read and decoded once. What is measured of it, whole and as a face
crop, must not tell its class; the leak report says what does.
"""

import json
import logging
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from deepfake_detector import leak_report
from deepfake_detector.config import TrainConfig
from deepfake_detector.crop_cache import LabelledPicture
from deepfake_detector.dataset_handler import DatasetHandler, DatasetSource
from deepfake_detector.dataset_layout import SPLITS
from deepfake_detector.datasets import DATASETS
from deepfake_detector.duplicates import find_duplicates
from deepfake_detector.exceptions import (
    ConfigError,
    DatasetError,
    DatasetLayoutError,
    ImageError,
    UnknownNameError,
)
from deepfake_detector.face_crops import CROP_RULES, FaceBox
from deepfake_detector.face_detectors import FACE_DETECTORS, FaceDetector
from deepfake_detector.html_report import write_page
from deepfake_detector.inspection_page import InspectedPictures, inspection_page
from deepfake_detector.labels import CLASS_NAMES
from deepfake_detector.picture_facts import (
    FileFacts,
    brightness,
    read_file_facts,
    sharpness,
)
from deepfake_detector.thumbnail_baseline import thumbnails
from deepfake_detector.whole_file import write_whole

logger = logging.getLogger(__name__)

#: Side of the crops that are looked at, pixels: what most networks see.
CROP_PX: Final = 128

#: Pictures of each class that the page shows.
SAMPLES: Final = 24

PAGE_FILE, REPORT_FILE = "inspection.html", "inspection.json"

#: The signals by what they are of: name, and words for it. A file's encoding and the
#: thumbnail are fitted on train and scored on the rest; the others are one number each.
_SIGNALS: Final = {
    "whole": {
        "bytes_per_pixel": "file size per pixel",
        "encoding": "encoding",
        "jpeg_quality": "JPEG quality",
        "source_size": "picture size",
        "brightness": "brightness",
        "sharpness": "sharpness",
        "face_found": "face found",
        "face_width": "face width over picture width",
        "thumbnail": "16x16 thumbnail",
    },
    "face": {
        "face_px": "face size before resizing",
        "brightness": "brightness",
        "sharpness": "sharpness",
        "thumbnail": "16x16 thumbnail",
    },
}

_OF: Final = {"whole": "picture", "face": "face crop"}


@dataclass(frozen=True)
class _Look:
    """What was seen of one picture; the last two by the name of a crop rule."""

    file: FileFacts
    numbers: dict[str, float]
    thumbnails: dict[str, NDArray[np.uint8]]
    crops: dict[str, NDArray[np.uint8]]


@dataclass
class _Seen:
    """All that was seen so far, in the order of the pictures."""

    pictures: list[tuple[str, LabelledPicture]] = field(default_factory=list)
    files: list[FileFacts] = field(default_factory=list)
    numbers: list[dict[str, float]] = field(default_factory=list)
    thumbnails: dict[str, list[NDArray[np.uint8]]] = field(default_factory=dict)
    unreadable: list[dict[str, str]] = field(default_factory=list)

    def add(self, split: str, picture: LabelledPicture, look: _Look) -> None:
        self.pictures.append((split, picture))
        self.files.append(look.file)
        self.numbers.append(look.numbers)
        for rule, thumbnail in look.thumbnails.items():
            self.thumbnails.setdefault(rule, []).append(thumbnail)

    @property
    def y_true(self) -> NDArray[np.int64]:
        return np.array([picture.label for _, picture in self.pictures], dtype=np.int64)

    @property
    def splits(self) -> NDArray[np.str_]:
        return np.array([split for split, _ in self.pictures])

    def values(self, name: str) -> NDArray[np.float64]:
        """One number of every picture, (n,), NaN where it has none."""
        return np.array([numbers[name] for numbers in self.numbers])


@dataclass(frozen=True)
class Inspection:
    """What was found in a dataset.

    Parameters
    ----------
    report : dict
        JSON-ready facts.
    pictures : InspectedPictures
        What is drawn of it on the page.
    """

    report: dict[str, Any]
    pictures: InspectedPictures

    def leak_table(self) -> str:
        """Return the leak report for a terminal."""
        return leak_report.table_text(self.report["leak_report"])

    def write(self, folder: Path) -> Path:
        """Write the page and, beside it, the facts as JSON.

        Parameters
        ----------
        folder : Path
            Where they go; it is made.

        Returns
        -------
        Path
            The page. It shows pictures of the set, so it is for this machine alone.
        """
        page = folder / PAGE_FILE
        write_page(page, inspection_page(self.report, self.pictures))
        text = json.dumps(self.report, indent=2, allow_nan=False)
        write_whole(folder / REPORT_FILE, text + "\n")
        return page


def dataset_to_inspect(
    dataset: str, environ: Mapping[str, str], **options: Any
) -> DatasetHandler:
    """Find a dataset by its name in the table, or by a path of the user's own.

    Parameters
    ----------
    dataset : str
        A name of the `datasets` table, or the path of a folder or zip.
    environ : mapping of str to str
        Usually `os.environ`.
    **options : object
        Settings of `TrainConfig` that say where the dataset comes from.

    Returns
    -------
    DatasetHandler
        The dataset, with the crop rule `face`.

    Raises
    ------
    UnknownNameError
        If there is neither such a name nor such a path.
    ConfigError
        If a path is given and, with it, another place to take the dataset from.
    """
    if dataset not in DATASETS:
        options |= _own_source(Path(dataset), options)
        dataset = "folder"
    config = TrainConfig.from_env(environ, dataset=(dataset,), **options)
    source = DatasetSource(
        config.data_dir[0] if config.data_dir else None,
        config.archive[0] if config.archive else None,
        config.dataset_url,
        config.cache_dir,
    )
    return DatasetHandler(
        DATASETS.get(dataset),
        source,
        CROP_RULES["face"],
        (CROP_PX, CROP_PX),
        config.seed,
    )


def inspect_dataset(
    handler: DatasetHandler, rules: Sequence[str] = tuple(_SIGNALS)
) -> Inspection:
    """Look at every picture of a dataset.

    Parameters
    ----------
    handler : DatasetHandler
        The dataset, with the crop rule `face`.
    rules : sequence of {'whole', 'face'}
        Whether the leak report is of whole pictures, of face crops or of both.

    Returns
    -------
    Inspection
        Facts and figures.

    Raises
    ------
    DatasetError
        If the dataset cannot be had, lacks a class, or holds no readable picture of
        one.
    """
    pictures = _pictures(handler)
    everything = [(split, p) for split, of_split in pictures.items() for p in of_split]
    seen, shown = _look_at_all(handler, everything, rules)
    missing = set(range(len(CLASS_NAMES))) - set(seen.y_true.tolist())
    if missing:
        names = " and ".join(CLASS_NAMES[label] for label in sorted(missing))
        raise DatasetError(
            f"dataset {handler.spec.name!r}: no readable picture of class {names}; "
            "unpack or download it again"
        )
    given = handler.source.archive or handler.source.data_dir
    report = {
        "data": given.resolve().name if given else handler.spec.name,
        "dataset": handler.spec.name,
        "data_sha256": handler.data_hash,
        "comes_split": handler.is_split,
        "seed": handler.seed,
        "crop_px": handler.image_size[0],
        "pictures": {
            split: _by_class(np.array([p.label for p in of_split]))
            for split, of_split in pictures.items()
        },
        "unreadable": seen.unreadable,
        **_distributions(seen),
        "face_found": _share_with_face(seen),
        "leak_report": _leak_rows(seen, rules),
        "duplicates": _duplicates(handler, everything),
    }
    values = {name: seen.values(name) for name in seen.numbers[0]}
    return Inspection(
        report, InspectedPictures(seen.y_true, values, shown.samples, shown.averages())
    )


def _own_source(path: Path, options: Mapping[str, Any]) -> dict[str, tuple[Path]]:
    """The setting that a path stands for: a folder or an archive."""
    if not path.exists():
        raise UnknownNameError(
            f"unknown dataset {path.name!r}; choose from: {', '.join(DATASETS)}; or "
            "give the path of a folder or zip with Real and Fake in it"
        )
    if any(options.get(name) for name in ("archive", "data_dir", "dataset_url")):
        raise ConfigError(
            f"{path.name} is where the pictures are; give no --archive, --data-dir or "
            "--dataset-url beside it"
        )
    return {"data_dir" if path.is_dir() else "archive": (path,)}


def _pictures(handler: DatasetHandler) -> dict[str, list[LabelledPicture]]:
    """Every picture by split; of a set too small to be split, all under `all`."""
    try:
        return {split: handler.pictures(split) for split in SPLITS}
    except DatasetLayoutError:
        if handler.is_split:
            raise
        return {"all": handler.pictures("all")}


class _Shown:
    """Crops kept for the page: some samples, and sums that become averages."""

    def __init__(
        self,
        pictures: Sequence[tuple[str, LabelledPicture]],
        rules: Sequence[str],
        seed: int,
    ) -> None:
        rng = np.random.default_rng(seed)
        labels = np.array([picture.label for _, picture in pictures])
        self._chosen = {
            int(index)
            for label in range(len(CLASS_NAMES))
            for index in rng.permutation(np.flatnonzero(labels == label))[:SAMPLES]
        }
        self.samples: dict[str, dict[str, list[NDArray[np.uint8]]]] = {
            rule: {name: [] for name in CLASS_NAMES} for rule in rules
        }
        self._sums: dict[tuple[str, str], NDArray[np.float64]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, index: int, label: int, look: _Look) -> None:
        for rule, cropped in look.crops.items():
            key = rule, CLASS_NAMES[label]
            if index in self._chosen:
                self.samples[rule][CLASS_NAMES[label]].append(cropped)
            self._sums[key] = self._sums.get(key, 0.0) + cropped.astype(np.float64)
            self._counts[key] += 1

    def averages(self) -> dict[str, dict[str, NDArray[np.uint8]]]:
        """The mean crop of each class, (h, w, 3), by crop rule."""
        means: dict[str, dict[str, NDArray[np.uint8]]] = {}
        for (rule, name), total in self._sums.items():
            mean = np.rint(total / self._counts[rule, name]).astype(np.uint8)
            means.setdefault(rule, {})[name] = mean
        return means


def _look_at_all(
    handler: DatasetHandler,
    pictures: Sequence[tuple[str, LabelledPicture]],
    rules: Sequence[str],
) -> tuple[_Seen, _Shown]:
    """Look in parallel; results come in the order of the pictures."""
    detector: FaceDetector = FACE_DETECTORS.get(handler.rule.detector)()
    seen, shown = _Seen(), _Shown(pictures, rules, handler.seed)

    def look(item: tuple[str, LabelledPicture]) -> _Look | str:
        try:
            return _look(handler, detector, item[1], rules)
        except ImageError as error:
            return str(error)
        except OSError as error:
            return f"The file cannot be read ({type(error).__name__})."

    # Decoding and face search both leave Python's lock, so threads are enough.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        looks = tqdm(
            pool.map(look, pictures),
            total=len(pictures),
            desc=f"inspect {handler.spec.name}",
            unit="picture",
            disable=None,
        )
        for index, ((split, picture), found) in enumerate(
            zip(pictures, looks, strict=True)
        ):
            if isinstance(found, str):
                logger.warning("%s: skipped (%s)", picture.name, found)
                seen.unreadable.append({"name": picture.name, "reason": found})
                continue
            seen.add(split, picture, found)
            shown.add(index, picture.label, found)
    return seen, shown


def _look(
    handler: DatasetHandler,
    detector: FaceDetector,
    picture: LabelledPicture,
    rules: Sequence[str],
) -> _Look:
    """Decode a picture once, and measure it whole and cropped."""
    opened, box, found = handler.locate(picture, detector)
    height, width = opened.height, opened.width
    boxes = {"whole": FaceBox(0, 0, width, height), "face": box}
    crops = {
        rule: opened.crop(boxes[rule], CROP_RULES[rule], handler.image_size)
        for rule in rules
    }
    file = read_file_facts(handler.path_of(picture))
    quality = file.jpeg_quality
    numbers = {
        "bytes_per_pixel": file.bytes_per_pixel,
        "source_size": (width * height) ** 0.5,
        "jpeg_quality": float("nan") if quality is None else float(quality),
        "brightness": brightness(opened.all_pixels),
        "sharpness": sharpness(opened.all_pixels),
        "face_found": float(found),
        "face_width": box.width / width if found else float("nan"),
        "face_px": max(box.width, box.height) if found else float("nan"),
    }
    if "face" in crops:
        numbers["face_brightness"] = brightness(crops["face"])
        numbers["face_sharpness"] = sharpness(crops["face"], handler.image_size[0])
    small = {rule: thumbnails([cropped])[0] for rule, cropped in crops.items()}
    return _Look(file, numbers, small, crops)


def _leak_rows(seen: _Seen, rules: Sequence[str]) -> list[dict[str, Any]]:
    """One row for each signal of each crop rule."""
    signals = {rule: dict(_SIGNALS[rule]) for rule in rules}
    if any(picture.origin for _, picture in seen.pictures):
        signals[rules[0]]["origin"] = "set that it came from"
    return [
        {"name": name, "signal": words, "of": _OF[rule]} | _leak_row(seen, rule, name)
        for rule in rules
        for name, words in signals[rule].items()
    ]


def _leak_row(seen: _Seen, rule: str, name: str) -> dict[str, Any]:
    y_true, splits = seen.y_true, seen.splits
    if name == "thumbnail":
        small = np.stack(seen.thumbnails[rule])  # (n, 256)
        return leak_report.thumbnail_row(small, y_true, splits)
    if name == "encoding":
        encodings = [file.encoding for file in seen.files]
        return leak_report.category_row(encodings, y_true, splits)
    if name == "origin":
        origins = [picture.origin or "" for _, picture in seen.pictures]
        return leak_report.category_row(origins, y_true, splits)
    column = f"face_{name}" if rule == "face" and name != "face_px" else name
    return leak_report.measured_row(seen.values(column), y_true, splits)


def _distributions(seen: _Seen) -> dict[str, Any]:
    """How often each size, encoding and JPEG quality occurs in each class."""
    labels = seen.y_true
    columns = {
        "sizes": [f"{file.width}x{file.height}" for file in seen.files],
        "encodings": [file.encoding for file in seen.files],
        "jpeg_qualities": [
            "" if file.jpeg_quality is None else str(file.jpeg_quality)
            for file in seen.files
        ],
    }
    return {
        name: {
            value: _by_class(labels[np.array(column) == value])
            for value, _ in Counter(filter(None, column)).most_common()
        }
        for name, column in columns.items()
    }


def _share_with_face(seen: _Seen) -> dict[str, float]:
    """Share of pictures with a found face, by class."""
    found, labels = seen.values("face_found"), seen.y_true
    return {
        name: float(found[labels == label].mean())
        for label, name in enumerate(CLASS_NAMES)
    }


def _by_class(labels: NDArray[np.integer[Any]]) -> dict[str, int]:
    return {
        name: int(np.sum(labels == label)) for label, name in enumerate(CLASS_NAMES)
    }


def _duplicates(
    handler: DatasetHandler, pictures: Sequence[tuple[str, LabelledPicture]]
) -> dict[str, Any]:
    """Groups of pictures that are the same, and whether a split or class parts them."""
    found = find_duplicates([handler.path_of(picture) for _, picture in pictures])

    def described(group: Sequence[int]) -> dict[str, Any]:
        members = [pictures[index] for index in group]
        return {
            "pictures": [picture.name for _, picture in members],
            "crosses_split": len({split for split, _ in members}) > 1,
            "crosses_class": len({picture.label for _, picture in members}) > 1,
        }

    return {
        "exact": [described(group) for group in found.exact],
        "near": [described(group) for group in found.near],
    }
