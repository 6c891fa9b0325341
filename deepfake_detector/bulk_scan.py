"""Many pictures to one table of rows, on all cores, to be gone on with after a kill.

Pictures are met in one order and in chunks; workers judge chunks side by side; rows
are appended in the order of the pictures. So a scan is where its number of rows is, and
needs memory for the chunks in hand alone, whether it is of ten pictures or of 10^8.
"""

import hashlib
import os
import shutil
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from deepfake_detector.artifact import CARD_FILE, Artifact
from deepfake_detector.config import ServeConfig
from deepfake_detector.exceptions import (
    ConfigError,
    DeepfakeDetectorError,
    StorageError,
)
from deepfake_detector.face_detectors import face_model_hash
from deepfake_detector.file_lock import only_process
from deepfake_detector.found_picture import FoundPicture
from deepfake_detector.path_pattern import absolute, is_folder
from deepfake_detector.picture_sources import PictureSources
from deepfake_detector.scan_journal import ScanJournal, has_rows, journal_folder
from deepfake_detector.scan_judge import ScanSettings
from deepfake_detector.scan_parquet import require_pyarrow, write_parquet
from deepfake_detector.scan_progress import ScanProgress
from deepfake_detector.scan_row import CSV, JSON_LINES, is_failure, read_line
from deepfake_detector.scan_workers import ScanWorkers

#: What the output may be, by its name's ending, and how rows stand until it is whole.
FORMS: Final = {".csv": CSV, ".jsonl": JSON_LINES, ".parquet": JSON_LINES}

#: Settings that change what is answered, beside those that name files (`_model`).
_OF_ANSWERS: Final = (
    *("backend", "keras_score", "face_detector", "max_pixels"),
    *("threshold", "stability"),
)

#: Pictures of a chunk: few, so that workers end together and a kill loses little; and
#: of ready crops, which go through the network together.
CHUNK_PICTURES: Final = 16
CHUNK_CROPS: Final = 32

#: A chunk ends early when its pictures hold so many bytes.
CHUNK_HELD_BYTES: Final = 8 * 10**6


class ScanEngine(Protocol):
    """Judges chunks of pictures somewhere, and gives lines in the chunks' order."""

    def judge(
        self, chunks: Iterator[Sequence[FoundPicture]]
    ) -> Iterator[Sequence[bytes]]:
        """Judge.

        Parameters
        ----------
        chunks : iterator of sequence of FoundPicture
            The pictures.

        Yields
        ------
        sequence of bytes
            A line for each picture of a chunk.
        """
        ...


@dataclass(frozen=True)
class ScanReport:
    """What came of a scan.

    Parameters
    ----------
    out : Path
        The output.
    pictures : int
        Rows in it.
    failed : int
        Rows of pictures that could not be judged.
    resumed_at : int
        Rows that were there when this sitting began.
    seconds : float
        How long this sitting took.
    first_after_s : float
        How long its first rows took, which is mostly starting the processes.
    passed_over : dict of str to int
        Files and folders that were left out, by reason.
    """

    out: Path
    pictures: int
    failed: int
    resumed_at: int
    seconds: float
    first_after_s: float
    passed_over: dict[str, int]

    @property
    def per_second(self) -> float:
        """Pictures a second of this sitting."""
        return (self.pictures - self.resumed_at) / max(1e-9, self.seconds)

    def __str__(self) -> str:
        left_out = "; ".join(f"{n:,} {why}" for why, n in self.passed_over.items())
        return (
            f"wrote {self.pictures:,} rows to {self.out}, {self.failed:,} of them of "
            f"pictures that could not be judged; {self.per_second:.4g} a second"
            + (f"; passed over: {left_out}" if left_out else "")
        )


@dataclass(frozen=True)
class ScanOptions:
    """How a scan is done.

    Parameters
    ----------
    workers : int or None, default None
        Processes that judge; by default one for each core that this one may use.
    engine : {'local', 'ray'}, default 'local'
        Where they are.
    whole_picture : bool, default False
        Score the largest centred square where no face is found.
    crops : bool, default False
        The pictures are ready face crops.
    all_files : bool, default False
        Take every file of folders and archives for a picture.
    overwrite : bool, default False
        Begin anew where there is an output, or an unfinished scan.
    """

    workers: int | None = None
    engine: str = "local"
    whole_picture: bool = False
    crops: bool = False
    all_files: bool = False
    overwrite: bool = False


