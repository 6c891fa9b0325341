"""English sentences that remember how they were put together.

What the program says is English, everywhere. A sentence made here also keeps its
template and its values, so that the page can say it in the visitor's language without
the library knowing of any. `pybabel` collects the templates (`make translations`), so a
template is always a literal, never an f-string.
"""

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any


class Words(str):
    """A sentence in English, with what it was made of.

    Attributes
    ----------
    template : str
        The sentence with places for its values, as `str.format` knows them.
    plural : str or None
        The template for numbers other than one; None where there is only one form.
    number : int
        What chooses between the two.
    values : mapping of str to object
        Values by place; Words among them are sentences or parts of their own.
    """

    __slots__ = ("number", "plural", "template", "values")

    template: str
    plural: str | None
    number: int
    values: Mapping[str, Any]


def words(template: str, **values: Any) -> Words:
    """Make a sentence.

    Parameters
    ----------
    template : str
        English, with places such as ``{limit:g}``.
    **values : object
        What goes there.

    Returns
    -------
    Words
        The sentence.
    """
    made = Words(template.format(**values))
    made.template, made.plural, made.number, made.values = template, None, 1, values
    return made


def plural_words(one: str, many: str, number: int, **values: Any) -> Words:
    """Make a sentence whose form depends on a number.

    Parameters
    ----------
    one, many : str
        English templates for one and for any other number; `{number}` stands for it.
    number : int
        Chooses between them.
    **values : object
        What else goes into the places.

    Returns
    -------
    Words
        The sentence.
    """
    values = {"number": number, **values}
    made = Words((one if number == 1 else many).format(**values))
    made.template, made.plural, made.number, made.values = one, many, number, values
    return made


def either(choices: Iterable[str]) -> str:
    """Join choices.

    Parameters
    ----------
    choices : iterable of str
        At least one.

    Returns
    -------
    str
        Such as "a or b or c".
    """
    return reduce(
        lambda one, other: words("{one} or {other}", one=one, other=other), choices
    )
