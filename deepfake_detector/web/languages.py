"""Which language a page is in: the one asked for, else the browser's, else English.

A language is a folder of `translations/`. Nothing remembers it but the address: links
keep `?lang=` where it was given, and there is no cookie.
"""

from dataclasses import dataclass
from typing import Any, Final

from babel import Locale, negotiate_locale
from flask import Flask, Response, current_app, has_request_context, request, url_for
from flask_babel import Babel, get_locale

from deepfake_detector.config import REPOSITORY
from deepfake_detector.web import translating

#: Holds a folder for each language beside English.
TRANSLATIONS: Final = REPOSITORY / "translations"

#: The language that everything is written in.
SOURCE: Final = Locale("en")

#: The field of an address that names a language.
FIELD: Final = "lang"

_EXTENSION_KEY: Final = "deepfake_detector_languages"


@dataclass(frozen=True)
class Language:
    """A language as a page names it.

    Parameters
    ----------
    locale : Locale
        Babel's.
    """

    locale: Locale

    @property
    def tag(self) -> str:
        """Its tag for `lang` and `hreflang`, such as "de" or "pt-BR"."""
        return str(self.locale).replace("_", "-")

    @property
    def name(self) -> str:
        """Its name in the language itself."""
        return str(self.locale.get_display_name(self.locale))

    @property
    def direction(self) -> str:
        """Which way it is written, "ltr" or "rtl"."""
        return str(self.locale.text_direction)


def register(app: Flask) -> None:
    """Give the templates `_`, `ngettext`, `trans`, and what says the language.

    Parameters
    ----------
    app : Flask
        The application.
    """
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(TRANSLATIONS)
    app.extensions[_EXTENSION_KEY] = {lang.tag: lang for lang in available()}
    Babel(app, default_locale=str(SOURCE), locale_selector=_chosen)
    # As in pyproject's mapping: line breaks of a template are no part of its words.
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    translating.register(app)
    app.context_processor(_for_templates)
    app.url_defaults(_keep_choice)
    app.after_request(_declare)


def available() -> list[Language]:
    """Return the languages that there is a catalogue for.

    Returns
    -------
    list of Language
        English first, the others by tag.
    """
    catalogues = sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.mo"))
    locales = (Locale.parse(path.parent.parent.name) for path in catalogues)
    return [Language(SOURCE), *(Language(locale) for locale in locales)]


def _languages() -> dict[str, Language]:
    languages: dict[str, Language] = current_app.extensions[_EXTENSION_KEY]
    return languages


def _asked() -> Language | None:
    """The language that the address names, if we have it."""
    return _languages().get(request.args.get(FIELD, ""))


def _chosen() -> Locale:
    asked = _asked()
    return asked.locale if asked else _preferred().locale


def _preferred() -> Language:
    """What the browser likes best of what we have."""
    # Werkzeug's best_match gives "de-AT, en;q=0.5" English, for German is not de-AT.
    wanted = [tag for tag, quality in request.accept_languages if quality > 0]
    by_tag = {tag.lower(): language for tag, language in _languages().items()}
    tag = negotiate_locale(wanted, by_tag, sep="-")
    return by_tag[tag.lower()] if tag else Language(SOURCE)


def _for_templates() -> dict[str, Any]:
    language = Language(get_locale() or SOURCE)
    return {"language": language, "language_links": _links(language)}


def _links(current: Language) -> list[dict[str, Any]]:
    """The same page in each language; the answer to a form has no address."""
    endpoint = request.endpoint or ""
    is_page = request.method in ("GET", "HEAD") and endpoint.startswith("page.")
    values = (request.view_args or {}) if is_page else {}
    return [
        {
            "language": language,
            "address": url_for(
                endpoint if is_page else "page.form", **{**values, FIELD: tag}
            ),
            "is_current": language == current,
        }
        for tag, language in _languages().items()
    ]


def _keep_choice(endpoint: str, values: dict[str, Any]) -> None:
    """Let the links of a page lead to pages in the same language."""
    if endpoint.startswith("page.") and has_request_context() and (asked := _asked()):
        values.setdefault(FIELD, asked.tag)


def _declare(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.headers["Content-Language"] = Language(get_locale() or SOURCE).tag
        response.vary.add("Accept-Language")
    return response
