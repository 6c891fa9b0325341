"""A model folder: model.keras, model.tflite and the card that says what they are.

The card lists each file with its SHA-256; a folder is refused whole when a file is
missing or altered. Writing goes to a temporary folder that is renamed when complete.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from deepfake_detector.calibration import Calibration
from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.exceptions import ArtifactError, ConfigError
from deepfake_detector.face_crops import CropRule
from deepfake_detector.labels import CLASS_NAMES, SCORE_SIGNS
from deepfake_detector.readable_text import readable

CARD_FILE: Final = "card.json"
KERAS_FILE: Final = "model.keras"
LITERT_FILE: Final = "model.tflite"

#: Name of the report of several sets as one, among a card's metrics; no set bears it.
POOLED: Final = "pooled"

#: More of a file's name is not shown: it is the card's word, whoever wrote it.
_LONGEST_NAME: Final = 60

#: Largest card that is read; the one that ships has an eighth of a megabyte, bytes.
MAX_CARD_BYTES: Final = 16_000_000

#: Version of the card's fields; a card of another version is refused.
CARD_FORMAT: Final = 1


#: Fields of a card by their type, where nothing else checks it.
_TYPES: Final[dict[type, tuple[str, ...]]] = {
    str: ("name", "architecture", "licence_note"),
    dict: ("metrics", "provenance", "export_check"),
    list: ("leave_one_out",),
}

#: What a card of wrong fields is known to raise.
_CARD_ERRORS: Final = (
    KeyError,
    TypeError,
    ValueError,
    OverflowError,
    RecursionError,
    ConfigError,
)

_Card = TypeVar("_Card", bound="ModelCard")


@dataclass(frozen=True)
class ModelCard:
    """What a model is, how it must be fed and what was measured of it.

    Parameters
    ----------
    name : str
        Name shown to users.
    architecture : str
        Name in the `architectures` table.
    input_shape : (int, int, int)
        Height, width and channels of the network's input.
    crop : CropRule
        How a picture becomes that input.
    calibration : Calibration, optional
        From logits to P(fake), fitted on validation.
    threshold : float, default 0.5
        P(fake) from which an evaluation counts a picture as Fake, in [0, 1].
    cut_offs : CutOffs, optional
        From P(fake) to likely real, inconclusive or likely fake, fitted on validation.
        Where not given, as in older cards: a band around `threshold`.
    score : {'p_fake', 'p_real'}, default 'p_fake'
        What the network's own score stands for.
    metrics : dict, optional
        Figures, each under its data set and split.
    provenance : dict, optional
        Data, configuration, versions and commit of the training run.
    licence_note : str, default ""
        What the licences of the training data allow.
    files : dict of str to str, optional
        SHA-256 of each file by its name.
    leave_one_out : list of dict, optional
        What the same recipe gets on a set that it was not trained on, a row a set.
    export_check : dict, optional
        How far the shipped file's answers are from those of the network it was made
        of, by split and data set.
    """

    name: str
    architecture: str
    input_shape: tuple[int, int, int]
    crop: CropRule
    calibration: Calibration = field(default_factory=Calibration)
    threshold: float = 0.5
    score: str = "p_fake"
    metrics: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    licence_note: str = ""
    files: dict[str, str] = field(default_factory=dict)
    # Never None once made: what stands for "not given" until the threshold is known.
    cut_offs: CutOffs = field(default=None)  # type: ignore[assignment]
    leave_one_out: list[dict[str, Any]] = field(default_factory=list)
    export_check: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0.0 <= self.threshold <= 1.0:
            raise ArtifactError(
                f"card.json: threshold must be in [0, 1], not {self.threshold}"
            )
        if self.cut_offs is None:
            object.__setattr__(self, "cut_offs", CutOffs.around(self.threshold))
        if self.score not in SCORE_SIGNS:
            raise ArtifactError(
                f"card.json: score must be one of {', '.join(SCORE_SIGNS)}, "
                f"not {self.score!r}"
            )
        if len(self.input_shape) != 3 or min(self.input_shape) < 1:
            raise ArtifactError(
                "card.json: input_shape must be (height, width, channels), "
                f"not {self.input_shape}"
            )
        if not isinstance(self.files, dict):
            raise ArtifactError(
                "card.json: files must give the SHA-256 of each file by its name"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the card as JSON-ready fields."""
        return {
            "format": CARD_FORMAT,
            "name": self.name,
            "architecture": self.architecture,
            "input_shape": list(self.input_shape),
            "crop": self.crop.to_dict(),
            "classes": list(CLASS_NAMES),
            "score": self.score,
            "calibration": self.calibration.to_dict(),
            "threshold": self.threshold,
            "cut_offs": self.cut_offs.to_dict(),
            "metrics": self.metrics,
            "provenance": self.provenance,
            "leave_one_out": self.leave_one_out,
            "export_check": self.export_check,
            "licence_note": self.licence_note,
            "files": self.files,
        }

    @classmethod
    def from_dict(cls, fields: Any) -> Self:
        """Read a card's fields.

        Parameters
        ----------
        fields : dict
            What :meth:`to_dict` returns.

        Returns
        -------
        ModelCard
            The card.

        Raises
        ------
        ArtifactError
            If a field is missing, unknown or of the wrong type, or the classes are in
            another order than this program's.
        """
        try:
            fields = dict(fields)
            version, classes = fields.pop("format"), fields.pop("classes")
            if version != CARD_FORMAT:
                raise ArtifactError(
                    f"card.json: expected format {CARD_FORMAT}, got {version!r}; "
                    "export the model again with this version"
                )
            if classes != list(CLASS_NAMES):
                raise ArtifactError(
                    f"card.json: expected classes {list(CLASS_NAMES)}, got {classes!r}"
                )
            fields["input_shape"] = tuple(int(n) for n in fields["input_shape"])
            fields["crop"] = CropRule(**fields["crop"])
            fields["calibration"] = Calibration(**fields["calibration"])
            if "cut_offs" in fields:
                fields["cut_offs"] = CutOffs.from_dict(fields["cut_offs"])
            return _of_right_types(cls(**fields))
        except _CARD_ERRORS as error:
            # A field's name is in it, and the file may be anyone's.
            reason = readable(str(error))
            raise ArtifactError(
                f"card.json: a field is missing or of the wrong type ({reason})"
            ) from error


