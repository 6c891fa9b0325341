"""A path with wildcards in it, as shells know them: ``*``, ``?``, ``[...]``, ``**``."""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import accumulate, islice, takewhile
from pathlib import Path
from typing import Final, NamedTuple

from deepfake_detector.exceptions import ConfigError
from deepfake_detector.found_picture import shown

#: Paths are text here: as `Path` they take ten times as long, and lose their "./".
SEPARATOR: Final = os.sep

_WILDCARDS: Final = frozenset("*?[")
_ANY_FOLDERS: Final = "**"

#: Errors by which the system says that no such folder, or nothing in it, is there.
_NOT_THERE: Final = (
    *(errno.ENOENT, errno.ENOTDIR),
    # A link to itself is no folder, and no file has a name too long to be one.
    *(errno.ELOOP, errno.ENAMETOOLONG),
)

#: How many links Linux follows on the way to one file.
_MOST_LINKS: Final = 40


class Look(NamedTuple):
    """A look into a folder.

    Parameters
    ----------
    folder : str
        Which.
    name : str, optional
        The name that is looked for; where not given, all are.
    """

    folder: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class UnreadableFolder:
    """A folder that may hold what is sought, and cannot be looked into.

    Parameters
    ----------
    look : Look
        What was tried.
    error : OSError
        Why it failed.
    """

    look: Look
    error: OSError

    @property
    def path(self) -> str:
        """Where it is."""
        return self.look.folder


@dataclass(frozen=True, slots=True)
class Match:
    """What a pattern meets, and how.

    Parameters
    ----------
    path : str
        A file or a folder.
    looks : tuple of Look
        By which it comes there.
    """

    path: str
    looks: tuple[Look, ...]


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


def joined(folder: str, name: str) -> str:
    """Return the path of what lies in a folder.

    Parameters
    ----------
    folder, name : str
        Which; "" is the root.

    Returns
    -------
    str
        Both with a slash between.
    """
    return folder + SEPARATOR + name


def absolute(path: str) -> str:
    """Return an absolute path without ``..``, and with its links as they are.

    Parameters
    ----------
    path : str
        A path, seen from the current folder.

    Returns
    -------
    str
        The path; a link that stands right before a ``..`` is followed, since it leads
        out of the folder that the link leads to.
    """
    if os.pardir in path.split(SEPARATOR):
        path = _without_ups(Path(path).absolute())
    # Two slashes at the beginning are kept by POSIX, and mean one to Linux.
    normal = os.path.normpath(Path(path).absolute())
    return SEPARATOR + normal.lstrip(SEPARATOR)


def _without_ups(path: Path) -> str:
    """Take each ``..`` out of an absolute path, with the name before it."""
    kept: list[str] = []
    waiting = [*reversed(path.parts[1:])]
    links = 0
    while waiting:
        part = waiting.pop()
        if part != os.pardir:
            kept += [] if part in ("", os.curdir) else [part]
            continue
        target = _link_at(SEPARATOR + SEPARATOR.join(kept))
        del kept[-1:]
        links += target is not None
        # More than the system follows lead nowhere.
        if target is not None and links <= _MOST_LINKS:
            if target.startswith(SEPARATOR):
                kept.clear()
            waiting += [os.pardir, *reversed(target.split(SEPARATOR))]
    return SEPARATOR + SEPARATOR.join(kept)


def _link_at(path: str) -> str | None:
    """What a link says; None where there is none."""
    with suppress(OSError, ValueError):  # as of a NUL in the path
        return str(Path(path).readlink())
    return None


def is_folder(place: Path | os.DirEntry[str]) -> bool:
    """Say whether a folder is there, or a link to one.

    Parameters
    ----------
    place : Path or DirEntry
        Where to look.

    Returns
    -------
    bool
        False too where the system does not tell, as of a link that leads to itself or
        into a closed folder: whoever opens it as a file is told why.
    """
    try:
        return place.is_dir()
    except OSError:
        return False


def is_true_folder(entry: os.DirEntry[str]) -> bool:
    """Say whether a folder is there that is no link to one.

    Parameters
    ----------
    entry : DirEntry
        Where to look.

    Returns
    -------
    bool
        True too where the system does not tell: whoever looks into it is told why.
    """
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return True


