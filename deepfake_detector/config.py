"""Every setting there is: default, meaning and type of each, in two dataclasses.

Precedence: default, then ``DEEPFAKE_<NAME>`` in the environment, then the command line.
Nothing is read at import.
"""

import dataclasses
import ipaddress
import types
import typing
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from deepfake_detector.exceptions import ConfigError
from deepfake_detector.labels import SCORE_SIGNS

#: The repository, found from the package's own place and never from the current folder.
REPOSITORY: Final = Path(__file__).resolve().parent.parent

#: Where downloads, unpacked sets and crops are kept.
CACHE_DIR: Final = REPOSITORY / "data"

#: Crops that are held and scored at once.
SCORED_AT_ONCE: Final = 32

ENV_PREFIX: Final = "DEEPFAKE_"

#: How the learning rate may go over the epochs.
SCHEDULES: Final = ("plateau", "cosine", "constant")

#: How the server's log may look.
LOG_FORMATS: Final = ("auto", "json", "text")

#: Threads of a worker that judging and waiting must leave to pages and health checks.
SPARE_THREADS: Final = 4

#: On how many devices of one machine a network may be trained.
STRATEGIES: Final = ("none", "mirrored")

#: Metrics of validation that may pick the best epoch, and whether more is better.
WATCHED_METRICS: Final = {
    "val_loss": "min",
    "val_accuracy": "max",
    "val_precision": "max",
    "val_recall": "max",
    "val_auc": "max",
}

_TRUE_WORDS: Final = ("1", "true", "yes", "on")
_FALSE_WORDS: Final = ("0", "false", "no", "off")


def setting(default: Any, text: str) -> Any:
    """Declare one setting.

    Parameters
    ----------
    default : object
        Its value where nobody says otherwise.
    text : str
        What it means, with its unit; shown by `--help` and in docs/settings.md.

    Returns
    -------
    dataclasses.Field
        A field that carries both.
    """
    return dataclasses.field(default=default, metadata={"help": text})


class _Settings:
    """What both configurations can do: be read from an environment, and be printed."""

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str],
        base: Mapping[str, Any] | None = None,
        **overrides: Any,
    ) -> Self:
        """Build from ``DEEPFAKE_*`` variables, with the command line's values on top.

        Parameters
        ----------
        environ : mapping of str to str
            Usually `os.environ`.
        base : mapping of str to object, optional
            Values instead of the defaults, by setting.
        **overrides : object
            Values that win over the environment; those that are None do not count.

        Returns
        -------
        TrainConfig or ServeConfig
            The configuration.

        Raises
        ------
        ConfigError
            If a variable has a bad value; the message names the variable.
        """
        types_of = typing.get_type_hints(cls)
        values = dict(base or {})
        for field in dataclasses.fields(cls):  # type: ignore[arg-type]
            variable = ENV_PREFIX + field.name.upper()
            if variable in environ:
                values[field.name] = _cast(
                    environ[variable], types_of[field.name], variable
                )
        values |= {k: v for k, v in overrides.items() if v is not None}
        return cls(**values)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Build from what :meth:`to_dict` returned.

        Parameters
        ----------
        fields : mapping of str to object
            JSON-ready values by setting.

        Returns
        -------
        TrainConfig or ServeConfig
            The configuration.

        Raises
        ------
        ConfigError
            If a setting is unknown or has a value it cannot have.
        """
        types_of = typing.get_type_hints(cls)
        unknown = sorted(set(fields) - set(types_of))
        if unknown:
            raise ConfigError(f"unknown settings: {_listed(unknown)}")
        values = {
            name: _from_json(value, types_of[name], name)
            for name, value in fields.items()
        }
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return all settings as JSON-ready values."""
        fields = dataclasses.asdict(self)  # type: ignore[call-overload]
        return {name: _jsonable(value) for name, value in fields.items()}


