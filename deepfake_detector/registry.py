"""Tables of interchangeable things: a name, and where its code lives.

A table maps a name to ``"module:attribute"``. The module is imported when the name is
first asked for, so listing a table costs nothing and one missing optional package
breaks one entry only.
"""

import ast
import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deepfake_detector.exceptions import ConfigError, UnknownNameError


class Registry:
    """A named table of lazily imported objects.

    Parameters
    ----------
    kind : str
        What the entries are, in the singular, as error messages call them.
    entries : sequence of (str, str)
        Pairs of a name and its ``"module:attribute"`` path.

    Raises
    ------
    ConfigError
        If a name appears twice or a path has no attribute.
    """

    def __init__(self, kind: str, entries: list[tuple[str, str]]) -> None:
        self.kind = kind
        self._paths: dict[str, str] = {}
        for name, path in entries:
            if name in self._paths:
                raise ConfigError(f"{kind} {name!r} is registered twice")
            if path.count(":") != 1:
                raise ConfigError(f"{kind} {name!r}: {path!r} is not module:attribute")
            self._paths[name] = path

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._paths))

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def __len__(self) -> int:
        return len(self._paths)

    def get(self, name: str) -> Any:
        """Import and return the object of that name.

        Parameters
        ----------
        name : str
            A name of this table.

        Returns
        -------
        object
            The registered object.

        Raises
        ------
        UnknownNameError
            If the table has no such name; the message lists the choices.
        """
        module, attribute = self._path(name).split(":")
        return getattr(importlib.import_module(module), attribute)

    def summary(self, name: str) -> str:
        """Return the first line of the entry's module docstring, without importing it.

        Parameters
        ----------
        name : str
            A name of this table.

        Returns
        -------
        str
            One line of prose; empty if the module has no docstring.

        Raises
        ------
        UnknownNameError
            If the table has no such name.
        """
        spec = importlib.util.find_spec(self._path(name).split(":")[0])
        if spec is None or spec.origin is None:
            return ""
        source = Path(spec.origin).read_text(encoding="utf-8")
        docstring = ast.get_docstring(ast.parse(source)) or ""
        return docstring.partition("\n")[0]

    def _path(self, name: str) -> str:
        try:
            return self._paths[name]
        except KeyError:
            raise UnknownNameError(
                f"unknown {self.kind} {name!r}; choose from: {', '.join(self)}"
            ) from None
