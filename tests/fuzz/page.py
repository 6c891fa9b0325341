"""The table of docs/reliability.md: `python -m tests.fuzz.page FILE`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from benchmarks.markdown import table


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(file: Path) -> None:
    """Print what `make fuzz` wrote to FILE as Markdown."""
    click.echo(page(json.loads(file.read_text(encoding="utf-8"))), nl=False)


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
    main()
