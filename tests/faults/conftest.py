"""Collects what tests of faults observed, and holds it against docs/reliability.md."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from deepfake_detector.config import REPOSITORY, ServeConfig
from tests.end_to_end.real_server import (
    GUNICORN,
    TIMEOUT_S,
    RealServer,
    running,
    stand_in_settings,
)
from tests.faults import fault_table
from tests.faults.crowded import until, workers
from tests.faults.fault_table import Row, row_of

Start = Callable[..., RealServer]

_ROWS = pytest.StashKey[dict[str, Row]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_ROWS] = {}


@pytest.fixture
def observed(request: pytest.FixtureRequest) -> Iterator[Callable[[str], None]]:
    """Tell what was observed, in words that are the same in every good run."""
    told: list[str] = []
    yield told.append
    row = row_of(request.function, request.path)
    assert row is not None, "mark the test with @fault"
    assert told, "the test told nothing of what it observed"
    row = row.with_observed("; ".join(told))
    request.config.stash[_ROWS][row.test] = row
    if not fault_table.WRITES:
        assert str(row) in fault_table.shown_table(), "run `make faults`"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    rows = list(config.stash[_ROWS].values())
    if fault_table.WRITES and rows:
        terminalreporter.write_line(fault_table.table(rows))
        kept = fault_table.not_run(rows)
        if kept:
            terminalreporter.write_line(
                f"not run, so that their rows stay as they were: {', '.join(kept)}"
            )


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if fault_table.WRITES and exitstatus == pytest.ExitCode.OK:
        fault_table.show(list(session.config.stash[_ROWS].values()))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start gunicorn as it ships around a stand-in network; nothing may be left."""
    settings = stand_in_settings(tmp_path) | {"DEEPFAKE_RATE_LIMIT": ""}
    with ExitStack() as stack:

        def begin(before: tuple[str, ...] = (), **more: str) -> RealServer:
            log = tmp_path / "log"
            started = running(GUNICORN, settings | more, log, before)
            server = stack.enter_context(started)
            # The address is told before there are workers.
            asked = int(more.get("DEEPFAKE_WORKERS", ServeConfig().workers))
            until(lambda: len(workers(server)) == asked)
            return server

        yield begin
    assert list((tmp_path / "uploads").iterdir()) == []


@pytest.fixture
def ended(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run a command that ends by itself: its status, and its only line on stderr."""
    environ = stand_in_settings(tmp_path)

    def run(command: tuple[str, ...], **more: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=REPOSITORY,
            env=environ | more,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        (line,) = [x for x in done.stderr.splitlines() if "Starting" not in x]
        return done.returncode, line

    return run
