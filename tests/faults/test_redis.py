"""Redis gone, or silent, behind the stack as it ships."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.shipped_stack import Running, shipped_stack
from tests.faults.crowded import FORM, form_of
from tests.faults.fault_table import fault

pytestmark = pytest.mark.slow

Observed = Callable[[str], None]


def status(stack: Running, picture: bytes) -> int:
    return stack.ask("/api/v1/predict", form_of(picture), FORM).status


def stop(stack: Running) -> None:
    stack.stop("redis")


def silence(stack: Running) -> None:
    """Leave its connections open, and let nothing be answered on them."""
    stack.processes["redis"].send_signal(signal.SIGSTOP)


@fault(
    "Redis is stopped, or no longer answers on its connections",
    "pictures are judged, and each worker counts by itself; ready all the while",
)
@pytest.mark.parametrize("away", [stop, silence])
def test_redis_away(
    tmp_path: Path,
    observed: Observed,
    portrait_jpeg: bytes,
    away: Callable[[Running], None],
) -> None:
    with shipped_stack(tmp_path) as stack:
        assert status(stack, portrait_jpeg) == 200
        away(stack)
        after = {status(stack, portrait_jpeg) for _ in range(3)}
        assert stack.ask("/readyz").status == 200
        stack.processes["redis"].send_signal(signal.SIGCONT)
        assert "Traceback" not in stack.log("app")
    assert after == {200}
    observed("200 each time")
