"""The command: JSON to stdout, the rest to stderr, a status for each end."""

import json

import pytest
from click.testing import CliRunner

from supply_chain import audit as command
from supply_chain.finding import Finding
from supply_chain.locked_package import read_locks
from supply_chain.vulnerability_report import CLEAN, NOT_AUDITED, VULNERABLE


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ([], 0),
        ([NOT_AUDITED], 2),
        ([VULNERABLE], 1),
        ([VULNERABLE, NOT_AUDITED], 1),
    ],
)
def test_status_tells_bad_from_unknown(
    monkeypatch: pytest.MonkeyPatch, found: list[str], status: int
) -> None:
    packages = read_locks()

    def audited(asked: object, run: object) -> list[Finding]:
        verdicts = found + [CLEAN] * (len(packages) - len(found))
        return [
            Finding(package, verdict, "because" if verdict != CLEAN else "")
            for package, verdict in zip(packages, verdicts, strict=True)
        ]

    monkeypatch.setattr(command, "audit", audited)
    result = CliRunner().invoke(command.main, [])
    assert result.exit_code == status
    report = json.loads(result.stdout)
    assert sum(report["counts"].values()) == len(packages)
    assert report["counts"][CLEAN] == len(packages) - len(found)
    assert result.stderr.count("because") == len(found)


def test_one_lock_alone_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def audited(asked: list[object], run: object) -> list[Finding]:
        seen.extend(package.name for package in asked)  # type: ignore[attr-defined]
        return [Finding(package, CLEAN) for package in asked]  # type: ignore[arg-type]

    monkeypatch.setattr(command, "audit", audited)
    assert CliRunner().invoke(command.main, ["--lock", "serving"]).exit_code == 0
    assert "flask" in seen
    assert "tensorflow" not in seen
