"""Known vulnerabilities of what is locked: `python -m supply_chain.audit`.

Exit status 1 where a package has one, 2 where all that could be looked up are clean but
some could not be, 0 where every one was looked up and is clean.
"""

import json

import click

from deepfake_detector.command_line import one_line_errors
from supply_chain.finding import BAD_STATUS, UNKNOWN_STATUS, counts, table
from supply_chain.locked_package import LOCKS, read_locks
from supply_chain.vulnerability_report import (
    CLEAN,
    NOT_AUDITED,
    STATUSES,
    VULNERABLE,
    audit,
    pip_audit,
)


@click.command()
@click.option(
    "--service",
    type=click.Choice(["pypi", "osv"]),
    default="pypi",
    show_default=True,
    help="Who is asked. OSV calls a package clean that it never heard of.",
)
@click.option("--osv-url", help="OSV's API, where it is not the public one.")
@click.option(
    "--lock",
    type=click.Choice(list(LOCKS)),
    default=list(LOCKS)[-1],
    show_default=True,
    help="Ask for what this one locks; each holds what those before it hold.",
)
def main(service: str, osv_url: str | None, lock: str) -> None:
    """Ask for the known vulnerabilities of every locked package.

    JSON goes to stdout; what is not clean goes to stderr, a line each.
    """
    with one_line_errors():
        packages = [each for each in read_locks() if lock in each.purposes]
        findings = audit(packages, pip_audit(service, osv_url))
    number = counts(findings, STATUSES)
    report = {
        "service": service,
        "counts": number,
        "packages": [finding.to_dict() for finding in findings],
    }
    click.echo(json.dumps(report, indent=2))
    for line in table(findings, CLEAN):
        click.echo(line, err=True)
    click.echo(", ".join(f"{number[each]} {each}" for each in STATUSES), err=True)
    if number[VULNERABLE]:
        raise SystemExit(BAD_STATUS)
    if number[NOT_AUDITED]:
        raise SystemExit(UNKNOWN_STATUS)


if __name__ == "__main__":
    main()
