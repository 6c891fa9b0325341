"""Whether facts that were read from a hostile file can be shown to anyone."""

import json
from collections.abc import Iterator
from typing import Any

#: Longest text: a readable one of 200 characters within a sentence about it.
MOST_CHARACTERS = 1_000

#: Most bytes of all facts of a file as JSON.
MOST_BYTES = 30_000


def is_bounded(facts: dict[str, Any]) -> bool:
    """Every text is printable and short, and all of them together are few."""
    whole = json.dumps(facts, allow_nan=False)
    return len(whole) <= MOST_BYTES and all(
        text.isprintable() and len(text) <= MOST_CHARACTERS for text in _texts(facts)
    )


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield key
            yield from _texts(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _texts(value)
