"""A made-up translation: each message between brackets, its values outside of them.

A page that is shown in it has brackets around all its words but those that were never
put into the catalogue, and values that nobody translated.
"""

import re
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from deepfake_detector.config import REPOSITORY

#: Written from right to left, and with six plural forms: the hardest case.
LANGUAGE = "ar"

TEMPLATE = REPOSITORY / "translations" / "messages.pot"

_PLACE = re.compile(r"(\{[^{}]*\}|%\(\w+\)[a-z])")
_BRACKETED = re.compile(r"⟦[^⟦⟧]*⟧")


def bracketed(message: str) -> str:
    parts = _PLACE.split(message)
    return "".join(
        part if index % 2 or not part else f"⟦{part}⟧"
        for index, part in enumerate(parts)
    )


def unbracketed(text: str) -> str:
    """What is left of a text without what stands between brackets."""
    while (shorter := _BRACKETED.sub("", text)) != text:
        text = shorter
    return text


def write_catalogue(translations: Path) -> None:
    """Write the catalogue into a folder of translations."""
    with TEMPLATE.open("rb") as file:
        catalogue = read_po(file, locale=LANGUAGE)
    for message in catalogue:
        if not message.id:
            continue
        if isinstance(message.id, str):
            message.string = bracketed(message.id)
        else:
            one, many = map(bracketed, message.id)
            message.string = (one, *[many] * (catalogue.num_plurals - 1))
    folder = translations / LANGUAGE / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "messages.mo").open("wb") as file:
        write_mo(file, catalogue)