@dataclass(frozen=True)
class Artifact:
    """A verified model folder.

    Parameters
    ----------
    directory : Path
        The folder.
    card : ModelCard
        Its card.
    """

    directory: Path
    card: ModelCard

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read the card and check every file that it lists.

        Parameters
        ----------
        directory : Path
            A model folder.

        Returns
        -------
        Artifact
            The verified folder.

        Raises
        ------
        ArtifactError
            If the folder, the card or a file is missing, or a file was altered.
        """
        text = _card_text(directory)
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ArtifactError(f"{CARD_FILE}: not valid JSON ({error})") from error
        artifact = cls(directory, ModelCard.from_dict(fields))
        for name in artifact.card.files:
            artifact.read(name)
        return artifact

    def read(self, name: str) -> bytes:
        """Return a file's content after checking it against the card.

        Parameters
        ----------
        name : str
            A file name that the card lists.

        Returns
        -------
        bytes
            The content.

        Raises
        ------
        ArtifactError
            If the card does not list the file, or it is missing or altered.
        """
        if name not in self.card.files or Path(name).name != name:
            raise ArtifactError(f"{CARD_FILE} lists no file {name!r}; export it again")
        content = _plain_file(self.directory / name)
        if content is None:
            raise ArtifactError(
                f"{readable(name)}: listed in the card but missing, or no plain "
                "file; copy the model folder again"
            )
        if hashlib.sha256(content).hexdigest() != self.card.files[name]:
            raise ArtifactError(
                f"{name}: its SHA-256 is not the card's; the file was altered or is "
                "incomplete, so copy the model folder again"
            )
        return content

    @contextmanager
    def verified_file(self, name: str) -> Iterator[Path]:
        """Lay a file's checked content where nobody else writes.

        For readers that want a path: between a check of the file in the model folder
        and another look at it by its path, it could be replaced.

        Parameters
        ----------
        name : str
            A file name that the card lists.

        Yields
        ------
        Path
            A file of that name, in a folder of this user's alone; gone afterwards.

        Raises
        ------
        ArtifactError
            If the card does not list the file, or it is missing or altered.
        """
        content = self.read(name)
        with tempfile.TemporaryDirectory(prefix="model-") as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            yield path


def _card_text(directory: Path) -> bytes:
    path = directory / CARD_FILE
    try:
        if path.is_file():
            with path.open("rb") as file:
                text = file.read(MAX_CARD_BYTES + 1)
            if len(text) <= MAX_CARD_BYTES:
                return text
            raise ArtifactError(
                f"{CARD_FILE}: expected at most {MAX_CARD_BYTES} bytes; export the "
                "model again"
            )
    except OSError:
        pass  # a folder that may not be looked into is as good as none
    raise ArtifactError(
        f"model folder {directory.name!r}: expected a folder with {CARD_FILE}, found "
        "none; train one with `python train.py` or set --model-dir"
    )


def _plain_file(path: Path) -> bytes | None:
    """A file's content, by way of links too; None where there is none to be read.

    A pipe would be waited for without end, and a device read without end.
    """
    try:
        return path.read_bytes() if path.is_file() else None
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return None


def _of_right_types(card: _Card) -> _Card:
    """Refuse a card read from JSON whose words are no words."""
    for kind, names in _TYPES.items():
        for name in names:
            if not isinstance(getattr(card, name), kind):
                raise TypeError(f"expected {name} to be a {kind.__name__}")
    if not isinstance(card.crop.detector, str):
        raise TypeError("expected the crop's detector to be a str")
    if not isinstance(card.crop.square, bool):
        raise TypeError("expected the crop's square to be a bool")
    return card


def write_artifact(
    directory: Path, card: ModelCard, write_files: Callable[[Path], None]
) -> Artifact:
    """Write a model folder so that it is there whole or not at all.

    Parameters
    ----------
    directory : Path
        The folder to make; one that exists is replaced.
    card : ModelCard
        The card; its `files` are filled in here.
    write_files : callable
        Called with an empty temporary folder; writes the model files into it.

    Returns
    -------
    Artifact
        The written folder, loaded again from disk.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    with _temporary_sibling(directory) as staging:
        write_files(staging)
        files = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(staging.iterdir())
        }
        text = json.dumps(replace(card, files=files).to_dict(), indent=2)
        (staging / CARD_FILE).write_text(text + "\n", encoding="utf-8")
        _replace_directory(staging, directory)
    return Artifact.load(directory)


@contextmanager
def _temporary_sibling(directory: Path) -> Iterator[Path]:
    """A fresh folder on the same file system, gone afterwards unless it was renamed."""
    staging = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    staging.chmod(0o755)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _replace_directory(staging: Path, directory: Path) -> None:
    """Rename the new folder into place, moving an old one out of the way first."""
    if not directory.exists():
        staging.replace(directory)
        return
    with _temporary_sibling(directory) as attic:
        old = directory.replace(attic / directory.name)
        try:
            staging.replace(directory)
        except OSError:
            old.replace(directory)
            raise
