"""What each test of a fault injects and expects, and what it observed: one table.

docs/reliability.md holds the table as `make faults` printed it.
"""

import importlib
import inspect
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from deepfake_detector.config import REPOSITORY

PAGE = REPOSITORY / "docs" / "reliability.md"
BEGIN = "<!-- the output of: make faults -->\n"
END = "\n<!-- end of faults -->"
HEADING = "| fault injected | expected | observed | test |\n|---|---|---|---|"

#: Set by `make faults`: the page is written from what was observed, not compared.
WRITES = os.environ.get("WRITE_FAULTS") == "1"

_Test = TypeVar("_Test", bound=Callable[..., Any])


@dataclass(frozen=True)
class Row:
    """A row of the table; `observed` is empty until the test has ended well."""

    injected: str
    expected: str
    test: str
    observed: str = ""

    def __str__(self) -> str:
        cells = self.injected, self.expected, self.observed, f"`{self.test}`"
        return f"| {' | '.join(cells)} |"

    def with_observed(self, words: str) -> "Row":
        """The row of a test that has ended."""
        return replace(self, observed=words)


def fault(injected: str, expected: str) -> Callable[[_Test], _Test]:
    """Mark a test with the fault that it injects, and what is expected then."""
    return pytest.mark.fault(injected=injected, expected=expected)


def row_of(test: Callable[..., Any], path: Path) -> Row | None:
    """The row of a test's function, as its mark says; None without one."""
    for mark in getattr(test, "pytestmark", []):
        if mark.name == "fault":
            words = mark.kwargs["injected"], mark.kwargs["expected"]
            return Row(*words, f"{path.name}::{test.__name__}")
    return None


def table(rows: Sequence[Row]) -> str:
    """The whole table, in Markdown."""
    return "\n".join([HEADING, *map(str, rows)])


def shown_table() -> str:
    """The table that the page shows."""
    page = PAGE.read_text(encoding="utf-8")
    return page.partition(BEGIN)[2].partition(END)[0]


def expected_rows() -> list[Row]:
    """A row for each test in tests/faults, in the order in which they run."""
    rows = []
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"tests.faults.{path.stem}")
        tests = [
            test
            for name, test in inspect.getmembers(module, inspect.isfunction)
            if name.startswith("test_")
            and "observed" in inspect.signature(test).parameters
        ]
        for test in sorted(tests, key=lambda test: test.__code__.co_firstlineno):
            row = row_of(test, path)
            assert row is not None, f"{test.__name__} has no @fault"
            rows.append(row)
    return rows


def not_run(rows: Sequence[Row]) -> list[str]:
    """Tests of faults that no such row is of."""
    ran = {row.test for row in rows}
    return [row.test for row in expected_rows() if row.test not in ran]


def show(rows: Sequence[Row]) -> None:
    """Put rows into the page; those of tests that did not run stay as they are."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    shown, _, after = rest.partition(END)
    lines = {line.rpartition(" | ")[2].strip("`| "): line for line in shown.split("\n")}
    lines |= {row.test: str(row) for row in rows}
    tests = [row.test for row in expected_rows()]
    whole = "\n".join([HEADING, *(lines[test] for test in tests if test in lines)])
    PAGE.write_text(before + BEGIN + whole + END + after, encoding="utf-8")
