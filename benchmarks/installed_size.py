"""How much disk the packages of a requirements file take where they are installed."""

import re
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

_PINNED = re.compile(r"^([a-z0-9].*?)\s*\\?$", re.IGNORECASE)


def installed_megabytes(requirements: Path) -> dict[str, Any]:
    """Add up the files of every package that a lock names for this platform.

    Parameters
    ----------
    requirements : Path
        A requirements file with a pinned package a line; hashes are passed over.

    Returns
    -------
    dict
        `packages`, `total_mb`, and `largest_mb`: the eight largest by name; megabytes
        of 10**6 bytes.
    """
    sizes: dict[str, float] = {}
    for line in requirements.read_text(encoding="utf-8").splitlines():
        found = _PINNED.match(line)
        if not found:
            continue
        wanted = Requirement(found[1])
        if wanted.marker is None or wanted.marker.evaluate():
            sizes[wanted.name] = _megabytes(wanted.name)
    largest = sorted(sizes, key=sizes.__getitem__, reverse=True)[:8]
    return {
        "packages": len(sizes),
        "total_mb": round(sum(sizes.values()), 1),
        "largest_mb": {name: round(sizes[name], 1) for name in largest},
    }


def _megabytes(package: str) -> float:
    """What its files weigh; those that were compiled on the way do not count."""
    files = distribution(package).files or []
    paths = (Path(str(file.locate())) for file in files)
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6
