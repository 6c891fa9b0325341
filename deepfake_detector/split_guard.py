"""No picture in two splits: neither a copy of it, nor one of its group.

Where pictures that belong together lie in several splits, all of them go to the first
of these in the order train, val, test. So copies leave the held-out pictures and never
join them: what is scored stays unseen, and nothing is lost to training.

Only where all of them come from a split that was made here do they follow the first of
them by name. That one fell into each split by chance, so the shares stay what they are:
a set in which every picture has a copy would otherwise end up in train almost whole.
"""

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from inspect import getsource
from itertools import chain
from pathlib import Path
from typing import Any, Final, Protocol

from deepfake_detector import duplicates
from deepfake_detector.crop_cache import LabelledPicture, cache_key
from deepfake_detector.dataset_layout import SPLITS
from deepfake_detector.datasets import DatasetSpec
from deepfake_detector.duplicates import Group
from deepfake_detector.seeded_split import in_order
from deepfake_detector.whole_file import write_json

logger = logging.getLogger(__name__)

#: Fields of what `find_duplicates` finds that the guard goes by.
_KINDS: Final = ("exact", "near", "groups")

#: Moved pictures that the log names, at most.
_NAMED: Final = 5


class Member(Protocol):
    """One dataset of a run, as far as the guard looks at it."""

    @property
    def spec(self) -> DatasetSpec:
        """What the dataset is."""

    @property
    def data_hash(self) -> str:
        """Changes with the dataset's content."""

    @property
    def unsplit_origins(self) -> frozenset[str | None]:
        """Origins of its pictures whose split was made here."""

    @property
    def listed(self) -> Mapping[str, list[LabelledPicture]]:
        """Every picture of every split, as the set comes."""

    def path_of(self, picture: LabelledPicture) -> Path:
        """Return where a picture lies.

        Parameters
        ----------
        picture : LabelledPicture
            One of those listed.

        Returns
        -------
        Path
            Its file.
        """


