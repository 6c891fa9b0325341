"""docs/performance.md: its tables are those of the committed runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import aims_page, scale_page, serving_page
from deepfake_detector.config import REPOSITORY

DOCS = REPOSITORY / "docs"
PAGE = (DOCS / "performance.md").read_text(encoding="utf-8")
RUNS = DOCS / "benchmarks"
INTEL = RUNS / "intel"


def report(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def test_tables_of_serving_are_those_of_the_run() -> None:
    assert serving_page.page(report(RUNS / "serving.json")) in PAGE


@pytest.mark.parametrize("file", sorted(RUNS.glob("scale*.json")))
def test_tables_of_growth_are_those_of_the_runs(file: Path) -> None:
    assert scale_page.page(report(file)) in PAGE


def test_there_is_a_run_of_growth() -> None:
    assert list(RUNS.glob("scale*.json"))


@pytest.mark.parametrize("name", ["serving", "scale", "scale-bf16", "training"])
def test_aims_of_another_machine_are_those_of_its_runs(name: str) -> None:
    assert aims_page.page(report(INTEL / f"{name}.json")) in PAGE


@pytest.mark.parametrize("file", sorted(RUNS.glob("*.txt")))
def test_lines_of_other_commands_are_theirs(file: Path) -> None:
    for line in file.read_text(encoding="utf-8").splitlines():
        assert line in PAGE
