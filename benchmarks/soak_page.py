"""Tables for docs/reliability.md: `python -m benchmarks.soak_page FILE`."""

from collections.abc import Mapping
from typing import Any, Final

from benchmarks.markdown import page_command, table

_COLUMNS: Final = {
    "s": "to_s",
    "MB": "pss_mb",
    "open files": "open_files",
    "threads": "threads",
    "in uploads/": "uploads",
    "accepted a second": "accepted_per_second",
    "p95 ms": "p95_ms",
    "503": "refused",
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
        Its half minutes, and its aims, as Markdown.
    """
    half_minutes = [
        [f"{row[name]:g}" for name in _COLUMNS.values()] for row in report["every_30_s"]
    ]
    aims = [
        [name, _figure(aim["figure"]), _HELD[aim["held"]]]
        for name, aim in report["aims"].items()
    ]
    return "\n".join(
        [
            table(list(_COLUMNS), half_minutes),
            table(["aim", "seen", "held"], aims),
        ]
    )


def _figure(figure: Any) -> str:
    """A count, counts by name, a slope with its error, or slopes."""
    match figure:
        case {"per_minute": slope, "standard_error": error}:
            return f"{slope:g} a minute, standard error {error:g}"
        case dict():
            counts = (f"{name}: {count:,}" for name, count in figure.items())
            return ", ".join(counts) or "none"
        case list():
            return ", ".join(f"{slope:g}" for slope in figure) + " a minute"
        case None:
            return "none"
    return f"{figure:g}"


if __name__ == "__main__":
    page_command(page, "make soak")()
