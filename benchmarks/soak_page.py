"""Tables for docs/reliability.md: `python -m benchmarks.soak_page FILE`."""

from collections.abc import Mapping
from typing import Any, Final

from benchmarks.markdown import page_command, table

_COLUMNS: Final = {
    "s": "to_s",
    "MB in all": "pss_mb",
    "MB a worker": "worker_mb",
    "threads": "threads",
    "accepted a second": "accepted_per_second",
    "p95 ms": "p95_ms",
    "503": "refused",
    "at rest: MB a worker": "worker_mb_after",
    "private": "private_mb_after",
    "open files": "open_files_after",
    "in uploads/": "uploads_after",
}
_HELD: Final = {True: "yes", False: "**no**", None: "too short to say"}


def page(report: Mapping[str, Any]) -> str:
    """Return the tables of a soak.

    Parameters
    ----------
    report : mapping
        What `benchmarks.soak` printed.

    Returns
    -------
    str
        Its rounds, and its aims, as Markdown.
    """
    rounds = [
        [_cell(row[name]) for name in _COLUMNS.values()] for row in report["rounds"]
    ]
    aims = [
        [name, _figure(aim["figure"]), _HELD[aim["held"]]]
        for name, aim in report["aims"].items()
    ]
    return "\n".join(
        [
            table(list(_COLUMNS), rounds),
            table(["aim", "seen", "held"], aims),
        ]
    )


def _cell(seen: Any) -> str:
    """A number, or one for each worker."""
    if isinstance(seen, dict):
        return ", ".join(f"{mb:g}" for mb in seen.values())
    return f"{seen:g}"


def _figure(figure: Any) -> str:
    """A count, counts by name, or slopes."""
    match figure:
        case dict():
            counts = (f"{name}: {count:,}" for name, count in figure.items())
            return ", ".join(counts) or "none"
        case list():
            slopes = ", ".join(f"{slope:g}" for slope in figure)
            return f"{slopes} a minute" if slopes else "none"
    return f"{figure:g}"


if __name__ == "__main__":
    page_command(page, "make soak")()
