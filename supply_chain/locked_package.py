"""The three locked requirements files, as packages with a version and hashes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from deepfake_detector.config import REPOSITORY
from supply_chain.exceptions import SupplyChainError

#: What each lock is for, from the smallest: each holds all that those before it hold.
LOCKS: Final = {
    "serving": "requirements-serve.txt",
    "training": "requirements.txt",
    "development": "requirements-dev.txt",
}

_HASH_PATTERN: Final = re.compile(r"sha256:[0-9a-f]{64}")
_HASH_OPTION: Final = "--hash="
_VERSION_PATTERN: Final = re.compile(r"==[^=*,\s]+")


@dataclass(frozen=True)
class LockedPackage:
    """One line of a lock.

    Parameters
    ----------
    name : str
        Normalised: lower case, with hyphens.
    version : str
        The one version.
    marker : Marker or None
        Where it is installed; everywhere where None.
    hashes : tuple of str
        ``sha256:`` and 64 hex digits of each file that may be installed; at least one.
    purposes : tuple of str
        Which locks name it, as in `LOCKS`.
    """

    name: NormalizedName
    version: str
    marker: Marker | None
    hashes: tuple[str, ...]
    purposes: tuple[str, ...] = ()

    @property
    def is_for_here(self) -> bool:
        """Whether this Python on this machine would install it."""
        return self.marker is None or self.marker.evaluate()

    @property
    def requirement(self) -> str:
        """The line without its marker, for tools that would leave it out here."""
        options = "".join(f" \\\n    {_HASH_OPTION}{each}" for each in self.hashes)
        return f"{self.name}=={self.version}{options}\n"


def read_lock(path: Path) -> list[LockedPackage]:
    """Read a requirements file in which every line has a version and hashes.

    Parameters
    ----------
    path : Path
        A file that `make lock` wrote.

    Returns
    -------
    list of LockedPackage
        In the order of the file; a package may come with several versions, for several
        machines.

    Raises
    ------
    SupplyChainError
        If the file is missing or empty, or a line is an option (such as the address of
        an index), has no exact version or no SHA-256.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SupplyChainError(
            f"{path.name}: expected a requirements file in UTF-8, found none; write it "
            "with `make lock`"
        ) from error
    lines = (
        re.sub(r"(^|\s)#.*", "", line).strip()
        for line in text.replace("\\\n", " ").splitlines()
    )
    packages = [_read_line(path.name, line) for line in lines if line]
    if not packages:
        raise SupplyChainError(
            f"{path.name}: names no package; write it by `make lock`"
        )
    return packages


def read_locks(directory: Path = REPOSITORY) -> list[LockedPackage]:
    """Read the three locks as one.

    Parameters
    ----------
    directory : Path, default the repository
        Where they lie.

    Returns
    -------
    list of LockedPackage
        Each package and version once, with its `purposes`, by name.

    Raises
    ------
    SupplyChainError
        If a lock cannot be read, or two lock the same version with other hashes.
    """
    merged: dict[tuple[str, str], LockedPackage] = {}
    for purpose, file_name in LOCKS.items():
        for package in read_lock(directory / file_name):
            key = (package.name, package.version)
            known = merged.get(key, package)
            if set(known.hashes) != set(package.hashes):
                raise SupplyChainError(
                    f"{file_name}: {package.name} {package.version} has other hashes "
                    "than in the locks before it; write all of them by `make lock`"
                )
            merged[key] = LockedPackage(
                package.name,
                package.version,
                known.marker if known.marker == package.marker else None,
                package.hashes,
                tuple(dict.fromkeys((*known.purposes, purpose))),
            )
    return [merged[key] for key in sorted(merged)]


def rounds(packages: Iterable[LockedPackage]) -> list[list[LockedPackage]]:
    """Spread packages so that none is twice in a list, as tools want their input.

    Parameters
    ----------
    packages : iterable of LockedPackage
        Some with several versions.

    Returns
    -------
    list of list of LockedPackage
        The first version of each, the second where there is one, and so on.
    """
    lists: list[list[LockedPackage]] = []
    seen: dict[str, int] = {}
    for package in packages:
        place = seen.get(package.name, 0)
        seen[package.name] = place + 1
        if place == len(lists):
            lists.append([])
        lists[place].append(package)
    return lists


def _read_line(file_name: str, line: str) -> LockedPackage:
    words, *options = re.split(r"\s(?=--)", line)
    hashes = tuple(
        option.strip().removeprefix(_HASH_OPTION)
        for option in options
        if option.startswith(_HASH_OPTION)
    )
    try:
        requirement = Requirement(words)
    except InvalidRequirement as error:
        raise _bad_line(file_name, line) from error
    is_exact = _VERSION_PATTERN.fullmatch(str(requirement.specifier))
    has_hashes = hashes and all(map(_HASH_PATTERN.fullmatch, hashes))
    if not is_exact or requirement.url or not has_hashes or len(hashes) < len(options):
        raise _bad_line(file_name, line)
    return LockedPackage(
        canonicalize_name(requirement.name),
        str(requirement.specifier).removeprefix("=="),
        requirement.marker,
        hashes,
    )


def _bad_line(file_name: str, line: str) -> SupplyChainError:
    return SupplyChainError(
        f"{file_name}: expected name==version with --hash=sha256:..., got "
        f"{line[:40]!r}; write the file by `make lock`"
    )
