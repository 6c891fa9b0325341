"""Training by the command writes what can be served."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from deepfake_detector.cli import main


@pytest.mark.tf
@pytest.mark.slow
def test_command_writes_a_network_that_proposes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deepfake_detector import proposal_training
    from deepfake_detector.face_proposals import FaceProposer

    monkeypatch.setattr(proposal_training, "_DRAWN", 4)
    monkeypatch.setattr(proposal_training, "_VALIDATION_SCENES", 1)
    monkeypatch.setattr(proposal_training, "_MEGAPIXELS", 0.5)
    out = tmp_path / "made"
    arguments = ["train-face-proposals", "--out", str(out)]
    small = ["--pictures", "5", "--scenes", "64", "--epochs", "1"]
    logging.disable(logging.CRITICAL)
    try:
        result = CliRunner().invoke(main, [*arguments, *small])
    finally:
        logging.disable(logging.NOTSET)
    assert result.exit_code == 0, result.output
    assert json.loads((out / "card.json").read_text())["archives"] == ["drawn faces"]
    noise = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    assert len(FaceProposer(out).propose(noise, 5)) <= 5


def test_recipe_of_nothing_is_refused() -> None:
    result = CliRunner().invoke(main, ["train-face-proposals", "--epochs", "0"])
    assert result.exit_code == 2