@dataclass(frozen=True)
class ServeConfig(_Settings):
    """Settings of the server and of `predict`; see each field's help."""

    host: str = setting("127.0.0.1", "Address to listen on.")
    port: int = setting(8000, "Port to listen on.")
    model_dir: Path = setting(
        REPOSITORY / "models" / "default", "Folder of the model to serve."
    )
    backend: str = setting("openvino", "Runtime that runs the model.")
    keras_file: Path | None = setting(
        None, "A .keras file to serve instead of a model folder (needs TensorFlow)."
    )
    keras_score: str = setting(
        "p_fake",
        "What the score of --keras-file stands for: p_fake, or p_real as in the "
        "reference implementation.",
    )
    face_detector: str | None = setting(
        None, "Face detector. Where not given: the one that the model was trained with."
    )
    face_model: Path | None = setting(
        None, "Weights file of a face detector that needs one, such as yunet."
    )
    upload_dir: Path = setting(
        REPOSITORY / "uploads", "Where an upload lies while it is judged."
    )
    max_upload_bytes: int = setting(10_000_000, "Largest accepted file, in bytes.")
    max_pixels: int = setting(50_000_000, "Largest accepted width times height.")
    threshold: float | None = setting(
        None,
        "P(fake) from 0 to 1 from which a face is likely fake. Where not given: the "
        "model's own cut-off, at which at most 1 in 100 real faces is called fake.",
    )
    stability: bool = setting(
        True,
        "Score re-encoded copies of each face too, and call it inconclusive where they "
        "overturn its answer.",
    )
    max_files: int = setting(10, "Most pictures of one request.")
    max_request_bytes: int = setting(
        40_000_000, "Most bytes of all pictures of one request together."
    )
    request_seconds: float = setting(
        30.0, "Longest that a request may take, upload and answer each, in seconds."
    )
    judging_at_once: int = setting(
        2, "Requests that a worker judges at the same time; others wait."
    )
    waiting_at_most: int = setting(
        64,
        "Requests with a picture that may wait in a worker; more are answered 503 at "
        "once.",
    )
    rate_limit: str = setting(
        "60 per minute",
        "Requests with pictures that one address may send, in Flask-Limiter's words; "
        "empty for no limit.",
    )
    rate_limit_storage: str = setting(
        "memory://",
        "Where they are counted: memory:// (each worker by itself) or "
        "redis://HOST:PORT (all together).",
    )
    trusted_proxies: int = setting(
        0,
        "Proxies before the server whose X-Forwarded-For is believed: 0 where visitors "
        "reach it themselves.",
    )
    page: bool = setting(
        True,
        "Serve the page; without it, the API and its reference alone.",
    )
    api_key_hashes: tuple[str, ...] = setting(
        (),
        "SHA-256 of each key that opens the API, in hex, as `python -m "
        "deepfake_detector api-key` prints it; without any the API is open.",
    )
    cors_origins: tuple[str, ...] = setting(
        (), "Origins whose pages may call the API from a browser."
    )
    metrics_addresses: tuple[str, ...] = setting(
        ("127.0.0.0/8", "::1"), "Addresses and networks that may read /metrics."
    )
    log_format: str = setting(
        "auto", "json, text, or auto: text on a terminal, json anywhere else."
    )
    log_addresses: bool = setting(
        False, "Write visitors' addresses into the log; the privacy page then says so."
    )
    workers: int = setting(2, "Gunicorn worker processes.")
    threads: int = setting(
        72,
        "Threads of each gunicorn worker: more than judge and wait, so that pages and "
        "health checks are answered meanwhile.",
    )

    def __post_init__(self) -> None:
        for name, (low, high) in _SERVE_RANGES.items():
            _require_range(self, name, low, high)
        _require_choice(self, "keras_score", SCORE_SIGNS)
        _require_choice(self, "log_format", LOG_FORMATS)
        _require_networks(self, "metrics_addresses")
        self._require_threads()

    def _require_threads(self) -> None:
        """Refuse fewer threads than requests are taken on, and some for the rest."""
        least = self.judging_at_once + self.waiting_at_most + SPARE_THREADS
        if self.threads < least:
            raise ConfigError(
                f"threads (DEEPFAKE_THREADS): expected at least {least}, got "
                f"{self.threads}: {self.judging_at_once} that judge, "
                f"{self.waiting_at_most} that wait and {SPARE_THREADS} for everything "
                "else; raise it, or lower DEEPFAKE_WAITING_AT_MOST"
            )


