"""From a network's logit to a calibrated P(fake): one temperature and one bias.

A temperature alone cannot move the 0.5 crossing of a binary classifier, so a bias is
fitted with it (Platt scaling).

References
----------
.. [1] Guo et al., "On Calibration of Modern Neural Networks", ICML 2017,
   arXiv:1706.04599, section 4.2.
"""

import logging
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from deepfake_detector.exceptions import ArtifactError

logger = logging.getLogger(__name__)

FloatArray = NDArray[np.floating[Any]]


def sigmoid(x: FloatArray) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-x)) without overflow.

    Parameters
    ----------
    x : ndarray of any shape, float
        Logits.

    Returns
    -------
    ndarray of the same shape, float64
        Probabilities in [0, 1].
    """
    return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(x, dtype=np.float64)))


@dataclass(frozen=True)
class Calibration:
    """P(fake) = sigmoid(logit / temperature + bias).

    Parameters
    ----------
    temperature : float, default 1.0
        Positive; above 1 it softens an overconfident network.
    bias : float, default 0.0
        Shift in logits.

    Raises
    ------
    ArtifactError
        If the temperature is not positive or a number is not finite.
    """

    temperature: float = 1.0
    bias: float = 0.0

    def __post_init__(self) -> None:
        finite = np.isfinite([self.temperature, self.bias]).all()
        if not finite or self.temperature <= 0:
            raise ArtifactError(
                "calibration: expected a positive temperature and a finite bias, got "
                f"{self.temperature} and {self.bias}"
            )

    def p_fake(self, logit: FloatArray) -> NDArray[np.float64]:
        """Apply the calibration.

        Parameters
        ----------
        logit : ndarray of any shape, float
            The network's logits of P(fake).

        Returns
        -------
        ndarray of the same shape, float64
            Calibrated P(fake) in [0, 1].
        """
        # A tiny temperature makes a large logit infinite, which is certainty.
        with np.errstate(over="ignore"):
            return sigmoid(
                np.asarray(logit, dtype=np.float64) / self.temperature + self.bias
            )

    def to_dict(self) -> dict[str, Any]:
        """Return both numbers as JSON-ready fields."""
        return asdict(self)

    @classmethod
    def fit(
        cls,
        logit: FloatArray,
        y_true: NDArray[np.integer[Any]],
        sample_weight: FloatArray | None = None,
    ) -> Self:
        """Fit on held-out logits by maximum likelihood.

        Where the network ranks no better than chance the likelihood has no positive
        temperature to offer; then the identity is returned and the log says so.

        Parameters
        ----------
        logit : ndarray of shape (n_samples,), float
            Logits on validation pictures.
        y_true : ndarray of shape (n_samples,), int
            Ground truth, 0 = real, 1 = fake; both must occur.
        sample_weight : ndarray of shape (n_samples,), float, optional
            How much each counts, with a mean of 1; where not given, all the same.

        Returns
        -------
        Calibration
            The fitted numbers.
        """
        from sklearn.linear_model import LogisticRegression

        # A touch of regularisation keeps perfectly separated validation sets finite.
        model = LogisticRegression(C=1e3).fit(
            np.asarray(logit)[:, None], y_true, sample_weight
        )
        slope, bias = float(model.coef_[0, 0]), float(model.intercept_[0])
        if slope <= 0:
            logger.warning("calibration: no better than chance, so left as it is")
            return cls()
        return cls(temperature=1.0 / slope, bias=bias)
