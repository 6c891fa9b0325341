"""A figure that grows is told from one that only trembles."""

import numpy as np
import pytest

from benchmarks.trend import Trend

SECONDS = list(range(0, 540, 1))


def test_slope_is_a_minutes() -> None:
    trend = Trend.through([0, 60, 120, 180], [5.0, 7.0, 9.0, 11.0])
    assert trend.per_minute == pytest.approx(2.0)
    assert trend.standard_error == pytest.approx(0.0, abs=1e-9)
    assert trend.exceeds(1.9)
    assert not trend.exceeds(2.1)


def test_noise_without_growth_exceeds_nothing() -> None:
    noise = np.random.default_rng(0).normal(400, 20, len(SECONDS))
    assert not Trend.through(SECONDS, noise.tolist()).exceeds(1.0)


def test_growth_is_seen_through_noise() -> None:
    noise = np.random.default_rng(0).normal(400, 20, len(SECONDS))
    leak = noise + 3.0 * np.array(SECONDS) / 60
    assert Trend.through(SECONDS, leak.tolist()).exceeds(1.0)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_too_few_samples_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"at least 3 samples, got {number}"):
        Trend.through(SECONDS[:number], SECONDS[:number])
