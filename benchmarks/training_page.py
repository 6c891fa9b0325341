"""Tables for docs/performance.md: `python -m benchmarks.training_page FILE`."""

from collections.abc import Mapping
from typing import Any

from benchmarks.markdown import median, page_command, spread


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
    lines = [
        "| ours over plain; of times, plain over ours | median | spread | aim | held |",
        "|---|---|---|---|---|",
        *(_ratio(name, ratio) for name, ratio in report["ratios"].items()),
        "",
    ]
    for part, by_measure in report["figures"].items():
        ways = list(next(iter(by_measure.values())))
        columns = [name for name in by_measure if _tells(part, name)]
        lines += [
            f"| {part} | {' | '.join(columns)} |",
            "|---" * (len(columns) + 1) + "|",
            *(_way(way, [by_measure[name][way] for name in columns]) for way in ways),
            "",
        ]
    return "\n".join(lines)


def _tells(part: str, measure: str) -> bool:
    """Whether a measure says something of a part."""
    is_race = part.endswith("to an AUC")
    return (measure in ("AUC", "epochs", "s until done")) == is_race


def _ratio(name: str, ratio: Mapping[str, Any]) -> str:
    held = {True: "yes", False: "**no**", None: ""}[ratio.get("held")]
    cells = [f"{ratio['median']:g}", spread(ratio), ratio.get("aim", ""), held]
    return f"| {name} | {' | '.join(cells)} |"


def _way(way: str, figures: list[Mapping[str, Any]]) -> str:
    cells = [median(figure) for figure in figures]
    return f"| {way} | {' | '.join(cells)} |"


if __name__ == "__main__":
    page_command(page, "make bench-train")()
