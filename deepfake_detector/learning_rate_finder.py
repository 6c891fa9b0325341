"""The learning-rate range test: train a little at ever higher rates, and look [1]_.

References
----------
.. [1] Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017,
   arXiv:1506.01186, section 3.3.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np

from deepfake_detector.crop_batches import CropBatches
from deepfake_detector.deepfake_detector_model import DeepfakeDetectorModel
from deepfake_detector.exceptions import TrainingError

#: How much of the running mean of the loss is kept in each step.
_SMOOTHING: Final = 0.9

#: The test ends where the loss is so many times the least that it was.
_DIVERGED: Final = 4.0

#: Fewer steps draw no curve.
_LEAST_STEPS: Final = 5


@dataclass(frozen=True)
class RateSweep:
    """What the loss did while the learning rate rose.

    Parameters
    ----------
    rates : tuple of float
        Learning rate of each step.
    losses : tuple of float
        Smoothed loss after it.
    suggestion : float or None
        The rate at which the loss fell most steeply; None where it never fell.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the curve as JSON-ready values."""
        return {
            "suggestion": self.suggestion,
            "rates": list(self.rates),
            "losses": list(self.losses),
        }


def sweep_learning_rate(
    model: DeepfakeDetectorModel,
    batches: CropBatches,
    low: float = 1e-7,
    high: float = 1.0,
    steps: int = 100,
) -> RateSweep:
    """Train at exponentially rising rates; the network is afterwards as before.

    Parameters
    ----------
    model : DeepfakeDetectorModel
        The network, as the first stage of a run trains it.
    batches : CropBatches
        What is trained on; repeated where there are fewer than `steps`.
    low, high : float, default 1e-7 and 1
        First and last rate.
    steps : int, default 100
        Steps between them.

    Returns
    -------
    RateSweep
        The curve, cut where the loss left all bounds.

    Raises
    ------
    TrainingError
        If it did so at once.
    """
    model.compile_model()
    trainer = model.trainer
    variables = trainer.variables  # places in random sequences, too
    before = [keras.ops.convert_to_numpy(variable) for variable in variables]
    weights = batches.class_weights() if model.config.class_weights else None
    rates, losses = [], []
    mean = 0.0
    try:
        for step, rate in enumerate(np.geomspace(low, high, steps).tolist()):
            trainer.optimizer.learning_rate = rate
            crops, y_true = batches[step % len(batches)]
            loss, *_ = trainer.train_on_batch(crops, y_true, class_weight=weights)
            mean = _SMOOTHING * mean + (1 - _SMOOTHING) * float(loss)
            smoothed = mean / (1 - _SMOOTHING ** (step + 1))
            if not math.isfinite(smoothed):
                break
            rates.append(rate)
            losses.append(smoothed)
            if smoothed > _DIVERGED * min(losses):
                break
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
    if len(rates) < _LEAST_STEPS:
        raise TrainingError(
            f"the loss left all bounds after {len(rates)} steps from a learning rate "
            f"of {low:g} on; look at the pictures, or try --no-mixed-precision"
        )
    return RateSweep(tuple(rates), tuple(losses), _steepest(rates, losses))


def _steepest(rates: list[float], losses: list[float]) -> float | None:
    """The rate where the loss falls most over a step of log rate, up to its least."""
    slopes = np.gradient(np.array(losses), np.log(rates))
    # The first steps' mean is of too few losses.
    first, last = _LEAST_STEPS - 1, int(np.argmin(losses)) + 1
    falling = list(itertools.islice(enumerate(slopes.tolist()), first, last))
    if not falling:
        return None
    place, slope = min(falling, key=lambda pair: pair[1])
    return rates[place] if slope < 0 else None
