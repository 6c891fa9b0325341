"""What was found out about one locked package, and what the whole comes to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from supply_chain.locked_package import LockedPackage

#: Exit status where something is wrong: a vulnerable package, a licence not allowed.
BAD_STATUS: Final = 1
#: Exit status where nothing is wrong as far as it could be looked up.
UNKNOWN_STATUS: Final = 2


@dataclass(frozen=True)
class Finding:
    """One package, judged.

    Parameters
    ----------
    package : LockedPackage
        Which.
    status : str
        The verdict, such as ``clean`` or ``not audited``.
    reason : str, default ""
        Why, in words.
    details : dict, optional
        What else the report holds, JSON-ready.
    """

    package: LockedPackage
    status: str
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON-ready fields."""
        return {
            "name": self.package.name,
            "version": self.package.version,
            "locked_for": list(self.package.purposes),
            "marker": str(self.package.marker) if self.package.marker else None,
            "status": self.status,
            "reason": self.reason,
            **self.details,
        }


def counts(findings: Iterable[Finding], statuses: Sequence[str]) -> dict[str, int]:
    """Count findings by status.

    Parameters
    ----------
    findings : iterable of Finding
        All of them.
    statuses : sequence of str
        Every status there is, so that one that never came reads 0.

    Returns
    -------
    dict of str to int
        By status, in the order given.
    """
    number = dict.fromkeys(statuses, 0)
    for finding in findings:
        number[finding.status] += 1
    return number


def table(findings: Sequence[Finding], good: str) -> list[str]:
    """Lay out what needs a look.

    Parameters
    ----------
    findings : sequence of Finding
        All of them.
    good : str
        The status that needs none.

    Returns
    -------
    list of str
        A line for each other finding, its columns under each other.
    """
    rows = [
        (finding.package.name, finding.package.version, finding.status, finding.reason)
        for finding in findings
        if finding.status != good
    ]
    widths = [max(map(len, column)) for column in list(zip(*rows, strict=True))[:3]]
    return [
        "  ".join([*(map(str.ljust, row[:3], widths)), row[3]]).rstrip() for row in rows
    ]
