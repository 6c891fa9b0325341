"""docs/reliability.md lists every test of a fault, and no other."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import soak_page
from benchmarks.soak_report import MOST_FILES_A_MINUTE, MOST_MB_A_MINUTE
from deepfake_detector.config import REPOSITORY
from tests.faults import fault_table
from tests.faults.fault_table import HEADING, Row, expected_rows, shown_table
from tests.fuzz import page as fuzz_page

RUNS = REPOSITORY / "docs" / "benchmarks"


def test_every_fault_has_its_row() -> None:
    table = shown_table()
    assert table.startswith(HEADING)
    shown = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert all(len(cells) == 4 and all(cells) for cells in shown)
    told = {(injected, expected, test) for injected, expected, _, test in shown}
    wanted = {(row.injected, row.expected, f"`{row.test}`") for row in expected_rows()}
    assert told == wanted
    assert len(shown) == len(wanted)


@pytest.fixture
def copied_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    page = tmp_path / "reliability.md"
    page.write_bytes(fault_table.PAGE.read_bytes())
    monkeypatch.setattr(fault_table, "PAGE", page)
    return page


def test_rows_of_tests_that_did_not_run_stay(copied_page: Path) -> None:
    """As after `-k`, or where some need rights that nobody gave."""
    before = copied_page.read_text(encoding="utf-8")
    fault_table.show([])
    assert copied_page.read_text(encoding="utf-8") == before
    row = expected_rows()[5]
    fault_table.show([row.with_observed("something else")])
    lines = copied_page.read_text(encoding="utf-8").splitlines()
    changed = [x for x in zip(before.splitlines(), lines, strict=True) if len({*x}) > 1]
    ((old, new),) = changed
    assert f"`{row.test}`" in old
    assert new == str(row.with_observed("something else"))


def test_rows_come_and_go_with_their_tests(copied_page: Path) -> None:
    page = copied_page.read_text(encoding="utf-8")
    rows = expected_rows()
    first = next(x for x in page.splitlines() if f"`{rows[0].test}`" in x)
    gone = str(Row("a fault", "nothing", "test_old.py::test_gone", "nothing"))
    copied_page.write_text(page.replace(first, gone), encoding="utf-8")
    fault_table.show([rows[0].with_observed("well")])
    now = copied_page.read_text(encoding="utf-8")
    assert now == page.replace(first, str(rows[0].with_observed("well")))


def test_tests_that_did_not_run_are_told() -> None:
    first, *others = expected_rows()
    assert fault_table.not_run([first]) == [row.test for row in others]


def test_bounds_are_those_of_the_soak() -> None:
    page = " ".join(fault_table.PAGE.read_text(encoding="utf-8").split())
    assert f"less than {MOST_MB_A_MINUTE:g} MB a minute" in page
    assert MOST_FILES_A_MINUTE == 1
    assert "less than one a minute" in page


def run_of(name: str) -> Any:
    return json.loads((RUNS / name).read_text(encoding="utf-8"))


def test_tables_of_the_soak_are_those_of_the_run() -> None:
    run = run_of("soak.json")
    assert run["settings"]["minutes"] == 10
    assert soak_page.page(run) in fault_table.PAGE.read_text(encoding="utf-8")


def test_figures_of_the_long_soak_are_those_of_the_run() -> None:
    run = run_of("soak-30.json")
    assert run["settings"]["minutes"] == 30
    assert all(aim["held"] for aim in run["aims"].values())
    judged = run["aims"]["no answer but 200, 415, 503"]["figure"]["200"]
    slopes = run["aims"]["a worker at rest grows < 1 MB a minute"]["figure"]
    largest = max(
        mb for row in run["rounds"] for mb in row["private_mb_after"].values()
    )
    page = " ".join(fault_table.PAGE.read_text(encoding="utf-8").split())
    assert f"{judged:,} pictures judged, every line held" in page
    assert f"{slopes[0]} and {slopes[1]} MB a minute" in page
    assert f"the largest worker had {largest} MB of its own at rest" in page


def test_seconds_of_hostile_pictures_are_those_of_the_run() -> None:
    taken = [cost["decoded_s"] for cost in run_of("hostile-costs.json").values()]
    scans, pieces, filling, segments, texts, chunks = taken
    page = fault_table.PAGE.read_text(encoding="utf-8")
    for shown in (
        f"| {scans:.1f} s of a processor |",
        f"| {pieces:.1f} s: Pillow joins",
        f"| {filling:.1f} s and {segments:.1f} s |",
        f"| {texts:.1f} s: each is unpacked",
        f"| {chunks:.1f} s |",
    ):
        assert page.count(shown) == 1, shown


def test_table_of_fuzzing_is_that_of_the_run() -> None:
    run = run_of("fuzz.json")
    assert run["minutes"] == 10
    assert fuzz_page.page(run) in fault_table.PAGE.read_text(encoding="utf-8")
