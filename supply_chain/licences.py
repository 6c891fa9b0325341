"""Licences of what is locked: `python -m supply_chain.licences`.

pip-licenses reads what is installed, the locks say what must be. Exit status 1 where a
licence is not allowed, or is unknown in what serving installs; 2 where it is unknown
elsewhere; 0 where every one is allowed.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any, Final

import click
from packaging.utils import canonicalize_name

from deepfake_detector.command_line import one_line_errors
from supply_chain.exceptions import SupplyChainError
from supply_chain.finding import BAD_STATUS, UNKNOWN_STATUS, Finding, counts, table
from supply_chain.licence_rules import (
    ALLOWED,
    NOT_ALLOWED,
    NOT_CHECKED,
    STATUSES,
    Installed,
    LicenceRules,
)
from supply_chain.locked_package import LOCKS, LockedPackage, read_locks

_SERVING: Final = next(iter(LOCKS))
_UNKNOWN: Final = "UNKNOWN"
_EXPRESSION, _METADATA, _CLASSIFIERS = (
    "License-Expression",
    "License-Metadata",
    "License-Classifier",
)
_TIMEOUT_S: Final = 300.0


@click.command()
@click.option(
    "--lock",
    type=click.Choice(list(LOCKS)),
    default=list(LOCKS)[-1],
    show_default=True,
    help="Judge what this one locks; each holds what those before it hold.",
)
def main(lock: str) -> None:
    """Say under which licence each locked package comes, and whether it may.

    JSON goes to stdout; what is not allowed goes to stderr, a line each.
    """
    with one_line_errors():
        rules = LicenceRules.load()
        packages = [each for each in read_locks() if lock in each.purposes]
        findings = judged(packages, rules, read_installed(pip_licenses()))
    number = counts(findings, STATUSES)
    report = {
        "counts": number,
        "packages": [finding.to_dict() for finding in findings],
    }
    click.echo(json.dumps(report, indent=2))
    for line in table(findings, ALLOWED):
        click.echo(line, err=True)
    click.echo(", ".join(f"{number[each]} {each}" for each in STATUSES), err=True)
    raise SystemExit(exit_status(findings))


def judged(
    packages: Iterable[LockedPackage],
    rules: LicenceRules,
    installed: Mapping[str, Installed],
) -> list[Finding]:
    """Judge each package.

    Parameters
    ----------
    packages : iterable of LockedPackage
        What is locked.
    rules : LicenceRules
        What is allowed.
    installed : mapping of str to Installed
        What is installed, by normalised name.

    Returns
    -------
    list of Finding
        One for each package, in their order.
    """
    return [rules.judge(each, installed.get(each.name)) for each in packages]


def exit_status(findings: Sequence[Finding]) -> int:
    """Return how the command ends.

    Parameters
    ----------
    findings : sequence of Finding
        All of them.

    Returns
    -------
    int
        0, 1 or 2, as above.
    """
    unknown = [finding for finding in findings if finding.status == NOT_CHECKED]
    is_served = [_SERVING in finding.package.purposes for finding in unknown]
    if any(is_served) or any(each.status == NOT_ALLOWED for each in findings):
        return BAD_STATUS
    return UNKNOWN_STATUS if unknown else 0


def pip_licenses() -> str:
    """Run pip-licenses on this environment.

    Returns
    -------
    str
        What it prints: JSON, a list of packages.

    Raises
    ------
    SupplyChainError
        If it fails or does not end.
    """
    command = [
        *(sys.executable, "-m", "piplicenses", "--from", "all", "--with-system"),
        *("--format", "json"),
    ]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
    except subprocess.SubprocessError as error:
        raise SupplyChainError(
            "pip-licenses did not list what is installed; install everything again "
            "with `make install`"
        ) from error
    return ended.stdout


def read_installed(text: str) -> dict[str, Installed]:
    """Read what pip-licenses prints.

    Parameters
    ----------
    text : str
        Its JSON.

    Returns
    -------
    dict of str to Installed
        By normalised name.

    Raises
    ------
    SupplyChainError
        If it is of another form.
    """
    try:
        return {
            canonicalize_name(entry["Name"]): Installed(
                str(entry["Version"]), tuple(_says(entry)), _bundles(entry["Name"])
            )
            for entry in json.loads(text)
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SupplyChainError(
            "pip-licenses: expected its JSON, got something else; another version may "
            "be installed than is locked: `make install`"
        ) from error


def _says(entry: Mapping[str, Any]) -> Iterable[str]:
    """What a package says of its licence, the most exact first."""
    expression, metadata = entry[_EXPRESSION], entry[_METADATA].strip()
    if expression != _UNKNOWN:
        yield expression
    # Many put a whole text there, where an id belongs; then the classifiers count.
    if metadata != _UNKNOWN and "\n" not in metadata:
        yield metadata
    for classifier in entry[_CLASSIFIERS].split("; "):
        if classifier != _UNKNOWN:
            yield classifier


def _bundles(name: str) -> tuple[str, ...]:
    """Shared libraries that a wheel was repaired with, of which metadata is silent."""
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return ()
    return tuple(
        sorted(
            file.name.partition("-")[0].partition(".so")[0]
            for file in files
            if file.parts[0].endswith(".libs")
        )
    )


if __name__ == "__main__":
    main()
