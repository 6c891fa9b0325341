"""Text of unknown origin made fit to be shown: printable, on one line, short."""

import re
from typing import Final

#: Characters that are left of a text at most.
MOST_SHOWN: Final = 200

#: What is looked at of a text at most: nobody need read megabytes to show a line.
_MOST_READ: Final = 20 * MOST_SHOWN

#: A letter with more accents than any language puts on it; such piles cover the page.
_PILED_ACCENTS: Final = re.compile(
    "([\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff]{3})[\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff]+"
)


def readable(text: str, most: int = MOST_SHOWN) -> str:
    """Return what a person can read of a text.

    Control characters, marks that turn the direction of writing, zero-width and
    unassigned characters are left out; any white space becomes one space. Markup stays
    as it is: whoever puts the text into a page escapes it there.

    Parameters
    ----------
    text : str
        From anywhere.
    most : int, default 200
        Most characters to return; what is cut ends in an ellipsis.

    Returns
    -------
    str
        One line, possibly empty.
    """
    words = " ".join(text[:_MOST_READ].split())
    shown = "".join(filter(str.isprintable, words))
    shown = " ".join(_PILED_ACCENTS.sub(r"\1", shown).split())
    return shown if len(shown) <= most else shown[: most - 1].rstrip() + "…"
