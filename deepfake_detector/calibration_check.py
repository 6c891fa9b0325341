"""Is a calibration error more than chance: what perfect calibration would get.

Few pictures make the calibration error of any model larger than zero. So the error is
laid beside that of a model that is right about its own doubt: labels are drawn by the
very probabilities that the model gave, many times over, and each draw has its error
[1]_ [2]_. NumPy only.

References
----------
.. [1] Broecker and Smith, "Increasing the Reliability of Reliability Diagrams", Weather
   and Forecasting 22, 2007: consistency resampling.
.. [2] Vaicenavicius et al., "Evaluating model calibration in classification", AISTATS
   2019, arXiv:1902.06977.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.cut_offs import equal_source_weights
from deepfake_detector.metrics import expected_calibration_error

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]

DRAWS: Final = 2000
N_BINS: Final = 15

#: Share of the draws whose error is below the one that is reported.
_PERCENTILE: Final = 95

#: Most labels that are drawn at once.
_BLOCK: Final = 4_000_000


def calibration_check(
    y_true: IntArray, p_fake: FloatArray, sources: Sequence[str] | None = None
) -> dict[str, float]:
    """Report the calibration error beside what chance alone makes of it.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    p_fake : ndarray of shape (n_samples,), float
        P(fake) in [0, 1].
    sources : sequence of str, n_samples long, optional
        Where each picture comes from, where pictures of several sets are pooled.

    Returns
    -------
    dict of str to float
        `ece`, every picture weighing the same, and `ece_chance_95`, the 95th percentile
        of a perfectly calibrated model with the same scores. With `sources` also
        `ece_sources_equal` and `ece_sources_equal_chance_95`: pictures weigh so much
        that each source counts the same, however many it has.

    Raises
    ------
    ValueError
        If there are no samples, or not one finite score for each label.
    """
    report = _error_and_chance(y_true, p_fake, None, "ece")
    if sources is None:
        return report
    weight = equal_source_weights(sources)
    return report | _error_and_chance(y_true, p_fake, weight, "ece_sources_equal")


def perfectly_calibrated_errors(
    p_fake: FloatArray,
    sample_weight: FloatArray | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return calibration errors of a model that is right about its own doubt.

    Parameters
    ----------
    p_fake : ndarray of shape (n_samples,), float
        P(fake) in [0, 1]; each picture is drawn fake with just that chance.
    sample_weight : ndarray of shape (n_samples,), float, optional
        What each sample weighs, not negative; all the same where not given.
    draws : int, default 2000
        How often labels are drawn.
    seed : int, default 0
        Seed of the draws.

    Returns
    -------
    ndarray of shape (draws,), float64
        The expected calibration error of each draw, in [0, 1].
    """
    p_fake = np.asarray(p_fake, dtype=np.float64)
    weight = np.ones(len(p_fake)) if sample_weight is None else sample_weight
    bins = np.minimum((p_fake * N_BINS).astype(int), N_BINS - 1)
    in_bin = (bins[:, None] == np.arange(N_BINS)) * weight[:, None]  # (n, bins)
    rng = np.random.default_rng(seed)
    block = max(1, _BLOCK // len(p_fake))
    errors = [
        np.abs(
            ((rng.random((min(block, draws - start), len(p_fake))) < p_fake) - p_fake)
            @ in_bin
        ).sum(axis=1)
        for start in range(0, draws, block)
    ]
    shares: NDArray[np.float64] = np.concatenate(errors) / weight.sum()
    return shares


def _error_and_chance(
    y_true: IntArray, p_fake: FloatArray, weight: FloatArray | None, name: str
) -> dict[str, float]:
    error = expected_calibration_error(y_true, p_fake, N_BINS, weight)
    by_chance = perfectly_calibrated_errors(p_fake, weight)
    return {
        name: error,
        f"{name}_chance_{_PERCENTILE}": float(np.percentile(by_chance, _PERCENTILE)),
    }