class SplitGuard:
    """Keeps what belongs together in one split, over all datasets of a run.

    Parameters
    ----------
    members : sequence of Member
        The datasets that are trained on and scored together.
    cache_dir : Path
        Where found duplicates are kept, so that a second run does not search again.
    """

    def __init__(self, members: Sequence[Member], cache_dir: Path) -> None:
        self.members = list(members)
        self.cache_dir = cache_dir

    def splits_of(self, member: Member) -> dict[str, list[LabelledPicture]]:
        """Return a dataset's splits with nothing that crosses them.

        Parameters
        ----------
        member : Member
            One of the guard's datasets.

        Returns
        -------
        dict of str to list of LabelledPicture
            As listed, but for the moved pictures.
        """
        moves = self._moves[self._number(member)]
        splits = dict(member.listed)
        for split in SPLITS:
            stay = [p for p in member.listed[split] if p.name not in moves]
            come = [
                picture
                for other in SPLITS
                for picture in member.listed[other]
                if moves.get(picture.name) == split
            ]
            splits[split] = in_order([*stay, *come]) if come else stay
        return splits

    def facts_of(self, member: Member, origin: str | None = None) -> dict[str, int]:
        """Return how many copies a dataset holds and how many pictures were moved.

        Parameters
        ----------
        member : Member
            One of the guard's datasets.
        origin : str, optional
            Count the pictures of this origin in a merged set only.

        Returns
        -------
        dict of str to int
            `exact` and `near`: pictures that have an equal file, or one that looks
            alike, somewhere in the run. `groups_parted`: named groups, such as source
            videos, that lay in two splits. `moved`: pictures that changed their split.
        """
        number = self._number(member)

        def counts(row: int) -> bool:
            of, _, picture = self._rows[row]
            return of == number and origin in (None, picture.origin)

        parted = self._parted_groups(number)
        moves = self._moves[number]
        return {
            "exact": sum(counts(row) for row in chain(*self._duplicates["exact"])),
            "near": sum(counts(row) for row in chain(*self._duplicates["near"])),
            "groups_parted": sum(counts(rows[0]) for rows in parted.values()),
            "moved": sum(
                counts(row) and picture.name in moves
                for row, (_, _, picture) in enumerate(self._rows)
            ),
        }

    def _number(self, member: Member) -> int:
        return next(i for i, other in enumerate(self.members) if other is member)

    @cached_property
    def _rows(self) -> list[tuple[int, str, LabelledPicture]]:
        """Number of the dataset, split and picture, of all pictures one after another.

        In an order that does not depend on the seed of a split made here: what was
        found in these pictures is then found again.
        """
        rows = [
            (number, split, picture)
            for number, member in enumerate(self.members)
            for split in SPLITS
            for picture in member.listed[split]
        ]
        return sorted(rows, key=lambda row: (row[0], row[2].name))

    @cached_property
    def _duplicates(self) -> dict[str, list[Group]]:
        """Groups of row numbers under `exact`, `near` and `groups`; kept on disk."""
        facts = {
            "data": [member.data_hash for member in self.members],
            "pictures": [(number, p.name) for number, _, p in self._rows],
            "code": getsource(duplicates),
            "pillow": version("pillow"),
        }
        path = self.cache_dir / "duplicates" / f"{cache_key(facts)}.json"
        found = _read(path)
        if found is None:
            paths = [self.members[n].path_of(p) for n, _, p in self._rows]
            logger.info("looking for copies among %d pictures", len(paths))
            result = duplicates.find_duplicates(paths)
            found = {kind: list(getattr(result, kind)) for kind in _KINDS}
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, found, indent=None)
        return found

    @cached_property
    def _named_groups(self) -> dict[tuple[int, str], list[int]]:
        """Row numbers by dataset and name of the group, where it has one."""
        groups: dict[tuple[int, str], list[int]] = {}
        for row, (number, _, picture) in enumerate(self._rows):
            if picture.group is not None:
                groups.setdefault((number, picture.group), []).append(row)
        return groups

    def _parted_groups(self, number: int) -> dict[str, list[int]]:
        """Row numbers of a dataset's named groups that lie in more than one split."""
        return {
            name: rows
            for (of, name), rows in self._named_groups.items()
            if of == number and len({self._rows[row][1] for row in rows}) > 1
        }

    @cached_property
    def _moves(self) -> list[dict[str, str]]:
        """For each dataset the pictures to move, and the split they go to."""
        moves: list[dict[str, str]] = [{} for _ in self.members]
        ties = [*self._duplicates["groups"], *self._named_groups.values()]
        for group in duplicates.join(ties):
            splits = {self._rows[row][1] for row in group}
            target: str = next(split for split in SPLITS if split in splits)
            if all(self._was_split_here(row) for row in group):
                target = self._rows[group[0]][1]
            for row in group:
                number, split, picture = self._rows[row]
                if split != target:
                    moves[number][picture.name] = target
        for number in range(len(self.members)):
            self._report(number, moves[number])
        return moves

    def _was_split_here(self, row: int) -> bool:
        number, _, picture = self._rows[row]
        return picture.origin in self.members[number].unsplit_origins

    def _report(self, number: int, moves: Mapping[str, str]) -> None:
        """Log what was found in a dataset and what was moved."""
        name = self.members[number].spec.name
        parted = self._parted_groups(number)
        if parted:
            logger.warning(
                "%s: groups that lie in two splits: %d, first %s",
                name,
                len(parted),
                ", ".join(list(parted)[:_NAMED]),
            )
        if moves:
            logger.warning(
                "%s: moved %s, so that no copy and no group crosses a split; first %s",
                name,
                ", ".join(f"{n} to {s}" for s, n in Counter(moves.values()).items()),
                ", ".join(list(moves)[:_NAMED]),
            )
        else:
            logger.info("%s: no copy and no group crosses a split", name)


def _read(path: Path) -> dict[str, list[Group]] | None:
    """What was found before, or None."""
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {kind: [tuple(group) for group in kept[kind]] for kind in _KINDS}
    except (OSError, ValueError, TypeError, KeyError):
        return None
