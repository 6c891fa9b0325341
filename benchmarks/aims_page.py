"""What a run was aimed at, alone: `python -m benchmarks.aims_page FILE...`.

For runs of `make bench`, `make bench-scale` and `make bench-train` on other machines.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.markdown import aim_table, page_command


def page(report: Mapping[str, Any]) -> str:
    """Return each figure of a run that has an aim.

    Parameters
    ----------
    report : mapping
        What the benchmark printed.

    Returns
    -------
    str
        A Markdown table.
    """
    aimed = {name: figure for name, figure in _figures(report) if "aim" in figure}
    return aim_table(report["machine"]["cpu"], aimed)


def _figures(report: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from report.get("aims", {}).items()
    yield from report.get("ratios", {}).items()
    for name, row in report.get("bulk", {}).items():
        yield f"scan, {name}, a second", row["pictures_per_second"]


if __name__ == "__main__":
    page_command(page, "make bench")()
