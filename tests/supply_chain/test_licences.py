"""The command, and what it finds in this environment."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from deepfake_detector.config import REPOSITORY
from supply_chain import licences as command
from supply_chain.exceptions import SupplyChainError
from supply_chain.finding import Finding
from supply_chain.licence_rules import (
    ALLOWED,
    NOT_ALLOWED,
    NOT_CHECKED,
    Installed,
    LicenceRules,
)
from supply_chain.licences import exit_status, judged, read_installed
from supply_chain.locked_package import LOCKS, LockedPackage, read_lock, read_locks

ENTRY = {
    "Name": "No_Such.Package",
    "Version": "1.0",
    "License-Expression": "UNKNOWN",
    "License-Metadata": "UNKNOWN",
    "License-Classifier": "UNKNOWN",
}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, ()),
        ({"License-Expression": "MIT"}, ("MIT",)),
        ({"License-Metadata": "MIT"}, ("MIT",)),
        ({"License-Metadata": "All rights\nreserved"}, ()),
        ({"License-Classifier": "A; B"}, ("A", "B")),
        (
            {
                "License-Expression": "MIT",
                "License-Metadata": " BSD ",
                "License-Classifier": "GPL",
            },
            ("MIT", "BSD", "GPL"),
        ),
    ],
)
def test_what_is_installed_is_read(
    fields: dict[str, str], says: tuple[str, ...]
) -> None:
    installed = read_installed(json.dumps([ENTRY | fields]))
    assert installed == {"no-such-package": Installed("1.0", says)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "3",
        '["a"]',
        '[{"Name": "six"}]',
        json.dumps([ENTRY | {"Name": None}]),
        json.dumps([ENTRY | {"License-Metadata": None}]),
        "[" * 100_000,
    ],
)
def test_other_output_is_refused(text: str) -> None:
    with pytest.raises(SupplyChainError, match="pip-licenses: expected its JSON"):
        read_installed(text)


def package(*purposes: str) -> LockedPackage:
    return LockedPackage(
        "six",  # type: ignore[arg-type]
        "1",
        None,
        (),
        purposes,
    )


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ([(ALLOWED, "serving")], 0),
        ([(ALLOWED, "serving"), (NOT_CHECKED, "development")], 2),
        ([(NOT_CHECKED, "serving")], 1),
        ([(NOT_ALLOWED, "development"), (NOT_CHECKED, "development")], 1),
        ([(NOT_ALLOWED, "serving")], 1),
    ],
)
def test_unknown_weighs_more_where_it_is_served(
    found: list[tuple[str, str]], status: int
) -> None:
    findings = [Finding(package(purpose), each) for each, purpose in found]
    assert exit_status(findings) == status


def test_all_that_serving_installs_is_allowed(listed: str) -> None:
    serving = {each.name for each in read_lock(REPOSITORY / LOCKS["serving"])}
    packages = [each for each in read_locks() if each.name in serving]
    findings = judged(packages, LicenceRules.load(), read_installed(listed))
    assert [each.to_dict() for each in findings if each.status != ALLOWED] == []
    by_name = {each.package.name: each.details["licence"] for each in findings}
    assert by_name["flask"] == "BSD-3-Clause"
    assert by_name["tqdm"] == "MPL-2.0 AND MIT"


def test_what_no_machine_installs_all_of_was_read_by_hand() -> None:
    # Otherwise the answer would depend on the Python that asks.
    read = LicenceRules.load().read
    for package in read_locks():
        if package.marker is not None and "Py" not in str(package.marker):
            assert (package.name, package.version) in read, package.name


def test_command_tells_each_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def listed() -> str:
        return json.dumps([ENTRY])

    monkeypatch.setattr(command, "pip_licenses", listed)
    result = CliRunner().invoke(command.main, ["--lock", "serving"])
    assert result.exit_code == 1
    report: dict[str, Any] = json.loads(result.stdout)
    flask = next(each for each in report["packages"] if each["name"] == "flask")
    assert (flask["status"], flask["reason"]) == (NOT_CHECKED, "not installed here")
    assert "not installed here" in result.stderr


def test_bad_rules_end_it_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def load() -> LicenceRules:
        return LicenceRules(**vars(LicenceRules.load(tmp_path / "licences.toml")))

    monkeypatch.setattr(command, "LicenceRules", type("Rules", (), {"load": load}))
    result = CliRunner().invoke(command.main, [])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: licences.toml: ")
    assert "Traceback" not in result.output
