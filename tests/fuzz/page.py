"""The table of docs/reliability.md: `python -m tests.fuzz.page FILE`."""

from collections.abc import Mapping
from typing import Any

from benchmarks.markdown import page_command, table


def page(report: Mapping[str, Any]) -> str:
    """Return a row for each target.

    Parameters
    ----------
    report : mapping
        What `tests.fuzz.run` printed.

    Returns
    -------
    str
        A Markdown table.
    """
    head = ["target", "inputs", "features reached", "processor s", "crashes"]
    rows = [
        [
            target,
            f"{run['executions']:,}",
            f"{run['features']:,}",
            f"{run['processor_seconds']:.0f}",
            str(len(run["crashes"])),
        ]
        for target, run in report["targets"].items()
    ]
    return table(head, rows)


if __name__ == "__main__":
    page_command(page, "make fuzz")()