def is_link(path: str) -> bool:
    """Say whether a link is there.

    Parameters
    ----------
    path : str
        Where to look.

    Returns
    -------
    bool
        False too where the system does not tell.
    """
    # `Path.is_symlink` raises, as of a path that is too long or on a lost server.
    return os.path.islink(path)  # noqa: PTH114


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
        If two parts are ``**``, or a ``..`` comes after a wildcard.
    """

    def __init__(self, text: str) -> None:
        self._root = SEPARATOR if text.startswith(SEPARATOR) else ""
        self._parts = _parts(text)
        if self._parts.count(_ANY_FOLDERS) > 1:
            raise ConfigError(
                f"{shown(text)}: expected at most one ** in a pattern, got more; give "
                "several patterns instead"
            )
        plain = sum(1 for _ in takewhile(_WILDCARDS.isdisjoint, self._parts))
        self._fitted = self._parts[plain:]
        # Of several folders that match, each `..` would find the same paths again.
        if os.pardir in self._fitted:
            raise ConfigError(
                f"{shown(text)}: expected .. before the first wildcard of a pattern, "
                "got it after one; give the folder that it leads to"
            )
        self.files_only = _ANY_FOLDERS in self._parts
        *above, base = [
            absolute(self._root + SEPARATOR.join(self._parts[:count]))
            for count in range(plain + 1)
        ]
        self._base = f"{base}{SEPARATOR}".replace("//", "/")
        self._looks_to_base = tuple(map(Look, above, self._parts))

    def paths(self) -> Iterator[str | UnreadableFolder]:
        """Find what matches.

        Yields
        ------
        str or UnreadableFolder
            Each path once, as the pattern begins, sorted by its parts; and what stands
            in for what cannot be looked into, perhaps more than once.
        """
        # A list instead of recursion: folders may lie deeper than Python calls.
        waiting: list[Iterator[_Place | UnreadableFolder]]
        waiting = [iter([_Place(self._root, 0)])]
        while waiting:
            place = next(waiting[-1], None)
            if place is None:
                waiting.pop()
            elif isinstance(place, UnreadableFolder):
                yield place
            elif place.parts < len(self._parts):
                waiting.append(self._within(place))
            elif not (self.files_only and is_folder(Path(place.path))):
                yield place.path

    def match(self, path: str) -> Match | None:
        """Find what of a path matches: itself, or a folder that it lies in.

        Parameters
        ----------
        path : str
            An absolute path without ``..``.

        Returns
        -------
        Match or None
            None where neither would be found.
        """
        if not path.startswith(self._base):
            return None
        names = path[len(self._base) :].split(SEPARATOR)
        if not self.files_only:
            names = names[: len(self._fitted)]
        parts = _one_for_each(self._fitted, len(names))
        if len(parts) != len(names) or not all(map(_fits, names, parts)):
            return None
        if self.files_only and self._is_past_links(names):
            return None
        folders = accumulate(names[:-1], joined, initial=self._base[:-1])
        looks = (
            Look(folder or SEPARATOR, part if _WILDCARDS.isdisjoint(part) else None)
            for folder, part in zip(folders, parts, strict=True)
        )
        path = self._base + SEPARATOR.join(names)
        return Match(path, (*self._looks_to_base, *looks))

    def _is_past_links(self, names: Sequence[str]) -> bool:
        """Whether ``**`` would have to follow a link to come to a path."""
        first = self._fitted.index(_ANY_FOLDERS)
        last = len(names) - len(self._fitted) + first + 1
        paths = accumulate(names[:last], joined)
        folders = islice(paths, first, None)
        return any(is_link(self._base + folder) for folder in folders)

    def _within(self, place: "_Place") -> Iterator["_Place | UnreadableFolder"]:
        """What in a folder fits the next part."""
        part = self._parts[place.parts]
        if part == _ANY_FOLDERS:
            yield _Place(place.path, place.parts + 1)
            paths, after = _fitting(place.path, "*", folders_only=True), place.parts
        else:
            paths, after = _fitting(place.path, part), place.parts + 1
        for path in paths:
            yield _Place(path, after) if isinstance(path, str) else path


@dataclass(frozen=True, slots=True)
class _Place:
    """A path that fits the first so many parts of a pattern."""

    path: str
    parts: int


def _parts(text: str) -> list[str]:
    """The names between slashes; ``**`` at the end stands for all files below."""
    parts = [part for part in text.split(SEPARATOR) if part]
    parts = parts[:1] + [part for part in parts[1:] if part != os.curdir]
    return [*parts, "*"] if parts[-1:] == [_ANY_FOLDERS] else parts


def _fitting(
    folder: str, part: str, folders_only: bool = False
) -> Iterator[str | UnreadableFolder]:
    """Paths in a folder whose names fit, sorted; of folders, those that are no link."""
    beginning = folder if folder in ("", SEPARATOR) else folder + SEPARATOR
    look = Look(folder or os.curdir, part if _WILDCARDS.isdisjoint(part) else None)
    try:
        if look.name is None:
            names = _listed(look.folder, part, folders_only)
        else:
            names = [part] if _is_there(beginning + part) else []
    except OSError as error:
        if error.errno not in _NOT_THERE:
            yield UnreadableFolder(look, error)
        return
    except ValueError:  # a NUL in the part, which no file's name has
        return
    for name in names:
        yield beginning + name


def _listed(folder: str, part: str, folders_only: bool) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(
            entry.name
            for entry in entries
            if _fits(entry.name, part) and (not folders_only or is_true_folder(entry))
        )


def _is_there(path: str) -> bool:
    """Whether something is there, which perhaps cannot be opened."""
    try:
        os.lstat(path)
    except PermissionError:  # of its folder
        raise
    except OSError as error:
        return error.errno not in _NOT_THERE
    return True


def _fits(name: str, part: str) -> bool:
    is_shown = not name.startswith(".") or part.startswith(".")
    return is_shown and fnmatchcase(name, part)


def _one_for_each(parts: Sequence[str], count: int) -> Sequence[str]:
    """Parts that stand for so many names, with stars in the place of ``**``."""
    if _ANY_FOLDERS not in parts:
        return parts
    at = parts.index(_ANY_FOLDERS)
    return [*parts[:at], *["*"] * (count - len(parts) + 1), *parts[at + 1 :]]
