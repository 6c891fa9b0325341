"""From validation scores to two cut-offs: likely real below, likely fake above.

Between them the answer is inconclusive. Both come from pooled validation sets in which
each source weighs the same, so that a large archive does not set them alone.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.exceptions import ArtifactError
from deepfake_detector.labels import FAKE, REAL

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]

#: Least distance between the two cut-offs of a fit, in p_fake.
LEAST_BAND: Final = 0.05

#: Most real faces that may be called fake, and most fakes that may be called real.
FALSE_ALARM_RATE: Final = 0.01
MISS_RATE: Final = 0.05

#: Neither answer is given against the percentage that stands beside it.
EVEN_ODDS: Final = 0.5

#: Slack for sums of weights that are not exact in binary.
_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class CutOffs:
    """Below `likely_real` likely real, from `likely_fake` on likely fake.

    Parameters
    ----------
    likely_real : float
        P(fake) below which a face is likely real, in [0, `likely_fake`].
    likely_fake : float
        P(fake) from which a face is likely fake, in [0, 1].
    false_alarm_rate : float, default 0.01
        Largest share of real faces called fake that it was fitted for, in [0, 1].
    miss_rate : float, default 0.05
        Largest share of fakes called real that it was fitted for, in [0, 1].
    false_alarms : float, optional
        Share of real faces at or above `likely_fake` in the fit, each source weighing
        the same; None where it was not measured.
    hits : float, optional
        Share of fakes at or above `likely_fake` in the fit, likewise.

    Raises
    ------
    ArtifactError
        If a number is not in [0, 1] or the cut-offs are the wrong way round.
    """

    likely_real: float
    likely_fake: float
    false_alarm_rate: float = FALSE_ALARM_RATE
    miss_rate: float = MISS_RATE
    false_alarms: float | None = None
    hits: float | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            optional = name in ("false_alarms", "hits")
            if not (value is None and optional) and not 0.0 <= value <= 1.0:
                raise ArtifactError(
                    f"cut_offs: expected {name} in [0, 1], got {value!r}"
                )
        if self.likely_real > self.likely_fake:
            raise ArtifactError(
                "cut_offs: expected likely_real at or below likely_fake, got "
                f"{self.likely_real} and {self.likely_fake}"
            )

    @property
    def measured_false_alarm_rate(self) -> float | None:
        """What to say of real faces called fake; None where nothing was measured.

        At least the rate it was fitted for: that one sample met fewer promises nothing.
        """
        if self.false_alarms is None:
            return None
        return max(self.false_alarm_rate, self.false_alarms)

    @classmethod
    def fit(cls, p_fake: FloatArray, y_true: IntArray, sources: Sequence[str]) -> Self:
        """Find the widest answers that keep both promises on validation scores.

        `likely_fake` is as low as it can be with at most 1 % of the real faces at or
        above it, `likely_real` as high as it can be with at most 5 % of the fakes
        below it; within a class each source weighs the same. Each lies halfway between
        two neighbouring scores, but `likely_fake` is never below one half and
        `likely_real` never above: a face that is more probably real than not is not
        called fake, however well the scores part. Where the two cross, or lie closer
        than `LEAST_BAND`, a band of that width around the middle between them takes
        their place, moved into [0, 1] where it sticks out. Moving them so breaks
        neither promise.

        Without real faces nothing is called likely fake below a score of 1, and
        without fakes nothing is called likely real: what was not measured is not
        promised. Where more than 1 % of the real faces score 1 exactly no cut-off
        keeps its promise; then it is 1, and `false_alarms` says how many they are.

        Parameters
        ----------
        p_fake : ndarray of shape (n_samples,), float
            Calibrated scores in [0, 1].
        y_true : ndarray of shape (n_samples,), int
            Ground truth, 0 = real, 1 = fake.
        sources : sequence of str, n_samples long
            Where each sample comes from.

        Returns
        -------
        CutOffs
            The cut-offs, with what was measured at `likely_fake`.

        Raises
        ------
        ValueError
            If the lengths differ, or a score is not in [0, 1].
        """
        scores: NDArray[np.float64] = np.asarray(p_fake, dtype=np.float64)
        if not len(p_fake) == len(y_true) == len(sources):
            raise ValueError(
                "expected a score, a label and a source for each sample, got "
                f"{len(p_fake)}, {len(y_true)} and {len(sources)}"
            )
        if not ((scores >= 0.0) & (scores <= 1.0)).all():
            raise ValueError("expected scores in [0, 1]; calibrate the logits first")
        real, fake = (
            _of_class(scores, np.asarray(y_true), sources, c) for c in (REAL, FAKE)
        )
        likely_real, likely_fake = _with_least_band(
            # Turned round, "at most so many fakes below" is "at most so many above".
            min(1.0 - _lowest_cut(1.0 - fake[0], fake[1], MISS_RATE), EVEN_ODDS),
            max(_lowest_cut(*real, FALSE_ALARM_RATE), EVEN_ODDS),
        )
        return cls(
            likely_real=likely_real,
            likely_fake=likely_fake,
            false_alarms=_share_from(likely_fake, *real),
            hits=_share_from(likely_fake, *fake),
        )

    @classmethod
    def around(cls, threshold: float) -> Self:
        """Return a band of `LEAST_BAND` around a threshold; nothing of it is measured.

        Parameters
        ----------
        threshold : float
            P(fake) in [0, 1].

        Returns
        -------
        CutOffs
            What an older card, which has one threshold only, is read as.
        """
        return cls(*_with_least_band(threshold, threshold))

    def with_threshold(self, threshold: float | None) -> Self:
        """Let a user's own threshold take the place of `likely_fake`.

        `likely_real` stays, but is never above the threshold. What was measured at
        another cut-off is not carried over.

        Parameters
        ----------
        threshold : float or None
            P(fake) from which a face is likely fake, in [0, 1]; None changes nothing.

        Returns
        -------
        CutOffs
            The cut-offs to answer by.
        """
        if threshold is None or threshold == self.likely_fake:
            return self
        return replace(
            self,
            likely_real=min(self.likely_real, threshold),
            likely_fake=threshold,
            false_alarms=None,
            hits=None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as JSON-ready fields."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read what :meth:`to_dict` returned.

        Parameters
        ----------
        fields : dict
            Numbers by name.

        Returns
        -------
        CutOffs
            The cut-offs.

        Raises
        ------
        ArtifactError
            If a number cannot be.
        TypeError
            If a field is missing, unknown or no number.
        """
        return cls(**fields)


