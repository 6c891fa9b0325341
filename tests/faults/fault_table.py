"""What each test of a fault injects and expects, and what it observed: one table.

docs/reliability.md holds the table as `make faults` printed it.
"""

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


def show(rows: Sequence[Row]) -> None:
    """Put the table into the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(before + BEGIN + table(rows) + END + after, encoding="utf-8")
