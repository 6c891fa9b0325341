"""Tables for docs/performance.md: `python -m benchmarks.scale_page FILE...`."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.markdown import aim_cells, median, page_command, table


def page(report: Mapping[str, Any]) -> str:
    """Return the tables of a run of the benchmark of growth.

    Parameters
    ----------
    report : mapping
        What the benchmark printed.

    Returns
    -------
    str
        A Markdown table for each part that was measured.
    """
    backend = report["settings"]["backend"]
    parts = {
        "bulk": ((f"scan, {backend}", *_BULK), _bulk),
        "sizes": ((f"one face, {backend}", *_ANSWER), _answer),
        "faces": ((f"5 megapixels, {backend}", *_ANSWER), _answer),
        "servers": (("server, 8 clients", "answers a second", "p50 ms"), _server),
    }
    return "\n".join(
        table(head, [(name, *cells(row)) for name, row in report[part].items()])
        for part, (head, cells) in parts.items()
        if part in report
    )


_BULK = ("a second", "aimed at", "held", "a second, once begun", "10^8 pictures")
_ANSWER = ("found", "ms", "decode", "faces", "model")


def _bulk(row: Mapping[str, Any]) -> Sequence[str]:
    rate = row["pictures_per_second"]
    return (
        median(rate),
        *aim_cells(rate),
        median(row["after_the_start"]),
        row["extrapolated"]["arithmetic"],
    )


def _answer(row: Mapping[str, Any]) -> Sequence[str]:
    stages = (f"{row['stages_ms'][stage]['median']:g}" for stage in _ANSWER[2:])
    return (str(row["faces_found"]), median(row["milliseconds"]), *stages)


def _server(row: Mapping[str, Any]) -> Sequence[str]:
    return (median(row["answers_per_second"]), median(row["p50_ms"]))


if __name__ == "__main__":
    page_command(page, "make bench-scale")()