@dataclass
class BulkScan:
    """One scan: what of, where to, and how.

    Parameters
    ----------
    paths : sequence of str
        Files, folders, archives and patterns.
    out : Path
        File to write, or a link to it; its ending is one of `FORMS`.
    config : ServeConfig
        The model and how it answers.
    options : ScanOptions, optional
        How it is done.

    Raises
    ------
    ConfigError
        If the output's ending is unknown, nothing is at a path, or options do not go
        together.
    MissingPackageError
        If the output needs a package that is not installed.
    ArtifactError
        If the model cannot be used.
    """

    paths: Sequence[str]
    out: Path
    config: ServeConfig
    options: ScanOptions = field(default_factory=ScanOptions)

    def __post_init__(self) -> None:
        suffix = self.out.suffix.lower()
        if suffix not in FORMS:
            raise ConfigError(
                f"--out: expected a name that ends in {', '.join(FORMS)}, got "
                f"{self.out.name!r}"
            )
        if self.options.crops and self.options.whole_picture:
            raise ConfigError(
                "--crops, --whole-picture: expected one of them, got both; a ready "
                "crop is scored as it is, so leave --whole-picture out"
            )
        if suffix == ".parquet":
            require_pyarrow()
        self._form = FORMS[suffix]
        # Where a link leads the rows are to be, and not in the link's place.
        self._target = Path(os.path.realpath(self.out))
        self._model, self._hashes = _model(self.config)
        self._sources = PictureSources(self.paths, self.options.all_files)

    def run(self) -> ScanReport:
        """Judge every picture that has no row yet, and give the output its name.

        Returns
        -------
        ScanReport
            What came of it.

        Raises
        ------
        ConfigError
            If the output is there already, another scan writes it, or what is there of
            it is of other settings or other pictures.
        StorageError
            If the output cannot be written; the rows so far are kept.
        """
        folder = self._target.parent
        if not is_folder(folder) or not os.access(folder, os.W_OK | os.X_OK):
            raise StorageError(
                f"{self.out.name}: its folder does not exist or may not be written to; "
                "give another --out"
            )
        lock = self._target.with_name(f".{self._target.name}.lock")
        try:
            with only_process(lock, wait=False):
                return self._run()
        except BlockingIOError as error:
            raise ConfigError(
                f"{self.out.name}: another scan is writing it; wait for that one, or "
                "give another --out"
            ) from error

    def _run(self) -> ScanReport:
        self._make_room()
        journal = ScanJournal(self._target, self._form, self._settings())
        try:
            pictures = self._sources.pictures()
            progress = self._skip_done(journal, pictures)
            self._count_meanwhile(progress)
            # Whatever ends this, the workers end with it and not when it is collected.
            with closing(self._judged(pictures)) as judged:
                for lines in judged:
                    journal.append(lines, progress.done)
                    failed = sum(is_failure(line, self._form) for line in lines)
                    progress.advance(len(lines), failed)
            progress.close()
            self._finish(journal)
        finally:
            journal.close()
        return ScanReport(
            self.out,
            progress.done,
            progress.failed,
            progress.before,
            progress.seconds,
            progress.first_after_s or 0.0,
            dict(self._sources.passed_over),
        )

    def _make_room(self) -> None:
        """Refuse to write over an output, unless told to or gone on with."""
        folder = journal_folder(self._target)
        if self.options.overwrite:
            shutil.rmtree(folder, ignore_errors=True)
        elif self._target.exists() and not has_rows(self._target, self._form):
            raise ConfigError(
                f"{self.out.name}: it is there already, a finished scan or another "
                "file; give another --out, or --overwrite to replace it"
            )

    def _settings(self) -> dict[str, Any]:
        """What must be the same for a scan to be gone on with."""
        config = self.config.to_dict()
        return {
            "paths": list(self.paths),
            "absolute_paths": [absolute(path) for path in self.paths],
            "output": self.out.suffix.lower(),
            "model": self._model,
            **self._hashes,
            **{name: config[name] for name in _OF_ANSWERS},
            "whole_picture": self.options.whole_picture,
            "crops": self.options.crops,
            "all_files": self.options.all_files,
        }

    def _skip_done(
        self, journal: ScanJournal, pictures: Iterator[FoundPicture]
    ) -> ScanProgress:
        """Go past the pictures that have their row, and make sure that they are same.

        After a crash of the machine the last rows may be damaged: they are cut off at
        the first one that is, and made again.
        """
        done = failed = end = 0
        for line, line_end in journal.lines():
            row = read_line(line, self._form)
            if row is None:
                break
            picture = next(pictures, None)
            if picture is None or picture.path != row["path"]:
                raise ConfigError(
                    f"{self.out.name}: row {done + 1} of the unfinished scan is of "
                    f"{row['path']!r}, where there is now "
                    f"{picture.path if picture else 'nothing'!r}: the pictures have "
                    "changed since; put them back, or give --overwrite to begin anew"
                )
            done, end = done + 1, line_end
            failed += is_failure(line, self._form)
        journal.keep(end)
        return ScanProgress(done, failed)

    def _count_meanwhile(self, progress: ScanProgress) -> None:
        """Find out how many pictures there are while the first ones are judged."""

        def count() -> None:
            # What is wrong with the sources, the scan itself finds out and says.
            with suppress(DeepfakeDetectorError, OSError):
                progress.total = self._sources.count()

        threading.Thread(target=count, daemon=True).start()

    def _judged(
        self, pictures: Iterator[FoundPicture]
    ) -> Generator[Sequence[bytes], None, None]:
        settings = ScanSettings(
            self.config.to_dict(),
            self._form,
            self.options.whole_picture,
            self.options.crops,
        )
        chunks = _chunks(
            pictures, CHUNK_CROPS if self.options.crops else CHUNK_PICTURES
        )
        with self._engine(settings) as engine:
            yield from engine.judge(chunks)

    def _engine(self, settings: ScanSettings) -> AbstractContextManager[ScanEngine]:
        if self.options.engine == "ray":
            from deepfake_detector.ray_scan import RayScan

            return RayScan(settings, self._model, self.options.workers)
        cores = len(os.sched_getaffinity(0))
        return ScanWorkers(settings, self._model, self.options.workers or cores)

    def _finish(self, journal: ScanJournal) -> None:
        if self.out.suffix.lower() != ".parquet":
            journal.finish()
            return
        whole = journal.folder / f"whole{self.out.suffix}"
        try:
            write_parquet(journal.rows_file, whole)
        except OSError as error:
            raise StorageError(
                f"{self.out.name}: cannot be written ({error.strerror or error}); free "
                "some space, then give the same command without --overwrite: all rows "
                "are kept"
            ) from error
        journal.finish(whole)


def _chunks(
    pictures: Iterator[FoundPicture], size: int
) -> Iterator[Sequence[FoundPicture]]:
    chunk: list[FoundPicture] = []
    for picture in pictures:
        chunk.append(picture)
        held = sum(each.held_bytes for each in chunk)
        if len(chunk) == size or held >= CHUNK_HELD_BYTES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _model(config: ServeConfig) -> tuple[str, dict[str, str | None]]:
    """The name of the model, and hashes of all that it and its detector are made of."""
    if config.keras_file is not None:
        # Such a network is given whole pictures.
        name, trained = config.keras_file.stem, "whole_picture"
        data = config.keras_file.read_bytes()
    else:
        card = Artifact.load(config.model_dir).card
        name, trained = card.name, card.crop.detector
        data = (config.model_dir / CARD_FILE).read_bytes()
    detector = config.face_detector or trained
    return name, {
        "model_sha256": hashlib.sha256(data).hexdigest(),
        "face_model_sha256": face_model_hash(detector, config.face_model),
    }
