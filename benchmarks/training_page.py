"""Tables for docs/performance.md: `python -m benchmarks.training_page FILE`."""

from collections.abc import Mapping
from typing import Any

from benchmarks.markdown import aim_table, median, page_command, table
from benchmarks.training_table import GOT_THERE


def page(report: Mapping[str, Any]) -> str:
    """Return the ratios, and every way's medians.

    Parameters
    ----------
    report : mapping
        What the benchmark printed.

    Returns
    -------
    str
        Two kinds of Markdown tables: one of ratios, and one of each part.
    """
    title = "ours over plain; of times, plain over ours"
    lines = [aim_table(title, report["ratios"])]
    for part, by_measure in report["figures"].items():
        ways = list(next(iter(by_measure.values())))
        columns = [name for name in by_measure if _tells(part, name)]
        rows = [
            (way, *(_cell(name, by_measure[name][way]) for name in columns))
            for way in ways
        ]
        lines.append(table((part, *columns), rows))
    return "\n".join(lines)


def _tells(part: str, measure: str) -> bool:
    """Whether a measure says something of a part."""
    is_race = part.endswith("to an AUC")
    return (measure in ("AUC", "epochs", "s until done", GOT_THERE)) == is_race


def _cell(measure: str, figure: Mapping[str, Any]) -> str:
    if measure == GOT_THERE:
        return f"{sum(figure['turns']):g} of {len(figure['turns'])}"
    return median(figure)


if __name__ == "__main__":
    page_command(page, "make bench-train")()
