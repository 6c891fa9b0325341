"""docs/comparison.md: its tables are those that the committed rows give."""

import json
from pathlib import Path
from typing import Any

import pytest

from deepfake_detector.comparison_table import cross_dataset_table, markdown_table

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "comparison.md").read_text(encoding="utf-8")

SETS = ("openforensics", "dfdc_faces", "real_vs_fake_140k")


def rows(name: str) -> list[dict[str, Any]]:
    """The rows that a quoted command wrote."""
    path = DOCS / "comparison" / f"{name}.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", ["five-passes", "twenty-passes"])
def test_tables_are_those_of_the_rows(name: str) -> None:
    assert markdown_table(rows(name), "openforensics") in PAGE


def test_matrix_is_that_of_the_rows() -> None:
    assert cross_dataset_table(rows("leave-one-out"), SETS) in PAGE


def test_budget_is_equal() -> None:
    for name, passes in (("five-passes", 5), ("twenty-passes", 20)):
        budgets = {(row["epochs"], row["train_pictures"]) for row in rows(name)}
        assert budgets == {(passes, 3200)}


def test_every_asked_network_is_compared_on_both_crops() -> None:
    compared = {(row["architecture"], row["crop"]) for row in rows("five-passes")}
    asked = (
        *("reference_06", "reference_13", "reference_18", "deforgify", "baseline_64"),
        *("tuned_64", "three_conv", "resnet50", "efficientnet_v2_b0", "compact"),
        "ensemble",
    )
    assert compared >= {(name, crop) for name in asked for crop in ("whole", "face")}
    assert all(row["seeds"] == 3 for row in rows("twenty-passes"))
