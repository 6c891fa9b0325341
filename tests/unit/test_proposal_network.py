"""The network that proposes faces: small, of any size, and able to learn."""

from typing import Any

import numpy as np
import pytest

pytestmark = [pytest.mark.tf, pytest.mark.slow]


@pytest.fixture
def module() -> Any:
    import keras

    from deepfake_detector import proposal_network

    keras.utils.set_random_seed(1)
    return proposal_network


@pytest.mark.parametrize("size", [(32, 48), (64, 64)])
def test_there_is_an_answer_for_every_four_pixels(
    module: Any, size: tuple[int, int]
) -> None:
    network = module.build_network()
    answers = network(np.zeros((1, *size, 3), np.float32))
    assert answers.shape == (1, size[0] // 4, size[1] // 4, 2)
    assert network.count_params() < 20_000


def test_loss_looks_at_what_counts_alone(module: Any) -> None:
    targets = np.zeros((1, 4, 4, 3), np.float32)
    targets[0, :, :2, 1] = 1
    answers = np.full((1, 4, 4, 2), -4, np.float32)
    before = float(module.proposal_loss(targets, answers))
    answers[0, :, 2:, 0] = 9  # sure of a face where nobody says
    assert float(module.proposal_loss(targets, answers)) == before
    answers[0, 0, 0, 0] = 9
    assert float(module.proposal_loss(targets, answers)) > before


def test_a_network_learns_where_the_bright_squares_are(module: Any) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 60, (64, 32, 32, 3), dtype=np.uint8)
    targets = np.zeros((64, 8, 8, 3), np.float32)
    targets[..., 1] = 1
    for number, (row, column) in enumerate(rng.integers(2, 6, (64, 2))):
        pixels[number, 4 * row - 8 : 4 * row + 8, 4 * column - 8 : 4 * column + 8] = 220
        targets[number, row, column, 0] = 1
    losses = module.fit(module.build_network(), (pixels, targets), 12, rng)
    assert len(losses) == 12
    assert losses[-1] < 0.6 * losses[0]
