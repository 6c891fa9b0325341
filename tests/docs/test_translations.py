"""The catalogues hold what the page says, whole and sound, in each language."""

import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.frontend import CommandLineInterface
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from deepfake_detector.config import REPOSITORY

TRANSLATIONS = REPOSITORY / "translations"
LANGUAGES = sorted(path.parent.parent.name for path in TRANSLATIONS.glob("*/*/*.po"))

_PLACE = re.compile(r"(?<!\{)\{([^{}]*)\}|%(\(\w+\)[a-z]|%)")


def read(path: Path, locale: str | None = None) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def messages(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def forms(text: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def places(text: str) -> Counter[str]:
    return Counter(match.group() for match in _PLACE.finditer(text))


def catalogue_of(language: str) -> Catalog:
    path = TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"
    return read(path, language)


@pytest.fixture(scope="module")
def template() -> Catalog:
    return read(TRANSLATIONS / "messages.pot")


def test_there_is_german() -> None:
    assert "de" in LANGUAGES


def test_template_holds_the_words_of_today(
    template: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = tmp_path / "messages.pot"
    monkeypatch.chdir(REPOSITORY)
    mapping = ("-F", "pyproject.toml")
    CommandLineInterface().run(
        ["pybabel", "-q", "extract", *mapping, "-o", str(fresh)]
        + ["deepfake_detector", "templates"]
    )
    found = {message.id for message in messages(read(fresh))}
    assert len(found) > 100
    assert {message.id for message in messages(template)} == found, (
        "run `make translations`, and translate what is new"
    )


def test_template_names_no_line_date_or_place_of_a_machine() -> None:
    text = (TRANSLATIONS / "messages.pot").read_text(encoding="utf-8")
    assert "Date" not in text
    places = [line for line in text.splitlines() if line.startswith("#:")]
    assert len(places) > 100
    for line in places:
        for place in line.removeprefix("#:").split():
            assert re.fullmatch(r"(deepfake_detector|templates)/[\w/.]+", place), line


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated(language: str, template: Catalog) -> None:
    translated = {message.id: message for message in messages(catalogue_of(language))}
    assert set(translated) == {message.id for message in messages(template)}
    empty = [m.id for m in translated.values() if not all(forms(m.string))]
    assert empty == []
    assert [message.id for message in translated.values() if message.fuzzy] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_the_places_of_their_messages(language: str) -> None:
    for message in messages(catalogue_of(language)):
        # A singular may leave its number out, so the plural says what there is.
        expected = places(forms(message.id)[-1])
        *others, last = forms(message.string)
        assert places(last) == expected, message.id
        for other in others:
            assert places(other) <= expected, message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_as_many_forms_as_their_language(language: str) -> None:
    catalogue = catalogue_of(language)
    for message in messages(catalogue):
        expected = catalogue.num_plurals if message.pluralizable else 1
        assert len(forms(message.string)) == expected, message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_babel_finds_no_fault(language: str) -> None:
    catalogue = catalogue_of(language)
    faults = [(m.id, list(map(str, errors))) for m, errors in catalogue.check()]
    assert faults == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_compiled_catalogue_is_what_the_text_says(language: str) -> None:
    path = TRANSLATIONS / language / "LC_MESSAGES" / "messages.mo"
    with path.open("rb") as file:
        compiled = {forms(m.id): forms(m.string) for m in messages(read_mo(file))}
    said = {forms(m.id): forms(m.string) for m in messages(catalogue_of(language))}
    assert compiled == {key: value for key, value in said.items() if any(value)}


def test_german_is_plain_and_polite() -> None:
    """No informal address, a space before each percent sign, no decimal point."""
    for message in messages(catalogue_of("de")):
        for text in forms(message.string):
            assert not re.search(r"\b([Dd]u|[Dd]ein\w*|[Dd]ich|[Dd]ir)\b", text), text
            assert not re.search(r"\d%", text), text
            # A program's number keeps its point.
            with_point = re.search(r"\d\.\d{1,2}\b", text)
            assert not with_point or text.startswith("threshold:"), text
            assert "  " not in text, text
