"""Where a model comes from: data, settings, code and packages, sitting by sitting."""

import dataclasses
import os
import platform
import subprocess
import sys
import time
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


class SessionClock:
    """How long a session of training runs, and how much its processor works for it.

    Parameters
    ----------
    graphics_cards : int, default 0
        How many of them train with the processor.
    """

    def __init__(self, graphics_cards: int = 0) -> None:
        self.graphics_cards = graphics_cards
        self._began = time.monotonic()
        self._worked = _processor_seconds()

    def read(self) -> dict[str, Any]:
        """Return what a session says of its time and of the machine.

        Returns
        -------
        dict
            `minutes` on the clock since this was made; `cpu_minutes`, the time of all
            cores together that this program used in them, whatever else ran beside it;
            `processor`, `cores` that it may use, and `graphics_cards`.
        """
        return {
            "minutes": (time.monotonic() - self._began) / 60,
            "cpu_minutes": (_processor_seconds() - self._worked) / 60,
            "processor": processor_name(),
            "cores": len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count(),
            "graphics_cards": self.graphics_cards,
        }


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


def processor_name() -> str:
    """Return what this machine's processor is called.

    Returns
    -------
    str
        Its maker's name for it; where the system does not tell, its family.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return named[0].strip() if named else platform.processor() or platform.machine()


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


def _processor_seconds() -> float:
    """Time of all cores that this process and its finished children have used."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


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
