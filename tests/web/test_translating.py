"""Words and numbers are said in the visitor's language; anything odd stays English."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask
from markupsafe import Markup, escape

from deepfake_detector.web import languages
from deepfake_detector.web.translating import number, translated, within_sentence
from deepfake_detector.wording import Words, plural_words, words

GERMAN: dict[Any, Any] = {
    "The limit is {limit:g} MB.": "Die Grenze liegt bei {limit:g} MB.",
    "about {number} in 100": "etwa {number} von 100",
    "At most {share} were called fake.": "Höchstens {share} galten als falsch.",
    ("{number} face", "{number} faces"): ("{number} Gesicht", "{number} Gesichter"),
    "Of {faces:,} faces": "Von {faces:,} Gesichtern",
    "wrong place {a}": "falscher Platz {b}",
    "no place {a}": "Klammer {",
    "attribute {a}": "{a.real.nothing}",
    "index {a}": "{a[0][1]}",
    "position {a}": "{}",
    "bad format {a}": "{a:kaputt}",
}


@pytest.fixture
def in_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], None]]:
    """Enter a request in a language, with a German catalogue of this test's own."""
    catalogue = Catalog(locale="de")
    for message, translation in GERMAN.items():
        catalogue.add(message, translation)
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "messages.mo").open("wb") as file:
        write_mo(file, catalogue)
    monkeypatch.setattr(languages, "TRANSLATIONS", tmp_path)
    app = Flask("test")
    languages.register(app)
    entered = []

    def enter(language: str) -> None:
        context = app.test_request_context(f"/?lang={language}")
        context.push()
        entered.append(context)

    yield enter
    for context in reversed(entered):
        context.pop()


@pytest.mark.parametrize(
    ("text", "german"),
    [
        (
            words("The limit is {limit:g} MB.", limit=2.5),
            "Die Grenze liegt bei 2,5 MB.",
        ),
        (words("Of {faces:,} faces", faces=10_000), "Von 10.000 Gesichtern"),
        (plural_words("{number} face", "{number} faces", 0), "0 Gesichter"),
        (plural_words("{number} face", "{number} faces", 1), "1 Gesicht"),
        (plural_words("{number} face", "{number} faces", 2), "2 Gesichter"),
        (
            words(
                "At most {share} were called fake.",
                share=words("about {number} in 100", number=3),
            ),
            "Höchstens etwa 3 von 100 galten als falsch.",
        ),
        (words("Nobody translated {limit:.1f}.", limit=1.5), "Nobody translated 1,5."),
        (words("{limit:g}", limit=np.float32(0.5)), "0,5"),
        ("a plain string", "a plain string"),
        ("{limit} in a plain string", "{limit} in a plain string"),
        ("", ""),
        # What gettext keeps under the empty message is the catalogue's header.
        (words(""), ""),
    ],
)
def test_words_are_said_in_german(
    in_language: Callable[[str], None], text: str, german: str
) -> None:
    in_language("de")
    assert translated(text) == german


def test_same_words_stay_english_in_english(
    in_language: Callable[[str], None],
) -> None:
    in_language("en")
    assert translated(words("The limit is {limit:g} MB.", limit=2.5)) == (
        "The limit is 2.5 MB."
    )
    assert number(10_000.5, ",.1f") == "10,000.5"


def test_outside_of_requests_all_is_english() -> None:
    assert translated(words("about {number} in 100", number=3)) == "about 3 in 100"
    assert number(0.5, ".2f") == "0.50"


@pytest.mark.parametrize(
    "value",
    [
        "{number}",
        "{0}",
        "{value.__class__}",
        "%(x)s",
        "%s",
        "⟦",
        "<b>",
        "about {number}",
    ],
)
@pytest.mark.parametrize("template", ["At most {share} were called fake.", "{share}"])
def test_value_is_never_read_as_a_template(
    in_language: Callable[[str], None], value: str, template: str
) -> None:
    in_language("de")
    said = translated(words(template, share=value))
    assert value in said
    assert str(escape(said)).count("<") == 0


def test_value_that_is_a_message_by_chance_stays_as_it_is(
    in_language: Callable[[str], None],
) -> None:
    in_language("de")
    assert translated(words("{share}", share="about {number} in 100")) == (
        "about {number} in 100"
    )


@pytest.mark.parametrize(
    "template",
    [
        "wrong place {a}",
        "no place {a}",
        "attribute {a}",
        "index {a}",
        "position {a}",
        "bad format {a}",
    ],
)
def test_unsound_translation_is_shown_in_english(
    in_language: Callable[[str], None],
    template: str,
    warnings_logged: Callable[[], list[str]],
) -> None:
    in_language("de")
    text = words(template, a=1.5)
    assert translated(text) == str(text)
    assert "does not fit its template" in warnings_logged()[0]


def test_translation_is_text_and_no_markup(in_language: Callable[[str], None]) -> None:
    in_language("de")
    said = translated(words("{share}", share="<script>"))
    assert not isinstance(said, Markup | Words)
    assert escape(said) == "&lt;script&gt;"


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("Likely fake", "likely fake"),
        ("Kein Gesicht gefunden", "kein Gesicht gefunden"),
        ("Ähnlich", "ähnlich"),
        ("", ""),
    ],
)
def test_first_letter_is_small_within_a_sentence(text: str, inside: str) -> None:
    assert within_sentence(text) == inside


@pytest.mark.parametrize(
    ("value", "spec", "german"),
    [
        (12.34, ".1f", "12,3"),
        (0.5, ".3f", "0,500"),
        (1234567, ",", "1.234.567"),
        (1234567.5, ",.1f", "1.234.567,5"),
        (20, "g", "20"),
        (2.5, "g", "2,5"),
        (-0.25, "", "-0,25"),
        (float("inf"), ".1f", "inf"),
        (float("nan"), ".1f", "nan"),
    ],
)
def test_number_has_the_separators_of_the_language(
    in_language: Callable[[str], None], value: float, spec: str, german: str
) -> None:
    in_language("de")
    assert number(value, spec) == german
