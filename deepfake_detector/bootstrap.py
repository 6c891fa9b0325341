"""How far every metric would have moved with other pictures: the bootstrap.

Reals and fakes are each drawn again with replacement, as many as there are. One draw
serves every metric, and many draws are counted together: scores are first gathered
into groups of equal value, so that a draw is two rows of counts, and every metric is
arithmetic on such rows. NumPy only.

References
----------
.. [1] Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13: the
   percentile interval.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.labels import FAKE, REAL

RESAMPLES: Final = 1000

#: False positive rates at which reports state the true positive rate, by its name.
OPERATING_POINTS: Final = {"tpr_at_fpr_1": 0.01, "tpr_at_fpr_5": 0.05}

_BINS: Final = 15

#: Most counts that are held at once.
_BLOCK: Final = 2_000_000

IntArray = NDArray[np.integer[Any]]
FloatArray = NDArray[np.floating[Any]]
Rows = NDArray[np.float64]


def resampled_metrics(
    y_true: IntArray,
    p_fake: FloatArray,
    threshold: float = 0.5,
    resamples: int = RESAMPLES,
) -> dict[str, Rows]:
    """Return every metric of a report on redrawn pictures.

    The draws depend on nothing but `y_true`: the values of two models, or of the same
    pictures before and after a change, belong together one by one, and the spread of
    their difference is that of a paired comparison.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake; both must occur.
    p_fake : ndarray of shape (n_samples,), float
        P(fake) in [0, 1].
    threshold : float, default 0.5
        P(fake) from which the answer is Fake.
    resamples : int, default 1000
        How many draws.

    Returns
    -------
    dict of str to ndarray of shape (resamples,)
        Values under the names that `evaluation.evaluate_scores` uses.
    """
    groups = _Groups.of(y_true, p_fake)
    blocks = [
        _metrics(groups, real, fake, threshold)
        for real, fake in _draws(groups, resamples)
    ]
    return {name: np.concatenate([b[name] for b in blocks]) for name in blocks[0]}


def interval(values: FloatArray) -> list[float]:
    """Return the 95 % percentile interval of redrawn values.

    Parameters
    ----------
    values : ndarray of shape (resamples,), float
        One of the arrays that :func:`resampled_metrics` returns.

    Returns
    -------
    list of float
        Lower and upper end.
    """
    return [float(value) for value in np.percentile(values, (2.5, 97.5))]


def bootstrap_interval(
    metric: Callable[[IntArray], float], y_true: IntArray
) -> list[float]:
    """Return the interval of a metric that is not among a report's, one draw at a time.

    Parameters
    ----------
    metric : callable
        Rows of a sample -> its value.
    y_true : ndarray of shape (n_samples,), int
        Ground truth; reals and fakes are resampled each on their own.

    Returns
    -------
    list of float
        Low and high end, from the same draws as :func:`resampled_metrics`.
    """
    rng = np.random.default_rng(0)
    classes = [np.flatnonzero(y_true == label) for label in (REAL, FAKE)]
    values = [
        metric(np.concatenate([rng.choice(rows, len(rows)) for rows in classes]))
        for _ in range(RESAMPLES)
    ]
    return interval(np.array(values))


@dataclass(frozen=True)
class _Groups:
    """Scores without repetition, falling, and the group of each real and each fake."""

    score: Rows  # (g,)
    of_reals: IntArray  # (n_real,)
    of_fakes: IntArray  # (n_fake,)

    @classmethod
    def of(cls, y_true: IntArray, p_fake: FloatArray) -> "_Groups":
        negative, group = np.unique(
            -np.asarray(p_fake, dtype=np.float64), return_inverse=True
        )
        return cls(-negative, group[y_true == REAL], group[y_true == FAKE])


def _draws(groups: _Groups, resamples: int) -> Iterator[tuple[Rows, Rows]]:
    """Counts of reals and fakes in each group, (block, g) each, block by block."""
    rng = np.random.default_rng(0)
    block = max(1, _BLOCK // len(groups.score))
    for start in range(0, resamples, block):
        counts = [
            [_redraw(rng, of_class, len(groups.score)) for of_class in classes]
            for classes in [(groups.of_reals, groups.of_fakes)]
            * min(block, resamples - start)
        ]
        real, fake = np.array(counts, dtype=np.float64).swapaxes(0, 1)
        yield real, fake


def _redraw(rng: np.random.Generator, of_class: IntArray, size: int) -> IntArray:
    """How often each group comes up when a class is drawn again."""
    drawn = of_class[rng.integers(0, len(of_class), len(of_class))]
    return np.bincount(drawn, minlength=size)


def _metrics(
    groups: _Groups, real: Rows, fake: Rows, threshold: float
) -> dict[str, Rows]:
    """Every metric of each row of counts."""
    called = groups.score >= threshold
    return {
        **_rank_metrics(real, fake),
        **_answer_metrics(
            real.sum(axis=1),
            fake.sum(axis=1),
            real[:, called].sum(axis=1),
            fake[:, called].sum(axis=1),
        ),
        **_probability_metrics(groups.score, real, fake),
    }


def _rank_metrics(real: Rows, fake: Rows) -> dict[str, Rows]:
    """Those that depend on the order of the scores alone."""
    n_real, n_fake = real.sum(axis=1), fake.sum(axis=1)
    false_alarms, hits = np.cumsum(real, axis=1), np.cumsum(fake, axis=1)
    above = hits - fake / 2  # fakes above a real, ties counting half
    called = np.maximum(hits + false_alarms, 1)
    alarm_rate, hit_rate = false_alarms / n_real[:, None], hits / n_fake[:, None]
    return {
        "auc": (real * above).sum(axis=1) / (n_real * n_fake),
        "average_precision": (fake * hits / called).sum(axis=1) / n_fake,
        "eer": _equal_error_rate(alarm_rate, hit_rate),
        **{
            name: np.where(alarm_rate <= limit, hit_rate, 0.0).max(axis=1)
            for name, limit in OPERATING_POINTS.items()
        },
    }


def _equal_error_rate(alarm_rate: Rows, hit_rate: Rows) -> Rows:
    """Where misses meet false alarms, on straight lines between the points."""
    nothing = np.zeros((len(alarm_rate), 1))  # no threshold reached: all is real
    alarm_rate = np.concatenate([nothing, alarm_rate], axis=1)
    gap = alarm_rate - (1 - np.concatenate([nothing, hit_rate], axis=1))
    right = np.argmax(gap >= 0, axis=1)
    rows, left = np.arange(len(gap)), right - 1
    share = -gap[rows, left] / (gap[rows, right] - gap[rows, left])
    before = alarm_rate[rows, left]
    rates: Rows = before + share * (alarm_rate[rows, right] - before)
    return rates


def _answer_metrics(
    n_real: Rows, n_fake: Rows, false_alarms: Rows, hits: Rows
) -> dict[str, Rows]:
    """Those of the answers at the threshold."""
    rejections, misses = n_real - false_alarms, n_fake - hits
    wrong = false_alarms + misses
    return {
        "accuracy": (hits + rejections) / (n_real + n_fake),
        "balanced_accuracy": (hits / n_fake + rejections / n_real) / 2,
        "precision": _share(hits, hits + false_alarms),
        "recall": hits / n_fake,
        "f1": _share(2 * hits, 2 * hits + wrong),
        "precision_real": _share(rejections, rejections + misses),
        "recall_real": rejections / n_real,
        "f1_real": _share(2 * rejections, 2 * rejections + wrong),
    }


def _share(part: Rows, whole: Rows) -> Rows:
    shares = np.zeros_like(part)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares


def _probability_metrics(score: Rows, real: Rows, fake: Rows) -> dict[str, Rows]:
    """Those that read the scores as probabilities."""
    total = real.sum(axis=1) + fake.sum(axis=1)
    epsilon = np.finfo(np.float64).eps
    clipped = np.clip(score, epsilon, 1 - epsilon)
    bins = np.minimum((score * _BINS).astype(int), _BINS - 1)
    in_bin = bins[:, None] == np.arange(_BINS)  # (g, 15)
    gaps = fake @ (in_bin * (1 - score[:, None])) - real @ (in_bin * score[:, None])
    return {
        "ece": np.abs(gaps).sum(axis=1) / total,
        "brier": (fake @ (1 - score) ** 2 + real @ score**2) / total,
        "log_loss": -(fake @ np.log(clipped) + real @ np.log1p(-clipped)) / total,
    }
