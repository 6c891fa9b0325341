"""Figures as Markdown, for the pages that benchmarks lay out."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

_HELD: Final = {True: "yes", False: "**no**", None: ""}


def page_command(
    page: Callable[[Mapping[str, Any]], str], made_by: str
) -> click.Command:
    """Return the command that prints stored runs of a benchmark as Markdown.

    Parameters
    ----------
    page : callable
        Lays out what a run printed.
    made_by : str
        The command that makes such a run.

    Returns
    -------
    click.Command
        Takes the runs' files.
    """

    @click.command(help=f"Print what `{made_by}` wrote to each FILE as Markdown.")
    @click.argument(
        "files",
        metavar="FILE...",
        nargs=-1,
        required=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
    )
    def main(files: tuple[Path, ...]) -> None:
        reports = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        click.echo("\n".join(map(page, reports)), nl=False)

    return main


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay cells out as a table.

    Parameters
    ----------
    head : sequence of str
        Titles of the columns.
    rows : sequence of sequence of str
        Cells of each row.

    Returns
    -------
    str
        A line for each, the last one ended too.
    """
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def median(figure: Mapping[str, Any]) -> str:
    """Say a figure's median, and from where to where it goes.

    Parameters
    ----------
    figure : mapping
        What `Spread.to_dict` returned.

    Returns
    -------
    str
        A table's cell.
    """
    return f"{figure['median']:g} ({spread(figure)})"


def aim_table(title: str, figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay figures out beside what they were aimed at.

    Parameters
    ----------
    title : str
        Of the column of names.
    figures : mapping of str to mapping
        What `Aim.judge` or, without an aim, `Spread.to_dict` returned, by name.

    Returns
    -------
    str
        A table: name, median, spread, aim, whether it is held.
    """
    return table(
        (title, "median", "spread", "aimed at", "held"),
        [
            (name, f"{figure['median']:g}", spread(figure), *aim_cells(figure))
            for name, figure in figures.items()
        ],
    )


def aim_cells(figure: Mapping[str, Any]) -> tuple[str, str]:
    """Say what a figure was aimed at, and whether it is held.

    Parameters
    ----------
    figure : mapping
        What `Aim.judge` or, without an aim, `Spread.to_dict` returned.

    Returns
    -------
    tuple of str
        Two cells; empty where there is no aim.
    """
    return figure.get("aim", ""), _HELD[figure.get("held")]


def spread(figure: Mapping[str, Any]) -> str:
    """Say from where to where a figure goes.

    Parameters
    ----------
    figure : mapping
        What `Spread.to_dict` returned.

    Returns
    -------
    str
        A table's cell.
    """
    return f"{figure['min']:g} to {figure['max']:g}"
