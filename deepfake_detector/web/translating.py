"""English sentences and numbers, said in the visitor's language.

Only the page uses these filters; the API, the command line and the log speak English.
"""

import logging
import numbers
from typing import Any, Final

from babel import Locale
from babel.numbers import get_decimal_symbol, get_group_symbol
from flask import Flask
from flask_babel import get_locale, get_translations

from deepfake_detector.wording import Words

logger = logging.getLogger(__name__)

#: What `str.format` raises where a translation has other places than its template.
_FORMAT_ERRORS: Final = (LookupError, ValueError, AttributeError, TypeError)


class LocalNumber:
    """A number whose format has the separators of the visitor's language.

    Parameters
    ----------
    value : int or float
        The number.
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def __format__(self, spec: str) -> str:
        return number(self.value, spec)


def register(app: Flask) -> None:
    """Give the templates the filters `translated`, `within_sentence` and `number`.

    Parameters
    ----------
    app : Flask
        The application; it has Flask-Babel.
    """
    app.add_template_filter(translated)
    app.add_template_filter(within_sentence)
    app.add_template_filter(number)


def translated(text: str) -> str:
    """Say a sentence in the visitor's language.

    Parameters
    ----------
    text : str
        English; Words are put together anew.

    Returns
    -------
    str
        The sentence. What is no Words comes back unchanged, and what has no (sound)
        translation in English.
    """
    if not isinstance(text, Words):
        return text
    template = _template(text)
    values = {place: _local(value) for place, value in text.values.items()}
    try:
        return template.format(**values)
    except _FORMAT_ERRORS:
        logger.exception("the translation %r does not fit its template", template)
        return str(text)


def within_sentence(text: str) -> str:
    """Write what could begin a sentence as it stands inside of one.

    Parameters
    ----------
    text : str
        In the visitor's language.

    Returns
    -------
    str
        With a small first letter; the others stay, for German nouns have a large one.
    """
    return text[:1].lower() + text[1:]


def number(value: Any, spec: str = "") -> str:
    """Write a number with the separators of the visitor's language.

    Parameters
    ----------
    value : int or float
        The number.
    spec : str, default ""
        As Python's `format` knows it, such as ".1f".

    Returns
    -------
    str
        Such as "12,3" in German.
    """
    locale = get_locale() or Locale("en")
    separators = str.maketrans(
        {",": get_group_symbol(locale), ".": get_decimal_symbol(locale)}
    )
    return format(value, spec).translate(separators)


def _template(text: Words) -> str:
    """What the catalogue has for a template; the template itself where it has none."""
    if not text.template:
        return ""  # which would stand for the catalogue's own header
    catalogue = get_translations()
    if text.plural is None:
        return str(catalogue.ugettext(text.template))
    return str(catalogue.ungettext(text.template, text.plural, text.number))


def _local(value: Any) -> Any:
    if isinstance(value, str):
        return translated(value)
    return LocalNumber(value) if isinstance(value, numbers.Real) else value
