"""docs/model.md: its table is that of the committed rows, its commands are real."""

import re
import shlex

from click.testing import CliRunner

from deepfake_detector.ablation import ablation_rows, ablation_table
from deepfake_detector.artifact import Artifact
from deepfake_detector.config import REPOSITORY, TrainConfig
from deepfake_detector.presets import PRESETS, Preset
from train import main

PAGE = (REPOSITORY / "docs" / "model.md").read_text(encoding="utf-8")
ROWS = ablation_rows([REPOSITORY / "docs" / "model" / "ablation.json"])


def test_table_is_that_of_the_rows() -> None:
    assert ablation_table(ROWS) in PAGE


def test_first_row_is_the_command_it_quotes() -> None:
    command = re.search(r"```\npython train.py (--dataset.*?)```", PAGE, re.DOTALL)
    assert command is not None
    words = shlex.split(command[1].replace("\\\n", " "))
    context = main.make_context("train.py", words)
    given = {name: v for name, v in context.params.items() if v not in (None, ())}
    settings = ROWS[0]["settings"]
    asked = TrainConfig(**{k: v for k, v in given.items() if k in settings}).to_dict()
    own = ("image_size", "optimizer", "learning_rate", "batch_size", "head_epochs")
    for name, value in settings.items():
        if name not in (*own, "backbone_weights"):
            assert asked[name] == value, name


def test_shipped_model_was_made_by_the_default_recipe() -> None:
    card = Artifact.load(REPOSITORY / "models" / "default").card
    preset: Preset = PRESETS.get("default")
    recipe = TrainConfig(**preset.settings).to_dict()
    made = card.provenance["config"]
    for name in preset.settings:
        assert made[name] == recipe[name], name


def test_recipe_starts_by_its_name() -> None:
    result = CliRunner().invoke(main, ["--preset", "default", "--epochs", "0"])
    assert result.exit_code == 2
    assert "epochs (DEEPFAKE_EPOCHS)" in result.stderr
