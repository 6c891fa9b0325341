"""DatasetHandler: a dataset's archive -> face crops with labels, split by split."""

import hashlib
import inspect
import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tqdm import tqdm

from deepfake_detector import face_crops, face_proposals, face_search, images
from deepfake_detector.architectures import with_own_recipe
from deepfake_detector.archive_download import download_archive, kaggle_credentials
from deepfake_detector.archive_extraction import archive_sha256, extract_archive
from deepfake_detector.config import TrainConfig
from deepfake_detector.crop_cache import (
    Cropped,
    CropSet,
    LabelledPicture,
    cache_key,
    move_into_place,
    write_crop_set,
)
from deepfake_detector.dataset_layout import (
    SPLITS,
    find_root,
    is_split,
    list_pictures,
    merged_parts,
)
from deepfake_detector.datasets import BOXES_FILE, DATASETS, DatasetSpec
from deepfake_detector.exceptions import (
    DatasetError,
    DatasetLayoutError,
    DownloadError,
    ImageError,
)
from deepfake_detector.face_crops import CropRule, FaceBox, crop_rule
from deepfake_detector.face_detectors import FACE_DETECTORS, FaceDetector
from deepfake_detector.labels import CLASS_NAMES
from deepfake_detector.picture import Picture
from deepfake_detector.split_guard import SplitGuard

logger = logging.getLogger(__name__)

#: More unreadable pictures than this share of a split mean that the set is damaged.
MAX_UNREADABLE_SHARE: Final = 0.01


@dataclass(frozen=True)
class DatasetSource:
    """Where the pictures come from; the first that is given wins.

    Parameters
    ----------
    data_dir : Path or None
        Unpacked folder.
    archive : Path or None
        Zip file.
    url : str or None
        Address of a zip instead of the spec's own.
    cache_dir : Path
        Where downloads, unpacked sets and crops are kept.
    """

    data_dir: Path | None
    archive: Path | None
    url: str | None
    cache_dir: Path


