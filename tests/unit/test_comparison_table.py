"""Tables of a comparison: order, standing, cost, and what is missing."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from deepfake_detector.comparison_table import (
    cross_dataset_table,
    csv_text,
    markdown_table,
    write_comparison,
)

COST = {
    "parameters": 431_345,
    "flops": 150_000_000,
    "train_images_per_second": 250.4,
    "serve_ms": 1.04,
    "file_bytes": 1_750_000,
}


def figure(mean: float, spread: float | None = None) -> dict[str, Any]:
    return {"mean": mean, "spread": spread, "interval": [mean - 0.02, mean + 0.02]}


def row(name: str, auc: float, **changes: Any) -> dict[str, Any]:
    figures = {n: figure(0.1) for n in ("accuracy", "eer", "ece", "tpr_at_fpr_5")}
    figures |= {
        "auc": figure(auc),
        "thumbnail_baseline_auc": {"mean": 0.6, "spread": None},
    }
    return {
        "architecture": name,
        "crop": "face",
        "held_out": None,
        "seeds": 1,
        "failed": [],
        "cost": COST,
        "metrics": {"test": {"drawn": figures}},
    } | changes


def cells(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


ROWS = [row("low", 0.7), row("best", 0.9), row("like", 0.87)]


def test_best_comes_first_and_overlapping_intervals_are_said() -> None:
    table = cells(markdown_table(ROWS, "drawn"))[2:]
    assert [(line[0], line[3]) for line in table] == [
        ("best", "best"),
        ("like", "not distinguishable"),
        ("low", "lower"),
        ("16x16 thumbnails", ""),
    ]


def test_quality_and_cost_stand_in_one_line() -> None:
    line = cells(markdown_table([row("one", 0.9)], "drawn"))[2]
    assert line[2] == "0.900 [0.880, 0.920]"
    assert line[8:] == ["431,345", "0.15", "250", "1.0", "1.8"]


def test_every_line_has_as_many_cells() -> None:
    assert len({len(line) for line in cells(markdown_table(ROWS, "drawn"))}) == 1


def test_spread_over_seeds_is_shown() -> None:
    several = row("several", 0.9)
    several["metrics"]["test"]["drawn"]["auc"] = figure(0.9, 0.0123)
    assert "0.900 ± 0.012 [0.880, 0.920]" in markdown_table([several], "drawn")


@pytest.mark.parametrize(
    "cost", [{}, COST | {"flops": None, "train_images_per_second": None}]
)
def test_cost_that_is_not_known_is_left_empty(cost: dict[str, Any]) -> None:
    line = cells(markdown_table([row("one", 0.9, cost=cost)], "drawn"))[2]
    assert line[9:11] == ["", ""]


def test_failed_network_says_why_below_the_table() -> None:
    failed = row("nan", 0.9, metrics={}, failed=["no loss"])
    assert markdown_table([*ROWS, failed], "drawn").endswith(
        "nan, face: failed (no loss)"
    )


def test_matrix_marks_what_was_not_trained_on() -> None:
    unseen = row("net", 0.8, held_out="other")
    unseen["metrics"]["test"]["other"] = {"auc": figure(0.55)}
    heading, _, line = cells(cross_dataset_table([unseen], ["drawn", "other"]))
    assert heading == ["network", "crop", "trained without", "drawn", "other"]
    assert line[3] == "0.800 [0.780, 0.820]; thumbnails 0.600"
    assert line[4] == "**0.550 [0.530, 0.570]**"


def test_csv_holds_every_figure() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(ROWS))))
    auc = [r for r in rows if (r["architecture"], r["figure"]) == ("best", "auc")]
    assert [float(auc[0][key]) for key in ("mean", "low", "high")] == [0.9, 0.88, 0.92]
    assert {r["figure"] for r in rows} >= set(COST)


def test_comparison_in_which_all_failed_is_written(tmp_path: Path) -> None:
    write_comparison(tmp_path, [row("nan", 0.9, metrics={}, failed=["no loss"])])
    assert {path.name for path in tmp_path.iterdir()} == {
        "comparison.md",
        "comparison.csv",
    }