def equal_source_weights(sources: Sequence[str]) -> NDArray[np.float64]:
    """Return weights by which every source weighs the same in total.

    Parameters
    ----------
    sources : sequence of str, n_samples long
        Where each sample comes from.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        Positive, with a mean of 1.
    """
    _, source_of, counts = np.unique(
        np.asarray(sources, dtype=str), return_inverse=True, return_counts=True
    )
    weights: NDArray[np.float64] = len(source_of) / (len(counts) * counts[source_of])
    return weights


def _of_class(
    p_fake: NDArray[np.float64], y_true: IntArray, sources: Sequence[str], label: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One class's scores, and weights that sum to 1 and equally by source."""
    rows = np.flatnonzero(y_true == label)
    weights = equal_source_weights([sources[int(row)] for row in rows])
    return p_fake[rows], weights / max(1, len(rows))


def _lowest_cut(
    scores: NDArray[np.float64], weights: NDArray[np.float64], rate: float
) -> float:
    """The lowest cut with at most `rate` of the weight at or above it, or 1.0.

    Halfway between the highest score that must stay below it and the next one.
    """
    if not len(scores):
        return 1.0
    values, place = np.unique(scores, return_inverse=True)
    from_value = np.cumsum(np.bincount(place, weights)[::-1])[::-1]
    below = int((from_value > rate + _ROUNDING).sum()) - 1
    if below + 1 == len(values):
        return float(np.nextafter(values[below], 1.0))
    halfway = (values[below] + values[below + 1]) / 2
    return float(max(halfway, np.nextafter(values[below], 1.0)))


def _with_least_band(likely_real: float, likely_fake: float) -> tuple[float, float]:
    """Keep the cut-offs the right way round and `LEAST_BAND` apart, in [0, 1]."""
    if likely_fake - likely_real >= LEAST_BAND:
        return likely_real, likely_fake
    middle = (likely_real + likely_fake) / 2
    low = min(max(middle - LEAST_BAND / 2, 0.0), 1.0 - LEAST_BAND)
    # Never beyond what was fitted, not even by a rounding error.
    return min(low, likely_real), max(low + LEAST_BAND, likely_fake)


def _share_from(
    cut: float, scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> float | None:
    """The weight at or above a cut; None of no samples."""
    return float(min(1.0, weights[scores >= cut].sum())) if len(scores) else None