@dataclass(frozen=True)
class TrainConfig(_Settings):
    """Settings of one training run; see each field's help.

    Lists line up: the first archive belongs to the first dataset, and so on.
    """

    preset: str | None = setting(
        None,
        "Recipe of the presets table to begin with; what else is given wins over it.",
    )
    dataset: tuple[str, ...] = setting(
        ("openforensics",), "Dataset to train on; repeat the option for several."
    )
    archive: tuple[Path, ...] = setting(
        (), "Zip file of the dataset instead of a download; one for each dataset."
    )
    data_dir: tuple[Path, ...] = setting(
        (), "Unpacked folder of the dataset instead of a download; one for each."
    )
    dataset_url: str | None = setting(
        None, "Where to download the dataset from: http, https or file."
    )
    cache_dir: Path = setting(
        CACHE_DIR, "Where downloads, unpacked sets and crops are kept."
    )
    architecture: str = setting("four_conv", "Network to train.")
    member: tuple[Path, ...] = setting(
        (), "Model folder that an ensemble is made of; repeat the option for each."
    )
    crop: str | None = setting(
        None,
        "What the network sees: whole (the whole picture, the reference's way) or face "
        "(each face by the house's crop rule). Where not given: face, but whole for "
        "the networks of other systems, which were made for it.",
    )
    image_size: int | None = setting(
        None,
        "Height and width of the network's input, pixels. Where not given: its own.",
    )
    train_pictures: int | None = setting(
        None, "Train on so many pictures of each dataset, drawn evenly by class."
    )
    epochs: int = setting(50, "Most passes over the training pictures.")
    batch_size: int | None = setting(
        None, "Pictures in one training step. Where not given: the network's own."
    )
    optimizer: str | None = setting(
        None, "Optimiser, by Keras's name. Where not given: the network's own."
    )
    learning_rate: float | None = setting(
        None, "The optimiser's first learning rate. Where not given: the network's own."
    )
    schedule: str = setting(
        "plateau",
        "How the learning rate goes: plateau (drops tenfold where validation stands "
        "still), cosine (falls to zero at the last epoch) or constant.",
    )
    warmup_epochs: int = setting(
        0, "First epochs in which the learning rate climbs, step by step, to its value."
    )
    early_stopping_metric: str = setting(
        "val_loss",
        "What picks the best epoch, ends training and lowers the rate: val_loss, "
        "val_accuracy, val_precision, val_recall or val_auc.",
    )
    early_stopping_patience: int = setting(
        10, "Epochs without a better value of that metric after which training stops."
    )
    reduce_lr_patience: int = setting(
        5, "Epochs without a better value of it after which the rate drops tenfold."
    )
    weight_decay: float | None = setting(
        None,
        "Decoupled decay of the weights, biases and normalisation left out. Where not "
        "given: the optimiser's own.",
    )
    clip_norm: float | None = setting(
        None, "Largest norm of all gradients together; longer ones are scaled to it."
    )
    label_smoothing: float = setting(
        0.0, "Share of each label that is spread over both classes."
    )
    class_weights: bool = setting(
        False, "Let each class count the same in the loss, however rare it is."
    )
    focal_gamma: float = setting(
        0.0,
        "Let hard pictures count more: the focal loss weighs each by its distance from "
        "its label to this power; 0 is plain cross-entropy.",
    )
    teacher: Path | None = setting(
        None, "Folder of a trained model to learn from, beside the labels."
    )
    teacher_share: float = setting(
        0.5, "Share of the loss that is the teacher's, where there is one."
    )
    ema_decay: float | None = setting(
        None,
        "Average the weights over the steps and keep so much of the average in each, "
        "such as 0.999; validation and the saved model then use the average.",
    )
    backbone_weights: str | None = setting(
        None,
        "Weights that the body of a network begins with: imagenet (a download by "
        "Keras), none, or a file. Where not given: imagenet for networks that have it.",
    )
    head_epochs: int | None = setting(
        None,
        "First epochs, in which that body stays as it is. Where not given: 3, at most "
        "half of all, where its weights were loaded.",
    )
    fine_tune_factor: float = setting(
        0.1, "What the learning rate is multiplied by when the body is trained too."
    )
    augmentation: str = setting("none", "Augmentation of the training pictures.")
    augmented: float = setting(
        1.0, "Share of the training pictures that are augmented at all."
    )
    augmentation_ramp: int = setting(
        0,
        "First epochs, over which augmented and self-blended pictures climb from none "
        "to their shares.",
    )
    self_blended: float = setting(
        0.0,
        "Share of the fakes shown in training in whose place a real picture of the "
        "same dataset is shown, blended with a changed copy of itself.",
    )
    balance_sources: bool = setting(
        False, "Show every dataset equally often, however few pictures it has."
    )
    balance_classes: bool = setting(
        False, "Show the real and the fake pictures of every dataset equally often."
    )
    duplicate_control: bool = setting(
        True,
        "Move pictures that have a copy, or one of the same source video, in another "
        "split: towards train, so that none is scored that was trained on.",
    )
    mixed_precision: bool | None = setting(
        None,
        "Compute in bfloat16 (weights stay float32). Where not given: train.py does on "
        "a processor that multiplies it (amx_bf16, avx512_bf16).",
    )
    strategy: str = setting(
        "none",
        "none, or mirrored: train on all graphics cards of this machine at once, each "
        "with its share of every batch.",
    )
    tensorboard: bool = setting(
        False, "Log for TensorBoard, below the run folder (needs that package)."
    )
    seed: int = setting(42, "Seed of weights, order and augmentation.")
    score_test: bool = setting(
        True, "Score the test split at the end; leave it out while choosing a recipe."
    )
    output: Path = setting(REPOSITORY / "runs", "Folder that run folders are made in.")
    resume: Path | None = setting(None, "Run folder of a cut run to go on with.")

    def __post_init__(self) -> None:
        for name, (low, high) in _TRAIN_RANGES.items():
            _require_range(self, name, low, high)
        for name, choices in _TRAIN_CHOICES.items():
            _require_choice(self, name, choices)
        if not self.dataset:
            raise ConfigError("dataset: expected at least one name, got none")
        for name in ("archive", "data_dir"):
            given = getattr(self, name)
            if given and len(given) != len(self.dataset):
                raise ConfigError(
                    f"{name}: expected one for each of the {len(self.dataset)} "
                    f"datasets ({_listed(self.dataset)}), got {len(given)}"
                )
        if self.archive and self.data_dir:
            raise ConfigError("archive and data_dir: give one or the other, not both")
        if self.dataset_url and len(self.dataset) > 1:
            raise ConfigError("dataset_url: works with one dataset, not several")


