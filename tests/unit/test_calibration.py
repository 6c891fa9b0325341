"""From logits to P(fake): against SciPy, and against numbers that were put in."""

import logging

import numpy as np
import pytest
from scipy.special import expit

from deepfake_detector.calibration import Calibration, sigmoid
from deepfake_detector.exceptions import ArtifactError


def test_sigmoid_equals_scipy() -> None:
    x = np.concatenate([np.linspace(-30, 30, 601), [0.0, -1e-300, 1e-300]])
    np.testing.assert_allclose(sigmoid(x), expit(x), rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("extreme", [-np.inf, -1e308, -1e4, 1e4, 1e308, np.inf])
def test_sigmoid_of_an_extreme_is_quiet_and_exact(extreme: float) -> None:
    assert sigmoid(np.array([extreme])) == (extreme > 0)


def test_sigmoid_of_float32_is_float64() -> None:
    assert sigmoid(np.zeros((2, 3), dtype=np.float32)).dtype == np.float64


def test_p_fake_keeps_shape_and_order() -> None:
    logit = np.linspace(-5, 5, 24, dtype=np.float32).reshape(2, 12)
    p_fake = Calibration(temperature=2.0, bias=-0.5).p_fake(logit)
    assert p_fake.shape == logit.shape
    assert (np.diff(p_fake.ravel()) > 0).all()


def test_p_fake_is_the_formula_of_the_docstring() -> None:
    logit = np.array([-3.0, 0.0, 0.7, 12.0])
    p_fake = Calibration(temperature=2.5, bias=0.3).p_fake(logit)
    np.testing.assert_allclose(p_fake, expit(logit / 2.5 + 0.3), rtol=1e-12)


def test_identity_leaves_the_network_as_it_is() -> None:
    logit = np.linspace(-4, 4, 9)
    np.testing.assert_allclose(Calibration().p_fake(logit), expit(logit))


def test_tiny_temperature_is_quiet_and_certain() -> None:
    p_fake = Calibration(1e-300).p_fake(np.array([-1e30, 0.0, 1e30]))
    assert p_fake.tolist() == [0.0, 0.5, 1.0]


def test_no_logits_give_no_scores() -> None:
    assert Calibration().p_fake(np.zeros(0, dtype=np.float32)).shape == (0,)


@pytest.mark.parametrize("temperature, bias", [(1.0, 0.0), (3.0, -0.8), (0.5, 1.2)])
def test_fit_recovers_what_was_put_in(temperature: float, bias: float) -> None:
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 3, 40_000)
    y_true = (rng.random(logit.size) < expit(logit / temperature + bias)).astype(int)
    fitted = Calibration.fit(logit, y_true)
    assert fitted.temperature == pytest.approx(temperature, rel=0.05)
    assert fitted.bias == pytest.approx(bias, abs=0.05)


def test_a_weight_of_two_is_a_sample_seen_twice() -> None:
    rng = np.random.default_rng(1)
    logit, y_true = rng.normal(0, 2, 200), np.repeat([0, 1], 100)
    logit += y_true
    weight = np.repeat([1.0, 2.0, 2.0, 1.0], 50)
    weighted = Calibration.fit(logit, y_true, weight)
    repeated = np.repeat(np.arange(200), weight.astype(int))
    twice = Calibration.fit(logit[repeated], y_true[repeated])
    assert weighted.temperature == pytest.approx(twice.temperature, rel=1e-3)
    assert weighted.bias == pytest.approx(twice.bias, abs=1e-3)


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_perfectly_separated_logits_give_finite_numbers(scale: float) -> None:
    logit = scale * np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
    fitted = Calibration.fit(logit, np.array([0, 0, 0, 1, 1, 1]))
    assert np.isfinite([fitted.temperature, fitted.bias]).all()
    assert fitted.temperature > 0


def test_ranking_the_wrong_way_round_is_left_as_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logit, y_true = np.array([-2.0, -1.0, 1.0, 2.0]), np.array([1, 1, 0, 0])
    with caplog.at_level(logging.WARNING):
        assert Calibration.fit(logit, y_true) == Calibration()
    assert "no better than chance" in caplog.text


@pytest.mark.parametrize(
    "temperature, bias",
    [(0.0, 0.0), (-1.0, 0.0), (np.nan, 0.0), (np.inf, 0.0), (1.0, np.nan)],
)
def test_numbers_that_cannot_be_are_refused(temperature: float, bias: float) -> None:
    with pytest.raises(ArtifactError, match="positive temperature and a finite bias"):
        Calibration(temperature, bias)


def test_calibration_survives_the_card() -> None:
    calibration = Calibration(temperature=1.7, bias=-0.2)
    assert Calibration(**calibration.to_dict()) == calibration
