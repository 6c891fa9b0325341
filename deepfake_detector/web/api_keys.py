"""Keys that open the API, where the server's settings name any.

The server knows the SHA-256 of each key only. The keys are random and long, so nothing
slower is needed against guessing.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from typing import Final

from flask import Flask, request

from deepfake_detector.exceptions import ConfigError, KeyRequiredError
from deepfake_detector.wording import words

#: Random bytes of a key.
KEY_BYTES: Final = 32

_HASH_PATTERN: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PROTECTED: Final = "/api/v1/"


def new_key() -> str:
    """Make a key that nobody can guess.

    Returns
    -------
    str
        43 characters of letters, digits, ``-`` and ``_``.
    """
    return secrets.token_urlsafe(KEY_BYTES)


def hash_of(key: str) -> str:
    """Return what the server is told of a key.

    Parameters
    ----------
    key : str
        The key.

    Returns
    -------
    str
        Its SHA-256 in hex, lower case.
    """
    return hashlib.sha256(key.encode()).hexdigest()


def register(app: Flask, hashes: Sequence[str]) -> None:
    """Ask for a key in every request to the API, where there are keys.

    Parameters
    ----------
    app : Flask
        The application.
    hashes : sequence of str
        SHA-256 of each key in hex; without any the API is open.

    Raises
    ------
    ConfigError
        If one of them is no SHA-256.
    """
    known = [_checked(text, position) for position, text in enumerate(hashes, start=1)]

    def require_key() -> None:
        # A browser sends no key when it asks whether it may send one.
        if request.path.startswith(_PROTECTED) and request.method != "OPTIONS":
            _require(known)

    if known:
        app.before_request(require_key)


def _checked(text: str, position: int) -> str:
    known = text.lower()
    if not _HASH_PATTERN.fullmatch(known):
        # What stands there may be a key, so it is not repeated.
        raise ConfigError(
            "api_key_hashes (DEEPFAKE_API_KEY_HASHES): expected the SHA-256 of each "
            f"key, 64 hex digits, separated by commas; number {position} is something "
            "else. `python -m deepfake_detector api-key` prints a key and its hash"
        )
    return known


def _require(known: Sequence[str]) -> None:
    sent = request.authorization
    if sent is None or sent.type != "bearer" or not sent.token:
        raise KeyRequiredError(
            words(
                "The API needs a key here. Send it in the header 'Authorization: "
                "Bearer KEY'; whoever runs this service gives you one."
            )
        )
    digest = hash_of(sent.token)
    # All are compared, so that the time it takes does not tell which one came close.
    if not any([hmac.compare_digest(digest, each) for each in known]):
        raise KeyRequiredError(
            words(
                "This key does not open the API. Check that it was copied whole, or "
                "ask whoever runs this service for a new one."
            )
        )
