"""docs/reliability.md lists every test of a fault, and no other."""

import importlib
import inspect
import json
from typing import Any

from benchmarks import soak_page
from benchmarks.soak_report import (
    MOST_FILES_A_MINUTE,
    MOST_MB_A_MINUTE,
    MOST_THREADS_A_MINUTE,
)
from deepfake_detector.config import REPOSITORY
from tests.faults import fault_table
from tests.faults.fault_table import HEADING, Row, row_of, shown_table
from tests.fuzz import page as fuzz_page

RUNS = REPOSITORY / "docs" / "benchmarks"


def expected_rows() -> list[Row]:
    """A row for each test in tests/faults; all of them bear the mark."""
    rows = []
    for path in sorted((REPOSITORY / "tests" / "faults").glob("test_*.py")):
        module = importlib.import_module(f"tests.faults.{path.stem}")
        for name, test in inspect.getmembers(module, inspect.isfunction):
            if (
                name.startswith("test_")
                and "observed" in inspect.signature(test).parameters
            ):
                row = row_of(test, path)
                assert row is not None, f"{name} has no @fault"
                rows.append(row)
    return rows


def test_every_fault_has_its_row() -> None:
    table = shown_table()
    assert table.startswith(HEADING)
    shown = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert all(len(cells) == 4 and all(cells) for cells in shown)
    told = {(injected, expected, test) for injected, expected, _, test in shown}
    wanted = {(row.injected, row.expected, f"`{row.test}`") for row in expected_rows()}
    assert told == wanted
    assert len(shown) == len(wanted)


def test_bounds_are_those_of_the_soak() -> None:
    page = " ".join(fault_table.PAGE.read_text(encoding="utf-8").split())
    assert f"less than {MOST_MB_A_MINUTE:g} MB a minute" in page
    assert MOST_FILES_A_MINUTE == MOST_THREADS_A_MINUTE == 1
    assert "less than one a minute" in page


def run_of(name: str) -> Any:
    return json.loads((RUNS / name).read_text(encoding="utf-8"))


def test_tables_of_the_soak_are_those_of_the_run() -> None:
    run = run_of("soak.json")
    assert run["settings"]["minutes"] == 10
    assert soak_page.page(run) in fault_table.PAGE.read_text(encoding="utf-8")


def test_table_of_fuzzing_is_that_of_the_run() -> None:
    run = run_of("fuzz.json")
    assert run["minutes"] == 10
    assert fuzz_page.page(run) in fault_table.PAGE.read_text(encoding="utf-8")
