"""A path with wildcards in it, as shells know them: ``*``, ``?``, ``[...]``, ``**``."""

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from deepfake_detector.exceptions import ConfigError

#: Paths are text here: as `Path` they take ten times as long, and lose their "./".
SEPARATOR: Final = os.sep

_WILDCARDS: Final = frozenset("*?[")
_ANY_FOLDERS: Final = "**"


def is_pattern(path: str) -> bool:
    """Say whether a path is a pattern: it has wildcards, and no file has that name.

    Parameters
    ----------
    path : str
        What a user gave.

    Returns
    -------
    bool
        Whether it is to be expanded.
    """
    return not _WILDCARDS.isdisjoint(path) and not os.path.lexists(path)


class PathPattern:
    """Finds paths in one order, holding no more than the names of a few folders.

    Unlike `glob` it sorts, so that a scan meets the same files in the same order again,
    and it does so folder by folder. Hidden names are matched by a dot alone.

    Parameters
    ----------
    text : str
        The pattern. One of its parts may be ``**``, for any folders between; such a
        pattern stands for files alone, since it meets what lies in a folder too.

    Raises
    ------
    ConfigError
        If two parts are ``**``.
    """

    def __init__(self, text: str) -> None:
        self._root = SEPARATOR if text.startswith(SEPARATOR) else ""
        self._parts = _parts(text)
        if self._parts.count(_ANY_FOLDERS) > 1:
            raise ConfigError(
                f"{text}: expected at most one ** in a pattern, got more; give several "
                "patterns instead"
            )
        self.files_only = _ANY_FOLDERS in self._parts
        self._plain_parts = _parts(os.path.normpath(text))
        base = Path(self._root or Path.cwd())
        while self._plain_parts[0] == os.pardir:
            del self._plain_parts[0]
            base = base.parent
        self._base = f"{base}{SEPARATOR}".replace("//", "/")

    def paths(self) -> Iterator[str]:
        """Find what matches.

        Yields
        ------
        str
            Each path once, as the pattern begins, sorted by its parts.
        """
        yield from self._below(self._root, self._parts)

    def match(self, path: str) -> str | None:
        """Find what of a path matches: itself, or the folder that it lies in.

        Parameters
        ----------
        path : str
            An absolute path without ``..``.

        Returns
        -------
        str or None
            The path or one of its folders; None where neither would be found.
        """
        if not path.startswith(self._base):
            return None
        names = path[len(self._base) :].split(SEPARATOR)
        if not self.files_only:
            names = names[: len(self._plain_parts)]
        found = _matches(names, self._plain_parts)
        return self._base + SEPARATOR.join(names) if found else None

    def _below(self, folder: str, parts: Sequence[str]) -> Iterator[str]:
        part, *rest = parts
        if part == _ANY_FOLDERS:
            yield from self._in_any_folder(folder, parts)
            return
        for path in _fitting(folder, part):
            if rest:
                yield from self._below(path, rest)
            elif not (self.files_only and Path(path).is_dir()):
                yield path

    def _in_any_folder(self, folder: str, parts: Sequence[str]) -> Iterator[str]:
        yield from self._below(folder, parts[1:])
        for path in _fitting(folder, "*"):
            if Path(path).is_dir() and not Path(path).is_symlink():
                yield from self._in_any_folder(path, parts)


def _parts(text: str) -> list[str]:
    """The names between slashes; ``**`` at the end stands for all files below."""
    parts = [part for part in text.split(SEPARATOR) if part]
    return [*parts, "*"] if parts[-1:] == [_ANY_FOLDERS] else parts


def _fitting(folder: str, part: str) -> Iterator[str]:
    """Paths in a folder whose names fit, sorted; none where it cannot be read."""
    beginning = folder if folder in ("", SEPARATOR) else folder + SEPARATOR
    if _WILDCARDS.isdisjoint(part):
        if os.path.lexists(beginning + part):
            yield beginning + part
        return
    try:
        with os.scandir(folder or os.curdir) as entries:
            names = sorted(entry.name for entry in entries if _fits(entry.name, part))
    except OSError:
        return
    for name in names:
        yield beginning + name


def _fits(name: str, part: str) -> bool:
    is_shown = not name.startswith(".") or part.startswith(".")
    return is_shown and fnmatchcase(name, part)


def _matches(names: Sequence[str], parts: Sequence[str]) -> bool:
    if not parts or not names:
        return not parts and not names
    if parts[0] != _ANY_FOLDERS:
        return _fits(names[0], parts[0]) and _matches(names[1:], parts[1:])
    if _matches(names, parts[1:]):
        return True
    return _fits(names[0], "*") and _matches(names[1:], parts)