_SERVE_RANGES: Final = {
    "port": (0, 65_535),
    "max_upload_bytes": (1_000, 1_000_000_000),
    # Above this Pillow itself refuses to open a picture.
    "max_pixels": (1, 178_000_000),
    "threshold": (0.0, 1.0),
    "max_files": (1, 100),
    "max_request_bytes": (1_000, 1_000_000_000),
    "request_seconds": (1.0, 3600.0),
    "judging_at_once": (1, 256),
    "waiting_at_most": (0, 10_000),
    "trusted_proxies": (0, 10),
    "workers": (1, 256),
    "threads": (1, 256),
}

#: Least and largest value of each number.
_TRAIN_RANGES: Final = {
    "image_size": (16, 1024),
    "train_pictures": (2, 10**9),
    "epochs": (1, 100_000),
    "batch_size": (1, 65_536),
    "learning_rate": (1e-9, 10.0),
    "warmup_epochs": (0, 100_000),
    "early_stopping_patience": (1, 100_000),
    "reduce_lr_patience": (1, 100_000),
    "weight_decay": (0.0, 10.0),
    "clip_norm": (1e-9, 1e9),
    "label_smoothing": (0.0, 0.9),
    "focal_gamma": (0.0, 10.0),
    "teacher_share": (0.0, 1.0),
    "augmented": (0.0, 1.0),
    "augmentation_ramp": (0, 100_000),
    "self_blended": (0.0, 1.0),
    "ema_decay": (0.0, 0.999999),
    "head_epochs": (0, 100_000),
    "fine_tune_factor": (1e-6, 1.0),
    "seed": (0, 2**32 - 1),
}

