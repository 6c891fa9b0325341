"""Which licences may be in it: licences.toml, read and applied."""

import functools
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from license_expression import (
    ExpressionError,
    Licensing,
    get_spdx_licensing,
)
from packaging.utils import canonicalize_name

from supply_chain.exceptions import SupplyChainError
from supply_chain.finding import Finding
from supply_chain.locked_package import LockedPackage

ALLOWED: Final = "allowed"
NOT_ALLOWED: Final = "not allowed"
NOT_CHECKED: Final = "not checked"
STATUSES: Final = (ALLOWED, NOT_ALLOWED, NOT_CHECKED)

RULES_FILE: Final = Path(__file__).with_name("licences.toml")

_BECAUSE: Final = "because"


@dataclass(frozen=True)
class Installed:
    """What an installed package says of itself.

    Parameters
    ----------
    version : str
        Which one is installed.
    says : tuple of str
        Its licence in each of the places where packages name one; none where it says
        nothing.
    bundles : tuple of str, optional
        Names of the shared libraries that it brings along, without their version.
    """

    version: str
    says: tuple[str, ...]
    bundles: tuple[str, ...] = ()


@dataclass(frozen=True)
class LicenceRules:
    """The table of licences, and what was read by hand.

    Parameters
    ----------
    allowed : mapping of str to str
        Why each SPDX id may be in it.
    spellings : mapping of str to str
        SPDX expressions of what packages say instead.
    read : mapping of (str, str) to str
        Expression of a package and version that does not say it itself.
    bundled : mapping of str to set of str
        Libraries that a package may bring along, their licences read.
    """

    allowed: Mapping[str, str]
    spellings: Mapping[str, str]
    read: Mapping[tuple[str, str], str]
    bundled: Mapping[str, frozenset[str]]

    @classmethod
    def load(cls, path: Path = RULES_FILE) -> Self:
        """Read the rules.

        Parameters
        ----------
        path : Path, default `RULES_FILE`
            A TOML file of that form.

        Returns
        -------
        LicenceRules
            The rules.

        Raises
        ------
        SupplyChainError
            If the file is missing, has another form, names an id that SPDX does not
            know, or gives no reason.
        """
        try:
            text = tomllib.loads(path.read_text(encoding="utf-8"))
            rules = cls(
                {_id(name): _reason(why) for name, why in text["allowed"].items()},
                {said: _expression(id_) for said, id_ in text["spellings"].items()},
                dict(_read_by_hand(text["read"])),
                {
                    canonicalize_name(name): frozenset(entry["libraries"])
                    for name, entry in text["bundled"].items()
                    if _reason(entry[_BECAUSE])
                },
            )
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SupplyChainError(
                f"{path.name}: expected a TOML file, found none that can be read"
            ) from error
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise SupplyChainError(
                f"{path.name}: an entry is missing or not as it must be ({error}); "
                "copy the form of those in it"
            ) from error
        return rules

    def judge(self, package: LockedPackage, installed: Installed | None) -> Finding:
        """Say whether a package may be in it.

        Parameters
        ----------
        package : LockedPackage
            Which.
        installed : Installed or None
            What the installed one says; None where it is not installed.

        Returns
        -------
        Finding
            `allowed`, `not allowed` or `not checked`, with the expression as
            ``licence`` where it is known.
        """
        by_hand = self.read.get((package.name, package.version))
        if by_hand is not None:
            return self._judged(package, [by_hand], installed)
        if installed is None:
            return Finding(package, NOT_CHECKED, "not installed here")
        if installed.version != package.version:
            reason = f"another version is installed: {installed.version}"
            return Finding(package, NOT_CHECKED, reason)
        if not installed.says:
            return Finding(package, NOT_CHECKED, "it names no licence")
        expressions = []
        for said in installed.says:
            expression = self.spellings.get(said, said)
            if not _is_known(expression):
                reason = f"no licence that SPDX knows: {said[:60]!r}"
                return Finding(package, NOT_CHECKED, reason)
            expressions.append(expression)
        return self._judged(package, expressions, installed)

    def _judged(
        self,
        package: LockedPackage,
        expressions: Sequence[str],
        installed: Installed | None,
    ) -> Finding:
        # The first is the most exact; the others must be allowed as well.
        details = {"licence": expressions[0]}
        for expression in expressions:
            parsed = _licensing().parse(expression)
            if not self._allows(parsed):
                return Finding(package, NOT_ALLOWED, f"{parsed}", details)
        brought = set(installed.bundles) if installed else set()
        if foreign := brought - self.bundled.get(package.name, frozenset()):
            reason = f"brings libraries that nobody read: {', '.join(sorted(foreign))}"
            return Finding(package, NOT_CHECKED, reason, details)
        return Finding(package, ALLOWED, "", details)

    def _allows(self, expression: Any) -> bool:
        """Whether one may be used under what is allowed: each of AND, any of OR."""
        if isinstance(expression, _licensing().AND):
            return all(map(self._allows, expression.args))
        if isinstance(expression, _licensing().OR):
            return any(map(self._allows, expression.args))
        return str(expression) in self.allowed


@functools.cache
def _licensing() -> Licensing:
    return get_spdx_licensing()


def _is_known(expression: str) -> bool:
    try:
        return _licensing().parse(expression, validate=True, strict=True) is not None
    except ExpressionError:
        return False


def _id(name: str) -> str:
    if " AND " in name or " OR " in name or _expression(name) != name:
        raise ValueError(f"{name!r} is no SPDX id")
    return name


def _expression(text: str) -> str:
    if not _is_known(text):
        raise ValueError(f"{text!r} is no SPDX expression")
    return str(_licensing().parse(text))


def _reason(why: str) -> str:
    if not why.strip():
        raise ValueError("a reason is empty")
    return why


def _read_by_hand(
    entries: Iterable[Mapping[str, Any]],
) -> Iterable[tuple[tuple[str, str], str]]:
    for entry in entries:
        _reason(entry[_BECAUSE])
        for version in entry["versions"]:
            key = (canonicalize_name(entry["name"]), str(version))
            yield key, _expression(entry["licence"])
