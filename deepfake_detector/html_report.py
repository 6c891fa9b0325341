"""Sections, tables and figures -> one HTML page that needs nothing beside it.

The page holds its style and its figures, loads nothing, runs no script, and follows the
reader's light or dark setting. Whatever text it is given is escaped.
"""

import base64
import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from jinja2 import Environment, StrictUndefined, Template
from matplotlib.figure import Figure

from deepfake_detector.whole_file import write_whole

#: Lies beside this module, so that it goes wherever the package goes.
_TEMPLATE: Final = Path(__file__).with_name("html_report.html")

#: Dots an inch of figures, and the inch of a browser: sharp on fine screens too.
_FIGURE_DPI: Final = 160
_PAGE_DPI: Final = 96

#: Figures after the decimal point of a float in a table.
_DECIMALS: Final = 3

#: Letters of a value that is not broken into lines.
_SHORT: Final = 32

Tone = Literal["", "good", "bad", "open"]


@dataclass(frozen=True)
class Cell:
    """One value of a table that stands out.

    Parameters
    ----------
    value : str, int, float or None
        What is written.
    tone : {'', 'good', 'bad', 'open'}, default ''
        How it is coloured.
    """

    value: str | int | float | None
    tone: Tone = ""

    @property
    def text(self) -> str:
        """The value as it is written: floats with three decimals, None as a dash."""
        if self.value is None:
            return "–"
        if isinstance(self.value, float):
            return f"{self.value:.{_DECIMALS}f}"
        return f"{self.value:,}" if self._is_count else str(self.value)

    @property
    def classes(self) -> str:
        """Names for the style sheet."""
        number = isinstance(self.value, float) or self._is_count
        kind = "number" if number else "short" if len(self.text) <= _SHORT else ""
        return " ".join(filter(None, (kind, self.tone)))

    @property
    def _is_count(self) -> bool:
        return isinstance(self.value, int) and not isinstance(self.value, bool)


@dataclass(frozen=True)
class Table:
    """Rows under named columns.

    Parameters
    ----------
    columns : tuple of str
        Names of the columns.
    rows : tuple of tuple of Cell, str, int, float or None
        One value for each column.
    caption : str, default ''
        What the table shows, and of which data set and split.

    Raises
    ------
    ValueError
        If a row has not one value for each column.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell | str | int | float | None, ...], ...]
    caption: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"expected {len(self.columns)} values in a row, got {len(row)}"
                )

    @property
    def cells(self) -> list[list[Cell]]:
        """The rows, each value as a :class:`Cell`."""
        return [
            [value if isinstance(value, Cell) else Cell(value) for value in row]
            for row in self.rows
        ]


@dataclass(frozen=True)
class Drawing:
    """A figure and its words.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What is drawn.
    caption : str
        What it shows; read aloud where the figure cannot be seen.
    """

    figure: Figure
    caption: str

    @property
    def width(self) -> int:
        """Width on the page, pixels."""
        return round(self.figure.get_figwidth() * _PAGE_DPI)

    @property
    def address(self) -> str:
        """The figure as a PNG in a `data:` address."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=_FIGURE_DPI)
        return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it: text, then tables, then figures.

    Parameters
    ----------
    heading : str
        Its name; the page's list of contents shows it.
    text : tuple of str, default ()
        Paragraphs.
    tables : tuple of Table, default ()
        Tables.
    figures : tuple of Drawing, default ()
        Figures.
    """

    heading: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Drawing, ...] = ()


@dataclass(frozen=True)
class Page:
    """One report.

    Parameters
    ----------
    title : str
        What the report is about.
    lead : str, default ''
        The answer in a sentence or two.
    sections : tuple of Section, default ()
        Everything else.
    notice : str, default ''
        What a reader must know before passing the page on.
    """

    title: str
    lead: str = ""
    sections: tuple[Section, ...] = ()
    notice: str = ""


def render_page(page: Page) -> str:
    """Return a page as HTML.

    Parameters
    ----------
    page : Page
        What it says.

    Returns
    -------
    str
        A whole document.
    """
    return _template().render(page=page)


def write_page(path: Path, page: Page) -> None:
    """Write a page under its name when it is whole.

    Parameters
    ----------
    path : Path
        The file to write; its folder is made.
    page : Page
        What it says.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written to; an older page stays.
    """
    html = render_page(page)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, html)


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
