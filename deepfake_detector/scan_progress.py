"""How far a scan is, on stderr: one moving line on a terminal, else a line at times."""

import sys
import time
from collections.abc import Callable
from typing import Final

import click

#: How often the line is written, seconds: on a terminal, and into a file or pipe.
_EVERY_S: Final = (0.5, 30.0)


class ScanProgress:
    """Says how many pictures are done, how fast, and how long the rest takes.

    Parameters
    ----------
    done, failed : int
        Pictures that have a row from earlier sittings, and those of them that could not
        be judged.
    clock : callable, optional
        Seconds from any beginning.

    Attributes
    ----------
    done, failed : int
        As above, up to now.
    before : int
        `done` at the beginning.
    total : int or None
        Number of all pictures; None while it is not known.
    first_after_s : float or None
        Seconds until the first rows of this sitting; None before them.
    """

    def __init__(
        self,
        done: int,
        failed: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.done = self.before = done
        self.failed = failed
        self.total: int | None = None
        self.first_after_s: float | None = None
        self._clock = clock
        self._started = clock()
        self._is_terminal = sys.stderr.isatty()
        self._due = self._started + _EVERY_S[not self._is_terminal]

    @property
    def seconds(self) -> float:
        """How long this sitting has taken so far."""
        return self._clock() - self._started

    @property
    def per_second(self) -> float:
        """Pictures a second of this sitting."""
        return (self.done - self.before) / max(1e-9, self.seconds)

    def advance(self, done: int, failed: int) -> None:
        """Count pictures, and say so when it is time.

        Parameters
        ----------
        done : int
            Pictures more that have their row.
        failed : int
            How many of these could not be judged.
        """
        self.done += done
        self.failed += failed
        now = self._clock()
        if self.first_after_s is None:
            self.first_after_s = now - self._started
        if now >= self._due:
            self._due = now + _EVERY_S[not self._is_terminal]
            self._write(str(self), last=False)

    def close(self) -> None:
        """Say it a last time, and leave the line."""
        self._write(str(self), last=True)

    def __str__(self) -> str:
        total = self.total
        rate = self.per_second
        parts = [f"{self.done:,} pictures"]
        if total is not None:
            share = self.done / max(1, total)
            parts = [f"{self.done:,} of {total:,} pictures ({share:.0%})"]
        parts.append(f"{rate:.3g} a second")
        if total is not None and rate > 0 and total > self.done:
            parts.append(f"{_duration((total - self.done) / rate)} left")
        if self.failed:
            parts.append(f"{self.failed:,} not judged")
        return ", ".join(parts)

    def _write(self, text: str, last: bool) -> None:
        if not self._is_terminal:
            click.echo(text, err=True)
            return
        # To the line's beginning, and clear what a longer line left.
        click.echo(f"\r{text}\x1b[K", err=True, nl=last)


def _duration(seconds: float) -> str:
    """In the two largest units, such as ``3 h 20 min``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))
    first = next((i for i, (count, _) in enumerate(units) if count), len(units) - 1)
    return " ".join(f"{count} {unit}" for count, unit in units[first : first + 2])
