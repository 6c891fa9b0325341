"""Whether a figure grows with time: a straight line through its samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np


@dataclass(frozen=True)
class Trend:
    """A straight line, fitted by least squares.

    Parameters
    ----------
    per_minute : float
        How much the figure grows in a minute; below 0 where it shrinks.
    standard_error : float
        Of `per_minute`, from the scatter around the line. Samples that follow each
        other are alike, so the true one is larger.
    samples : int
        How many the line goes through.
    """

    per_minute: float
    standard_error: float
    samples: int

    @classmethod
    def through(cls, seconds: Sequence[float], values: Sequence[float]) -> Self:
        """Fit the line.

        Parameters
        ----------
        seconds : sequence of float
            When each sample was taken; at least three, not all at once.
        values : sequence of float
            The figure at each of these times.

        Returns
        -------
        Trend
            The line.

        Raises
        ------
        ValueError
            If there are fewer than three samples.
        """
        if len(seconds) < 3:
            raise ValueError(f"expected at least 3 samples, got {len(seconds)}")
        minutes = np.asarray(seconds) / 60
        slope, start = np.polyfit(minutes, values, 1)
        rest = np.asarray(values) - (slope * minutes + start)
        spread = float(((minutes - minutes.mean()) ** 2).sum())
        error = float((rest**2).sum() / (len(minutes) - 2) / spread) ** 0.5
        return cls(float(slope), error, len(minutes))

    def exceeds(self, bound: float) -> bool:
        """Whether growth is above a bound by more than chance would make it.

        Parameters
        ----------
        bound : float
            The most that it may grow in a minute.

        Returns
        -------
        bool
            Whether it does, two standard errors allowed for.
        """
        return self.per_minute - 2 * self.standard_error > bound

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, JSON-ready."""
        return {
            "per_minute": round(self.per_minute, 3),
            "standard_error": round(self.standard_error, 3),
            "samples": self.samples,
        }
