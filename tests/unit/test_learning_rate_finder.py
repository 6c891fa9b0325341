"""The range test: a curve, a rate, and a network that is as it was."""

import json
from typing import Any

import keras
import numpy as np
import pytest

from deepfake_detector import architectures
from deepfake_detector.augmentations import AUGMENTATIONS
from deepfake_detector.config import TrainConfig
from deepfake_detector.crop_batches import CropBatches
from deepfake_detector.crop_cache import CropSet
from deepfake_detector.deepfake_detector_model import DeepfakeDetectorModel
from deepfake_detector.exceptions import TrainingError
from deepfake_detector.learning_rate_finder import (
    RateSweep,
    _steepest,
    sweep_learning_rate,
)
from tests.drawn_sets import draw_picture
from tests.tiny_network import TINY_ARCHITECTURES

pytestmark = pytest.mark.tf


@pytest.fixture(scope="module", autouse=True)
def tiny_architectures() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(architectures, "ARCHITECTURES", TINY_ARCHITECTURES)
        yield


def batches() -> CropBatches:
    y_true = np.arange(16) % 2
    crop_set = CropSet(
        source="drawn",
        split="train",
        crops=np.stack([draw_picture(y, i, 24) for i, y in enumerate(y_true)]),
        y_true=y_true,
        names=tuple(map(str, range(16))),
        face_found=np.ones(16, dtype=bool),
    )
    return CropBatches([crop_set], 8, AUGMENTATIONS.get("none"))


def model(architecture: str = "tiny") -> DeepfakeDetectorModel:
    return DeepfakeDetectorModel(TrainConfig(architecture=architecture))


@pytest.fixture(scope="module")
def swept() -> tuple[DeepfakeDetectorModel, list[Any], RateSweep]:
    network = model()
    before = [keras.ops.convert_to_numpy(v) for v in network.trainer.variables]
    sweep = sweep_learning_rate(network, batches(), 1e-5, 10.0, steps=40)
    return network, before, sweep


def test_rates_rise_exponentially(swept: tuple[Any, Any, RateSweep]) -> None:
    rates = np.array(swept[2].rates)
    assert rates[0] == pytest.approx(1e-5)
    assert np.ptp(np.diff(np.log(rates))) == pytest.approx(0, abs=1e-9)
    assert len(rates) == len(swept[2].losses)


def test_suggestion_lies_before_the_least_loss(
    swept: tuple[Any, Any, RateSweep],
) -> None:
    sweep = swept[2]
    assert sweep.suggestion is not None
    least = sweep.rates[int(np.argmin(sweep.losses))]
    assert 1e-5 < sweep.suggestion <= least


def test_network_is_afterwards_as_before(
    swept: tuple[DeepfakeDetectorModel, list[Any], RateSweep],
) -> None:
    network, before, _ = swept
    after = [keras.ops.convert_to_numpy(v) for v in network.trainer.variables]
    for mine, theirs in zip(before, after, strict=False):
        np.testing.assert_array_equal(mine, theirs)


def test_curve_is_plain_json(swept: tuple[Any, Any, RateSweep]) -> None:
    fields = swept[2].to_dict()
    assert json.loads(json.dumps(fields, allow_nan=False)) == fields


def test_steepest_descent_is_found_on_a_known_curve() -> None:
    rates = np.geomspace(1e-6, 1, 61)
    # Falls around 1e-3, rises again from 1e-1 on.
    losses = 1 / (1 + np.exp(4 * (np.log10(rates) + 3))) + 5 * (rates > 0.1)
    found = _steepest(rates.tolist(), losses.tolist())
    assert found == pytest.approx(1e-3, rel=0.1)


@pytest.mark.parametrize("losses", [np.linspace(1, 2, 20), np.ones(20)])
def test_loss_that_never_falls_suggests_nothing(losses: Any) -> None:
    assert _steepest(np.geomspace(1e-5, 1, 20).tolist(), losses.tolist()) is None


def test_loss_that_is_no_number_from_the_start_is_refused() -> None:
    network = model("broken")
    before = network.trainer.get_weights()
    with pytest.raises(TrainingError, match="left all bounds after 0 steps"):
        sweep_learning_rate(network, batches())
    for mine, theirs in zip(before, network.trainer.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