class DatasetHandler:
    """One dataset, brought to this machine, unpacked, split and cropped.

    Parameters
    ----------
    spec : DatasetSpec
        What the dataset is.
    source : DatasetSource
        Where it comes from here.
    rule : CropRule
        How a picture becomes a network's input.
    image_size : (int, int)
        Height and width of that input.
    seed : int, default 42
        Seed of drawn sets and of the split of sets without one.

    Attributes
    ----------
    guard : SplitGuard or None
        What keeps copies and groups in one split, for sets that are trained on; without
        it the pictures stay where the set has them, as for scoring a given split.
    """

    def __init__(
        self,
        spec: DatasetSpec,
        source: DatasetSource,
        rule: CropRule,
        image_size: tuple[int, int],
        seed: int = 42,
    ) -> None:
        self.spec = spec
        self.source = source
        self.rule = rule
        self.image_size = image_size
        self.seed = seed
        self.guard: SplitGuard | None = None

    @classmethod
    def for_config(cls, config: TrainConfig) -> list["DatasetHandler"]:
        """Make one handler for each dataset of a training configuration.

        Parameters
        ----------
        config : TrainConfig
            The run's settings.

        Returns
        -------
        list of DatasetHandler
            In the order of `config.dataset`.

        Raises
        ------
        UnknownNameError
            If a dataset or crop rule is unknown.
        """
        config = with_own_recipe(config)
        rule, size = crop_rule(config.crop or ""), config.image_size or 0
        handlers = [
            cls(
                DATASETS.get(name),
                DatasetSource(
                    config.data_dir[i] if config.data_dir else None,
                    config.archive[i] if config.archive else None,
                    config.dataset_url,
                    config.cache_dir,
                ),
                rule,
                (size, size),
                config.seed,
            )
            for i, name in enumerate(config.dataset)
        ]
        if config.duplicate_control:
            guard = SplitGuard(handlers, config.cache_dir)
            for handler in handlers:
                handler.guard = guard
        return handlers

    @classmethod
    def for_path(
        cls,
        path: Path,
        rule: CropRule,
        image_size: tuple[int, int],
        cache_dir: Path,
        name: str | None = None,
    ) -> "DatasetHandler":
        """Make a handler for a set that is to be scored.

        Parameters
        ----------
        path : Path
            Folder or zip; or a name in the `datasets` table, where there is no such
            file.
        rule : CropRule
            How a picture becomes a network's input.
        image_size : (int, int)
            Height and width of that input.
        cache_dir : Path
            Where downloads, unpacked sets and crops are kept.
        name : str, optional
            What the set is called; a name in the table says how it is laid out.

        Returns
        -------
        DatasetHandler
            The set.

        Raises
        ------
        DatasetLayoutError
            If there is neither such a path nor such a name.
        """
        of_table = str(path) in DATASETS and not path.exists()
        if not of_table and not path.exists():
            raise DatasetLayoutError(
                f"{path.name}: there is no such folder or zip, and no set of that name "
                "in `list datasets`"
            )
        spec = str(path) if of_table else name if name in DATASETS else "folder"
        zipped = path.is_file()
        source = DatasetSource(
            data_dir=None if zipped or of_table else path,
            archive=path if zipped else None,
            url=None,
            cache_dir=cache_dir,
        )
        return cls(DATASETS.get(spec or "folder"), source, rule, image_size)

    def split_to_score(self, asked: str | None) -> str:
        """Choose what is scored of a set, as training left it.

        A split that was made here is guarded as in training: else a picture could be
        scored whose copy was trained on.

        Parameters
        ----------
        asked : {'train', 'val', 'test'} or None
            The split that was asked for.

        Returns
        -------
        str
            That one; else `test` where the set comes split, and `all` where not.
        """
        split = asked or ("test" if self.is_split else "all")
        if split in SPLITS and self.guard is None and self.unsplit_origins:
            self.guard = SplitGuard([self], self.source.cache_dir)
        return split

    def download_dataset(self) -> Path:
        """Bring the archive to this machine, unless it is here already.

        Returns
        -------
        Path
            The whole, checked archive.

        Raises
        ------
        DownloadError
            If the set has no address, or the download fails.
        """
        if self.source.archive is not None:
            if not self.source.archive.is_file():
                raise DatasetError(
                    f"--archive {self.source.archive.name}: there is no such file"
                )
            return self.source.archive
        url = self.source.url or self.spec.url
        if url is None:
            raise DownloadError(
                f"dataset {self.spec.name!r} has no download address; give "
                "--archive FILE or --data-dir DIR"
            )
        # The address is part of the name: another address may hold another archive.
        tag = hashlib.sha256(url.encode()).hexdigest()[:8]
        destination = self.source.cache_dir / f"{self.spec.name}-{tag}.zip"
        if not destination.is_file():
            credentials = kaggle_credentials(os.environ, Path.home())
            download_archive(url, destination, credentials=credentials)
        return destination

    def unzip_dataset(self) -> Path:
        """Unpack the archive, unless it is unpacked already.

        Returns
        -------
        Path
            The folder that holds the unpacked set.

        Raises
        ------
        ArchiveError
            If the archive is damaged or holds members that are refused.
        """
        if self.source.data_dir is not None:
            if not self.source.data_dir.is_dir():
                raise DatasetLayoutError(
                    f"--data-dir {self.source.data_dir.name}: there is no such folder"
                )
            return self.source.data_dir
        if self.spec.generate is not None and self.source.archive is None:
            return self._generated(self.spec.generate)
        archive = self.download_dataset()
        name = f"{self.spec.name}-{archive_sha256(archive)[:16]}"
        folder = self.source.cache_dir / name
        if not folder.is_dir():
            extract_archive(archive, folder)
        return folder

    def get_image_dataset_from_directory(self, split: str) -> CropSet:
        """Return one split as crops, from the cache where it holds them.

        Parameters
        ----------
        split : {'train', 'val', 'test', 'all'}
            Which split.

        Returns
        -------
        CropSet
            Crops (n, h, w, 3) uint8 with labels; pictures in a stated, fixed order.

        Raises
        ------
        DatasetLayoutError
            If the split or one of its classes is missing or empty.
        DatasetError
            If more than one percent of the pictures cannot be read.
        """
        pictures = self.pictures(split)
        facts = {
            "data": self.data_hash,
            "pictures": [(p.name, p.label) for p in pictures],
            "rule": self.rule.to_dict(),
            "image_size": self.image_size,
            "code": self._crop_code_hash(),
            "packages": {name: version(name) for name in ("pillow", "dlib-bin")},
        }
        folder = f"{self.spec.name}-{split}-{cache_key(facts)}"
        directory = self.source.cache_dir / "crops" / folder
        if directory.is_dir():
            crop_set = CropSet.read(directory)
        else:
            crop_set = write_crop_set(
                directory,
                (self.spec.name, split),
                pictures,
                self._crop_all,
                self.image_size,
            )
        self._report(crop_set)
        return crop_set

    def load_split_data(self) -> tuple[CropSet, CropSet, CropSet]:
        """Return the train, validation and test crops.

        Returns
        -------
        tuple of CropSet
            `train`, `val`, `test`.
        """
        train, val, test = map(self.get_image_dataset_from_directory, SPLITS)
        return train, val, test

    def pictures(self, split: str) -> list[LabelledPicture]:
        """Return the pictures of one split, by class and then by name.

        Parameters
        ----------
        split : {'train', 'val', 'test', 'all'}
            Which split; `all` is known for sets without a split of their own.

        Returns
        -------
        list of LabelledPicture
            Names and labels.

        Raises
        ------
        DatasetLayoutError
            If there is no such split, or a class has too few pictures to make one.
        """
        if split not in self._pictures:
            raise DatasetLayoutError(
                f"dataset {self.spec.name!r} has no split {split!r}; choose from: "
                f"{', '.join(self._pictures)}"
            )
        pictures = self._pictures[split]
        for origin in sorted({p.origin for p in self.listed["train"]}, key=str):
            labels = {p.label for p in pictures if p.origin == origin}
            if len(labels) < len(CLASS_NAMES):
                raise DatasetLayoutError(self._too_few(split, origin))
        return pictures

    def path_of(self, picture: LabelledPicture) -> Path:
        """Return where a picture lies.

        Parameters
        ----------
        picture : LabelledPicture
            One of :meth:`pictures`.

        Returns
        -------
        Path
            Its file.
        """
        return self._root / picture.name

    def locate(
        self, picture: LabelledPicture, detector: FaceDetector
    ) -> tuple[Picture, FaceBox, bool]:
        """Decode a picture and find the face that its label is of.

        Parameters
        ----------
        picture : LabelledPicture
            One of :meth:`pictures`.
        detector : FaceDetector
            Finds faces where the set states no box itself.

        Returns
        -------
        (Picture, FaceBox, bool)
            The picture, the box to crop, and whether a face was found; where none
            was, the box is the picture's centre.

        Raises
        ------
        ImageError
            If the picture cannot be decoded.
        """
        opened = Picture.of(self.path_of(picture))
        boxes = self._boxes(picture.name, opened, detector)
        if boxes:
            return opened, face_crops.nearest_centre(boxes, opened), True
        return opened, face_crops.centre_box(opened, self.rule), False

    @property
    def is_split(self) -> bool:
        """Whether the set, or one of those merged into it, comes split."""
        return "all" not in self.listed

    @cached_property
    def listed(self) -> dict[str, list[LabelledPicture]]:
        """Every picture of every split, as the set comes."""
        return list_pictures(self._root, self.spec, self.seed)

    @cached_property
    def unsplit_origins(self) -> frozenset[str | None]:
        """Origins of its pictures whose split was made here."""
        if not self.spec.is_merged:
            return frozenset() if self.is_split else frozenset({None})
        parts = merged_parts(self._root)
        return frozenset(name for name, (_, top) in parts.items() if not is_split(top))

    @cached_property
    def specs(self) -> dict[str, DatasetSpec]:
        """What each source is: the set itself, or those merged into it."""
        if not self.spec.is_merged:
            return {self.spec.name: self.spec}
        return {name: spec for name, (spec, _) in merged_parts(self._root).items()}

    def duplicate_facts(self, source: str | None = None) -> dict[str, int] | None:
        """Return how many pictures have copies, and how many were moved for it.

        Parameters
        ----------
        source : str, optional
            One of those merged into the set; by default all of the set.

        Returns
        -------
        dict of str to int or None
            What `SplitGuard.facts_of` returns; None without a guard.
        """
        if self.guard is None:
            return None
        return self.guard.facts_of(self, source if self.spec.is_merged else None)

    @cached_property
    def data_hash(self) -> str:
        """SHA-256 of the archive, or of names and contents of an unpacked folder."""
        if self.source.data_dir is None and (
            self.source.archive is not None or self.spec.generate is None
        ):
            return archive_sha256(self.download_dataset())
        digest = hashlib.sha256()
        for path in sorted(p for p in self._root.rglob("*") if p.is_file()):
            digest.update(path.relative_to(self._root).as_posix().encode() + b"\0")
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    @cached_property
    def _root(self) -> Path:
        """The folder right above the split folders, or above the class folders."""
        return find_root(self.unzip_dataset(), self.spec)

    @cached_property
    def _pictures(self) -> dict[str, list[LabelledPicture]]:
        """Every picture of every split, as the set is used here."""
        return self.guard.splits_of(self) if self.guard else self.listed

    def _too_few(self, split: str, origin: str | None) -> str:
        """What is wrong with a split that lacks a class, and why it may."""
        facts = self.duplicate_facts()
        moved = facts["moved"] if facts else 0
        copies = f"; {moved} that have a copy elsewhere were moved there" * bool(moved)
        return (
            f"dataset {origin or self.spec.name!r}: too few pictures for a {split} "
            f"split{copies}; give at least 10 of each class, or train/, val/ and test/ "
            "folders"
        )

    def _generated(self, generate: Callable[[Path, int], None]) -> Path:
        """Draw the set, unless it is drawn already; whole or not at all."""
        # The key changes with the seed and with the drawing code.
        code = Path(inspect.getfile(generate)).read_text(encoding="utf-8")
        key = cache_key({"seed": self.seed, "code": code})
        folder = self.source.cache_dir / f"{self.spec.name}-{key}"
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(
                prefix=f".{folder.name}-", dir=folder.parent
            ) as staging_name:
                staging = Path(staging_name) / "whole"
                staging.mkdir()
                generate(staging, self.seed)
                move_into_place(staging, folder)
        return folder

    @cached_property
    def _stated_boxes(self) -> dict[str, FaceBox]:
        """Face boxes that the set states itself, by picture name."""
        roots = [self._root]
        if self.spec.is_merged:
            roots = [root for _, root in merged_parts(self._root).values()]
        boxes: dict[str, FaceBox] = {}
        for root in roots:
            below = root.relative_to(self._root)
            for name, box in _boxes_of(root / BOXES_FILE).items():
                boxes[(below / name).as_posix()] = box
        return boxes

    def _crop_all(self, pictures: Sequence[LabelledPicture]) -> Iterator[Cropped]:
        """Crop in parallel, in order, with a progress bar."""
        detector: FaceDetector = FACE_DETECTORS.get(self.rule.detector)()

        def crop_one(picture: LabelledPicture) -> Cropped:
            try:
                opened, box, found = self.locate(picture, detector)
                cropped = opened.crop(box, self.rule, self.image_size)
            except (ImageError, OSError) as error:
                logger.warning("%s: skipped (%s)", picture.name, error)
                return None
            return cropped, found

        # Decoding and face search both leave Python's lock, so threads are enough.
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            yield from tqdm(
                pool.map(crop_one, pictures),
                total=len(pictures),
                desc=f"crop {self.spec.name}",
                unit="picture",
                disable=None,
            )

    def _crop_code_hash(self) -> str:
        """Changes with the code that decides the crops' bytes."""
        detector = inspect.getmodule(FACE_DETECTORS.get(self.rule.detector))
        decoded = inspect.getmodule(Picture)
        modules = images, decoded, face_crops, face_proposals, face_search, detector
        sources = [inspect.getsource(m) for m in modules if m]
        return hashlib.sha256("".join(sources).encode()).hexdigest()

    def _boxes(
        self, name: str, picture: Picture, detector: FaceDetector
    ) -> list[FaceBox]:
        stated = self._stated_boxes.get(name) if self.rule.square else None
        return [stated] if stated else detector.detect(picture)

    def _report(self, crop_set: CropSet) -> None:
        """Log what was found and skipped; refuse a set that is largely damaged."""
        skipped, total = len(crop_set.unreadable), len(crop_set)
        shares = ", ".join(
            f"{name} {share:.3f}" for name, share in crop_set.face_found_share().items()
        )
        logger.info(
            "%s %s: %d pictures, %d unreadable; share with a found face: %s",
            crop_set.source,
            crop_set.split,
            total,
            skipped,
            shares,
        )
        if skipped > MAX_UNREADABLE_SHARE * (skipped + total):
            raise DatasetError(
                f"dataset {self.spec.name!r}: {skipped} of {skipped + total} pictures "
                f"of the {crop_set.split} split cannot be read, first "
                f"{', '.join(crop_set.unreadable[:3])}; unpack or download it again"
            )


def _boxes_of(path: Path) -> dict[str, FaceBox]:
    """Face boxes that a file states, by picture name; none without the file."""
    if not path.is_file():
        return {}
    try:
        boxes = json.loads(path.read_text(encoding="utf-8"))
        return {name: FaceBox(*map(float, box)) for name, box in boxes.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise DatasetLayoutError(
            f"{BOXES_FILE}: expected a picture's path and [left, top, width, "
            f"height] for each picture ({error})"
        ) from error
