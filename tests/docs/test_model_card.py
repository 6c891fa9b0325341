"""docs/model-card.md says what the shipped model's card says."""

from deepfake_detector.artifact import Artifact
from deepfake_detector.config import REPOSITORY, ServeConfig
from deepfake_detector.model_card_page import model_card_page


def test_page_is_the_one_that_the_command_makes() -> None:
    page = (REPOSITORY / "docs" / "model-card.md").read_text(encoding="utf-8")
    made = model_card_page(Artifact.load(ServeConfig().model_dir).card)
    told = "run `python -m deepfake_detector model-card --output docs/model-card.md`"
    assert page == made, told
