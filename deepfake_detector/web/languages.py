"""The page in the visitor's language."""

from flask import Flask
from flask_babel import Babel

from deepfake_detector.config import REPOSITORY


def register(app: Flask) -> None:
    """Give the templates `_`, `ngettext` and the tag `trans`.

    Parameters
    ----------
    app : Flask
        The application.
    """
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(REPOSITORY / "translations")
    Babel(app, default_locale="en")
    app.add_template_filter(translated)


def translated(text: str) -> str:
    """Say a sentence in the visitor's language.

    Parameters
    ----------
    text : str
        English; Words are put together anew.

    Returns
    -------
    str
        The sentence.
    """
    return text
