"""Tables of interchangeable things: a name, and where its code lives.

A table maps a name to ``"module:attribute"``. The module is imported when the name is
first asked for, so listing a table costs nothing and one missing optional package
breaks one entry only. An attribute that is itself a mapping holds a family, each member
under its own name.
"""

import ast
import importlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from deepfake_detector.exceptions import ConfigError, UnknownNameError


class Registry:
    """A named table of lazily imported objects.

    Parameters
    ----------
    kind : str
        What the entries are, in the singular, as error messages call them.
    entries : sequence of (str, str) or (str, str, str)
        A name, its ``"module:attribute"`` path and, where the module's docstring is not
        about it alone, a line on it.

    Raises
    ------
    ConfigError
        If a name appears twice or a path has no attribute.
    """

    def __init__(self, kind: str, entries: Sequence[tuple[str, ...]]) -> None:
        self.kind = kind
        self._paths: dict[str, str] = {}
        self._lines: dict[str, str] = {}
        for name, path, *line in entries:
            if name in self._paths:
                raise ConfigError(f"{kind} {name!r} is registered twice")
            if path.count(":") != 1:
                raise ConfigError(f"{kind} {name!r}: {path!r} is not module:attribute")
            self._paths[name] = path
            self._lines[name] = "".join(line)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._paths))

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def __len__(self) -> int:
        return len(self._paths)

    def paths(self) -> Iterator[tuple[str, str]]:
        """Return pairs of a name and its ``"module:attribute"`` path, by name."""
        return iter(sorted(self._paths.items()))

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
        found = getattr(importlib.import_module(module), attribute)
        return found[name] if isinstance(found, Mapping) else found

    def summary(self, name: str) -> str:
        """Return a line on the entry, its module's first one, without importing it.

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
        path = self._path(name)
        if self._lines[name]:
            return self._lines[name]
        spec = importlib.util.find_spec(path.split(":")[0])
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
