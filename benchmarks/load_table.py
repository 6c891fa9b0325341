"""Reports of the load test as one table: `python -m benchmarks.load_table FILE...`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

_HEADINGS: Final = (
    "workers x judging, waiting",
    "clients",
    "accepted a second",
    "p50",
    "p95",
    "longest",
    "refused",
    "/livez, longest",
    "memory, most (PSS)",
)


@click.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
def main(files: Sequence[Path]) -> None:
    """Print what `python -m benchmarks.load` wrote into each FILE, a row each."""
    rows = [_HEADINGS, ("---",) * len(_HEADINGS)]
    rows += [_row(json.loads(file.read_text(encoding="utf-8"))) for file in files]
    for row in rows:
        click.echo(f"| {' | '.join(row)} |")


def _row(report: Mapping[str, Any]) -> tuple[str, ...]:
    settings, accepted = report["settings"], report["accepted"]
    return (
        f"{settings['workers']} x {settings['judging_at_once']}, "
        f"{settings['waiting_at_most']}",
        str(settings["clients"]),
        f"{accepted['per_second']:.1f}",
        *(_seconds(accepted[name]) for name in ("p50_ms", "p95_ms", "max_ms")),
        str(report["refused"]["count"]),
        _seconds(report["health"]["/livez"]["max_ms"]),
        f"{report['memory_mb']['most_pss']:.0f} MB",
    )


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1e3:.2f} s"


if __name__ == "__main__":
    main()
