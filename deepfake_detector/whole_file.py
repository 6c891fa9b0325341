"""Files that are whole or not there: written beside their place, then renamed."""

import json
import os
from pathlib import Path
from typing import Any


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under a temporary name, which becomes its own when it is whole.

    Parameters
    ----------
    path : Path
        The file to write, in a folder that exists.
    content : str or bytes
        All that it holds; text goes in as UTF-8.

    Raises
    ------
    OSError
        If it cannot be written; an older file stays as it was.
    """
    # Two processes that write the same file must not meet in one temporary file.
    temporary = path.with_name(f"writing-{os.getpid()}-{path.name}")
    try:
        if isinstance(content, str):
            temporary.write_text(content, encoding="utf-8")
        else:
            temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any, indent: int | None = 2) -> None:
    """Write a value as JSON, as :func:`write_whole` does.

    Parameters
    ----------
    path : Path
        The file to write, in a folder that exists.
    value : Any
        What `json.dumps` takes.
    indent : int or None, default 2
        Spaces a level; all on one line where None.

    Raises
    ------
    OSError
        If it cannot be written; an older file stays as it was.
    """
    write_whole(path, json.dumps(value, indent=indent) + "\n")
