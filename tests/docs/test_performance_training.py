"""docs/performance.md: its tables of training are those of the committed run."""

import json

from benchmarks.training_page import page
from deepfake_detector.config import REPOSITORY

DOCS = REPOSITORY / "docs"
REPORT = json.loads((DOCS / "benchmarks" / "training.json").read_text(encoding="utf-8"))


def test_tables_of_training_are_those_of_the_run() -> None:
    assert page(REPORT) in (DOCS / "performance.md").read_text(encoding="utf-8")


def test_aim_of_training_is_judged() -> None:
    judged = [ratio for ratio in REPORT["ratios"].values() if "aim" in ratio]
    assert [ratio["aim"] for ratio in judged] == [">= 2"]
