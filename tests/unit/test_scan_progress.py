import sys

import pytest

from deepfake_detector.scan_progress import ScanProgress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_it_says_rate_and_time_left_of_this_sitting(clock: Clock) -> None:
    progress = ScanProgress(1000, 3, clock)
    clock.now += 10
    progress.advance(500, 1)
    assert str(progress) == "1,500 pictures, 50 a second, 4 not judged"
    progress.total = 100_000_000
    assert "of 100,000,000 pictures (0%), 50 a second, 23 d 3 h left" in str(progress)
    progress.total = 1501
    assert "50 a second, 0 s left" in str(progress)
    progress.total = 1500
    assert "left" not in str(progress)


def test_nothing_done_and_nothing_to_do(clock: Clock) -> None:
    progress = ScanProgress(0, 0, clock)
    progress.total = 0
    assert str(progress) == "0 of 0 pictures (0%), 0 a second"


def test_lines_are_plain_and_rare_where_nobody_looks_on(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = ScanProgress(0, 0, clock)
    for _ in range(100):
        clock.now += 1
        progress.advance(1, 0)
    progress.close()
    written = capsys.readouterr()
    assert written.out == ""
    assert [line.split()[0] for line in written.err.splitlines()] == [
        *("30", "60", "90", "100")
    ]
    assert "\x1b" not in written.err


def test_one_line_moves_on_a_terminal(
    clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = ScanProgress(0, 0, clock)
    for _ in range(4):
        clock.now += 0.3
        progress.advance(1, 0)
    progress.close()
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    assert written.count("\r") == 3
