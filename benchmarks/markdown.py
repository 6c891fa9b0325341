"""Figures as Markdown, for the pages that benchmarks lay out."""

from collections.abc import Mapping, Sequence
from typing import Any


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
