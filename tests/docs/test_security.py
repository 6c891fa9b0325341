"""SECURITY.md promises what tests hold, and names what exists."""

import ast
import re

import pytest

from deepfake_detector.config import ENV_PREFIX, REPOSITORY, ServeConfig
from supply_chain.licence_rules import STATUSES as LICENCE_STATUSES
from supply_chain.licence_rules import LicenceRules
from supply_chain.locked_package import LOCKS, read_lock
from supply_chain.vulnerability_report import STATUSES as AUDIT_STATUSES

SECURITY = (REPOSITORY / "SECURITY.md").read_text(encoding="utf-8")
SUPPLY_CHAIN = (REPOSITORY / "docs" / "supply-chain.md").read_text(encoding="utf-8")
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
PROMISES = SECURITY.partition("## What is promised")[2].partition("## What is not")[0]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", SECURITY)


def test_there_are_promises() -> None:
    assert len(NAMED) > 50
    assert len(set(NAMED)) == len(NAMED)


@pytest.mark.parametrize("file_name", sorted({file_name for file_name, _ in NAMED}))
def test_every_named_test_exists(file_name: str) -> None:
    tree = ast.parse((REPOSITORY / file_name).read_text(encoding="utf-8"))
    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert {name for file, name in NAMED if file == file_name} <= tests


def test_every_promise_names_a_test() -> None:
    rows = re.findall(r"^\| (.+) \| (.+) \|$", PROMISES, re.MULTILINE)
    for promise, held_by in rows:
        if promise != "promise" and not set(promise) <= {"-", "|"}:
            assert "::test_" in held_by, promise


@pytest.mark.parametrize("text", [SECURITY, SUPPLY_CHAIN])
def test_every_command_and_setting_exists(text: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    commands = set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE))
    assert commands
    assert commands <= targets
    settings = set(re.findall(rf"\b{ENV_PREFIX}([A-Z_]+)\b", text))
    assert {name.lower() for name in settings} <= vars(ServeConfig()).keys()


@pytest.mark.parametrize("text", [SECURITY, SUPPLY_CHAIN])
def test_every_variable_of_make_and_compose_exists(text: str) -> None:
    compose = (REPOSITORY / "compose.yaml").read_text(encoding="utf-8")
    for name in set(re.findall(r"\b([A-Z]+_IMAGE|OUTPUT|REGISTRY)\b", text)):
        assert f"$({name}" in MAKEFILE or f"${{{name}" in compose, name


def test_locks_have_as_many_packages_as_told() -> None:
    rows = re.findall(
        r"^\| `(\S+\.txt)` \| .+ \| (\d+) \|$", SUPPLY_CHAIN, re.MULTILINE
    )
    assert dict(rows) == {
        name: str(len(read_lock(REPOSITORY / name))) for name in LOCKS.values()
    }


def test_every_status_is_told() -> None:
    for status in (*AUDIT_STATUSES, *LICENCE_STATUSES):
        assert f"| `{status}` |" in SUPPLY_CHAIN


def test_so_many_were_read_by_hand() -> None:
    read = LicenceRules.load().read
    names = {name for name, _ in read}
    assert f"{len(names)} packages ({len(read)} versions) were read by hand" in (
        SUPPLY_CHAIN
    )


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_it_is_found(page: str) -> None:
    assert "(SECURITY.md)" in (REPOSITORY / page).read_text(encoding="utf-8")
