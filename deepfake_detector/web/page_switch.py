"""The page switched off, for those who want the API alone."""

from typing import Final

from flask import Flask, request
from werkzeug.exceptions import NotFound

#: A page that is the API's, and stays.
_REFERENCE: Final = "page.api"


def register(app: Flask, is_on: bool) -> None:
    """Answer 404 for the page's addresses, where it is off.

    Parameters
    ----------
    app : Flask
        The application, with all its routes.
    is_on : bool
        Whether there is a page.
    """
    app.context_processor(lambda: {"page_is_on": is_on})
    if is_on:
        return
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint != _REFERENCE]
    hidden = {rule.rule for rule in rules if rule.endpoint.startswith("page.")}

    def hide() -> None:
        if request.path in hidden:
            raise NotFound

    app.before_request(hide)
