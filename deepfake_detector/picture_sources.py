"""Which pictures a scan is of: folders, archives, patterns and files, one by one.

The order is the same each time as long as nothing changes: the paths as they were
given, in each folder its files by name and then its folders, in an archive its own.
Nothing is kept of what was met but the names of the folder in hand, and the folders
that could not be read.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Final

from deepfake_detector.archive_pictures import (
    ARCHIVE_SUFFIXES,
    COMPRESSED_TAR_SUFFIXES,
    archive_pictures,
)
from deepfake_detector.exceptions import ConfigError
from deepfake_detector.found_picture import FoundPicture, shown
from deepfake_detector.path_pattern import (
    SEPARATOR,
    Look,
    Match,
    PathPattern,
    UnreadableFolder,
    absolute,
    is_folder,
    is_link,
    is_pattern,
    is_true_folder,
    joined,
)

#: Endings of files that are taken for pictures; others, such as tables, are left out.
PICTURE_SUFFIXES: Final = (
    *(".jpg", ".jpeg", ".jfif", ".png", ".webp"),
    *(".bmp", ".gif", ".tif", ".tiff", ".heic", ".avif"),
)

#: Why a file was passed over.
OTHER_NAMES: Final = "other kinds of file"
HIDDEN: Final = "hidden"
LINKED_FOLDERS: Final = "links to folders"
INNER_ARCHIVES: Final = "archives in archives"

#: How systems name what nobody put there: resource forks of macOS.
_MACOS_FOLDER: Final = "__MACOSX"

#: What a cell begins with that a spreadsheet takes for a formula, and runs.
_OF_FORMULAS: Final = ("=", "+", "-", "@")


class PictureSources:
    """Goes through the pictures of some paths.

    In folders, patterns' folders and archives a picture is what has a picture's ending;
    what was named itself, or is met by a pattern, is taken whatever it is called. A
    picture that several paths stand for comes once.

    Parameters
    ----------
    paths : sequence of str
        Files, folders, archives and patterns.
    all_files : bool, default False
        Take every file of folders and archives for a picture, whatever its ending.

    Attributes
    ----------
    passed_over : Counter
        How many files and folders :meth:`pictures` left out so far, by reason.

    Raises
    ------
    ConfigError
        If nothing is at one of the paths, it cannot be looked at, or a pattern cannot
        be one.
    """

    def __init__(self, paths: Sequence[str], all_files: bool = False) -> None:
        self.passed_over: Counter[str] = Counter()
        self._all_files = all_files
        self._paths = tuple(paths)
        self._patterns: dict[int, PathPattern] = {}
        self._first_at: dict[str, int] = {}
        self._rows_of_folders: set[str] = set()
        self._refused: set[tuple[int, Look]] = set()
        for index, path in enumerate(paths):
            if is_pattern(path):
                self._patterns[index] = PathPattern(path)
                there = next(self._patterns[index].paths(), None) is not None
            else:
                self._first_at.setdefault(absolute(path), index)
                there = _is_there(path)
            if not there:
                raise ConfigError(
                    f"{shown(path) or repr(path)}: expected a file, a folder or a "
                    "pattern of some, found nothing there; check the path"
                )

    def pictures(self, with_content: bool = True) -> Iterator[FoundPicture]:
        """Go through the pictures.

        Parameters
        ----------
        with_content : bool, default True
            Whether they are to be read; if not, compressed tars are not looked into.

        Yields
        ------
        FoundPicture
            Each picture, and what stands in for an unreadable folder or archive.
        """
        for kept in (self.passed_over, self._rows_of_folders, self._refused):
            kept.clear()
        for index, path in enumerate(self._paths):
            pattern = self._patterns.get(index)
            for met in [path] if pattern is None else pattern.paths():
                for found in self._at(met, index, with_content):
                    if not isinstance(found, UnreadableFolder):
                        yield found
                        continue
                    folder = absolute(found.path)
                    self._refused.add((index, Look(folder, found.look.name)))
                    if not self._has_row(found.path, index):
                        self._rows_of_folders.add(folder)
                        yield FoundPicture.unreadable(found.path, found.error)

    def count(self) -> int | None:
        """Count the pictures, without reading one.

        Returns
        -------
        int or None
            How many :meth:`pictures` yields; None where a compressed tar is among the
            sources, which would have to be read for it.
        """
        number = 0
        for picture in PictureSources(self._paths, self._all_files).pictures(False):
            if picture.path.lower().endswith(COMPRESSED_TAR_SUFFIXES):
                return None
            number += 1
        return number

    def _at(
        self, met: str | UnreadableFolder, index: int, with_content: bool
    ) -> Iterator[FoundPicture | UnreadableFolder]:
        """What one path stands for that no path before it does."""
        path = _plain(met if isinstance(met, str) else met.path)
        if isinstance(met, UnreadableFolder):
            yield UnreadableFolder(Look(path, met.look.name), met.error)
        elif is_folder(Path(path)):
            yield from self._walk(path, index, with_content)
        elif not self._is_known(path, index):
            yield from self._file(path, with_content)

    def _walk(
        self, top: str, index: int, with_content: bool
    ) -> Iterator[FoundPicture | UnreadableFolder]:
        # A list instead of recursion: folders may lie deeper than Python calls.
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            try:
                files, folders = self._names(folder)
            except OSError as error:
                yield UnreadableFolder(Look(folder), error)
                continue
            waiting += reversed(folders)
            for path in files:
                if index == 0 or not self._is_known(path, index):
                    yield from self._file(path, with_content)

    def _names(self, folder: str) -> tuple[list[str], list[str]]:
        """The files of a folder that are taken, and its folders, each by name."""
        files, folders = [], []
        with os.scandir(folder) as entries:
            for entry in entries:
                if _is_hidden(entry.name):
                    self.passed_over[HIDDEN] += 1
                elif is_true_folder(entry):
                    folders.append(entry.path)
                elif is_folder(entry):
                    self.passed_over[LINKED_FOLDERS] += 1
                elif self._takes(entry.name):
                    files.append(entry.path)
                else:
                    self.passed_over[OTHER_NAMES] += 1
        return sorted(files), sorted(folders)

    def _file(self, path: str, with_content: bool) -> Iterator[FoundPicture]:
        if path.lower().endswith(ARCHIVE_SUFFIXES):
            yield from archive_pictures(path, self._takes_member, with_content)
        else:
            yield FoundPicture.file(path)

    def _takes(self, name: str) -> bool:
        endings = PICTURE_SUFFIXES + ARCHIVE_SUFFIXES
        return self._all_files or name.lower().endswith(endings)

    def _takes_member(self, name: str) -> bool:
        parts = name.replace("\\", "/").split("/")
        if any(map(_is_hidden, parts)):
            self.passed_over[HIDDEN] += 1
        elif name.lower().endswith(ARCHIVE_SUFFIXES):
            self.passed_over[INNER_ARCHIVES] += 1
        elif not self._all_files and not name.lower().endswith(PICTURE_SUFFIXES):
            self.passed_over[OTHER_NAMES] += 1
        else:
            return True
        return False

    def _has_row(self, path: str, index: int) -> bool:
        """Whether what cannot be looked into has its row, as a folder or as a file.

        Several paths, or one pattern, may come to it more than once; and a link into a
        closed folder is a folder to a pattern that looks into it, and else a file.
        """
        file = absolute(path)
        if file in self._rows_of_folders:
            return True
        if is_folder(Path(path)):
            return False
        pattern = self._patterns.get(index)
        match = None if pattern is None else pattern.match(file)
        if match is not None and match.path == file and self._may(index, match.looks):
            return True
        return self._is_known(path, index)

    def _is_known(self, path: str, index: int) -> bool:
        """Whether a path that was given before this one stands for the file."""
        file = absolute(path)
        if file in self._rows_of_folders:
            return True
        for before, match in self._matches(file, index):
            below = self._looks_below(match.path, file)
            if below is not None and self._may(before, [*match.looks, *below]):
                return True
        return False

    def _may(self, index: int, looks: Iterable[Look]) -> bool:
        """Whether none of a path's looks was refused."""
        return self._refused.isdisjoint((index, look) for look in looks)

    def _matches(self, file: str, index: int) -> Iterator[tuple[int, Match]]:
        """What paths given before this one meet, of a file and the folders above it."""
        for top in accumulate(file.split(SEPARATOR), joined):
            before = self._first_at.get(top or SEPARATOR, index)
            if before < index:
                yield before, Match(top, ())
        for before, pattern in self._patterns.items():
            match = pattern.match(file) if before < index else None
            if match is not None:
                yield before, match

    def _looks_below(self, top: str, file: str) -> list[Look] | None:
        """By which going through a folder comes to a file; None where it does not."""
        if top == file:
            return []
        *folders, name = file[len(top) :].lstrip(SEPARATOR).split(SEPARATOR)
        above = [*accumulate(folders, joined, initial=top)]
        if (
            not self._takes(name)
            or any(map(_is_hidden, [*folders, name]))
            or any(map(is_link, above[1:]))
        ):
            return None
        return [Look(folder or SEPARATOR) for folder in above]


def _is_there(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # a NUL in it
        return False
    except OSError as error:
        raise ConfigError(
            f"{shown(path)}: cannot be looked at ({error.strerror}); check the path, "
            "and the rights to its folders"
        ) from error
    return True


def _plain(path: str) -> str:
    """The path as no spreadsheet takes it for a formula."""
    return f".{SEPARATOR}{path}" if path.startswith(_OF_FORMULAS) else path


def _is_hidden(name: str) -> bool:
    # A member's name may begin with "./".
    return (name.startswith(".") and name not in (".", "..")) or name == _MACOS_FOLDER