_TRAIN_CHOICES: Final[dict[str, Collection[str]]] = {
    "schedule": SCHEDULES,
    "early_stopping_metric": WATCHED_METRICS,
    "strategy": STRATEGIES,
}


def _listed(names: Iterable[str]) -> str:
    """Names of any origin on one line."""
    return ", ".join(name if name.isprintable() else ascii(name) for name in names)


def _require_choice(config: Any, name: str, choices: Collection[str]) -> None:
    """Refuse a word that is none of the choices, naming the setting."""
    if getattr(config, name) not in choices:
        raise ConfigError(
            f"{name} ({ENV_PREFIX}{name.upper()}): expected one of "
            f"{', '.join(choices)}, got {getattr(config, name)!r}"
        )


def _require_networks(config: Any, name: str) -> None:
    """Refuse what is no address and no network, naming the setting."""
    for entry in getattr(config, name):
        try:
            ipaddress.ip_network(entry)
        except ValueError as error:
            raise ConfigError(
                f"{name} ({ENV_PREFIX}{name.upper()}): expected addresses and networks "
                f"such as 127.0.0.1 or 10.0.0.0/8, got {entry!r} ({error})"
            ) from None


def _require_range(config: Any, name: str, low: float, high: float) -> None:
    """Refuse a number outside low..high, naming the setting; None is left open."""
    value = getattr(config, name)
    if value is None:
        return
    if not low <= value <= high:
        raise ConfigError(
            f"{name} ({ENV_PREFIX}{name.upper()}): expected a number from {low:g} to "
            f"{high:g}, got {value!r}"
        )


def _cast(text: str, kind: Any, variable: str) -> Any:
    """Turn an environment variable's text into the field's type."""
    origin = typing.get_origin(kind)
    if origin is tuple:
        item = typing.get_args(kind)[0]
        words = [word.strip() for word in text.split(",")]
        return tuple(_cast(word, item, variable) for word in words if word)
    if origin is types.UnionType:
        if not text:
            return None
        kind = next(k for k in typing.get_args(kind) if k is not types.NoneType)
    try:
        return _cast_bool(text) if kind is bool else kind(text)
    except ValueError:
        raise ConfigError(
            f"{variable}: expected {kind.__name__}, got {text!r}"
        ) from None


def _cast_bool(text: str) -> bool:
    if text.lower() in _TRUE_WORDS:
        return True
    if text.lower() in _FALSE_WORDS:
        return False
    raise ValueError(text)


def _from_json(value: Any, kind: Any, name: str) -> Any:
    """Undo :func:`_jsonable` for a field's type."""
    if value is None:
        return _cast("", kind, name)
    if isinstance(value, list) and typing.get_origin(kind) is tuple:
        item = typing.get_args(kind)[0]
        return tuple(_from_json(v, item, name) for v in value)
    return _cast(str(value), kind, name)


def _jsonable(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [_jsonable(item) for item in value]
    return value
