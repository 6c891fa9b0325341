"""Where a model comes from: data, settings, code and packages, sitting by sitting."""

import dataclasses
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from deepfake_detector.config import REPOSITORY, TrainConfig
from deepfake_detector.crop_cache import CropSet
from deepfake_detector.dataset_handler import DatasetHandler
from deepfake_detector.exceptions import DatasetError

_PACKAGES: Final = (
    "tensorflow",
    "keras",
    "numpy",
    "pillow",
    "dlib-bin",
    "scikit-learn",
)

#: Settings that may name a file as plain text.
_MAY_BE_FILES: Final = ("backbone_weights",)


def provenance_of(
    config: TrainConfig,
    data: Mapping[str, Any],
    before: Mapping[str, Any],
    epochs_before: int,
) -> dict[str, Any]:
    """Return what is known of a run; a resumed one adds a session to those before.

    Parameters
    ----------
    config : TrainConfig
        The run's settings.
    data : mapping of str to object
        What :func:`data_facts` says.
    before : mapping of str to object
        What this said of the session before; empty for a new run.
    epochs_before : int
        Epochs done in them.

    Returns
    -------
    dict
        JSON-ready; without a path of this machine.

    Raises
    ------
    DatasetError
        If the pictures are other than those the run began with.
    """
    _require_same_data(before.get("data", data), data)
    session = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "epochs_before": epochs_before,
        "git_commit": git_commit(),
        "python": sys.version.split()[0],
        "versions": {name: package_version(name) for name in _PACKAGES},
    }
    return {
        "sessions": [*before.get("sessions", []), session],
        "seed": config.seed,
        "config": _without_paths(config),
        "data": dict(data),
    }


def data_facts(
    owners: Mapping[str, DatasetHandler], splits: Mapping[str, Sequence[CropSet]]
) -> dict[str, Any]:
    """Return what is known of the pictures, source by source.

    Parameters
    ----------
    owners : mapping of str to DatasetHandler
        The handler that each source's pictures came from.
    splits : mapping of str to sequence of CropSet
        Crops by split, in the order of `owners`.

    Returns
    -------
    dict
        JSON-ready facts by source.
    """
    facts = {}
    for i, (source, handler) in enumerate(owners.items()):
        train = splits["train"][i]
        spec = handler.specs[train.source]
        facts[source] = {
            "sha256": handler.data_hash,
            "fake_kind": spec.fake_kind,
            "licence": spec.licence,
            "citation": spec.citation,
            "pictures": {split: len(splits[split][i]) for split in splits},
            "face_found_share": train.face_found_share(),
            "duplicates": handler.duplicate_facts(train.source),
        }
    return facts


def git_commit() -> str | None:
    """Return the commit of this checkout.

    Returns
    -------
    str or None
        Its hash, `-dirty` where files are changed; None outside a checkout.
    """
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40"],  # noqa: S607
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def package_version(package: str) -> str | None:
    """Return the version of an installed package.

    Parameters
    ----------
    package : str
        Its name on the package index.

    Returns
    -------
    str or None
        The version; None where it is not installed.
    """
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _require_same_data(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to go on with other pictures: some could be trained on and then scored."""
    hashes = [[data["sha256"] for data in facts.values()] for facts in (before, now)]
    if hashes[0] != hashes[1]:
        raise DatasetError(
            "resume: the pictures are other than those the run began with; put them "
            "back, or start the run anew"
        )


def _without_paths(config: TrainConfig) -> dict[str, Any]:
    """The settings, paths cut to their last part: a card tells no one's folders."""

    def last_part(value: Any) -> Any:
        if isinstance(value, tuple):
            return [last_part(item) for item in value]
        return value.name if isinstance(value, Path) else value

    fields = {name: last_part(v) for name, v in dataclasses.asdict(config).items()}
    for name in _MAY_BE_FILES:
        if fields[name] is not None:
            fields[name] = Path(fields[name]).name
    return fields
