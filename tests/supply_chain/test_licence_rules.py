"""The rules are whole, and a licence that nobody knows is never allowed."""

from pathlib import Path

import pytest

from supply_chain.exceptions import SupplyChainError
from supply_chain.licence_rules import (
    ALLOWED,
    NOT_ALLOWED,
    NOT_CHECKED,
    Installed,
    LicenceRules,
)
from supply_chain.locked_package import LockedPackage
from tests.supply_chain.conftest import lock_line, locked

RULES = """
[allowed]
"MIT" = "why"
"BSD-3-Clause" = "why"
"Apache-2.0 WITH LLVM-exception" = "why"
[spellings]
"MIT License" = "MIT"
"GPL" = "GPL-3.0-or-later"
"BSD License" = "BSD-2-Clause OR BSD-3-Clause"
[[read]]
name = "Quiet_One"
versions = ["1", "2"]
licence = "MIT"
because = "its LICENSE says so"
[[read]]
name = "loud-one"
versions = ["1"]
licence = "AGPL-3.0-only"
because = "its LICENSE says so"
[bundled.heavy]
libraries = ["libfine"]
because = "its LICENSE says so"
"""


def rules_of(tmp_path: Path, text: str) -> LicenceRules:
    path = tmp_path / "licences.toml"
    path.write_text(text)
    return LicenceRules.load(path)


def package(tmp_path: Path, name: str = "six", version: str = "1") -> LockedPackage:
    return locked(tmp_path, lock_line(name, version))[0]


SAID: dict[str, tuple[tuple[str, ...], str]] = {
    "allowed": (("MIT",), ALLOWED),
    "allowed, spelt otherwise": (("MIT License",), ALLOWED),
    "in small letters": (("mit",), ALLOWED),
    "both allowed": (("MIT AND BSD-3-Clause",), ALLOWED),
    "one of two allowed": (("MIT OR GPL-3.0-only",), ALLOWED),
    "one of two not allowed": (("MIT AND GPL-3.0-only",), NOT_ALLOWED),
    "nested": (("MIT AND (GPL-3.0-only OR BSD-3-Clause)",), ALLOWED),
    "nested the other way": (("MIT OR (GPL-3.0-only AND BSD-3-Clause)",), ALLOWED),
    "nested and not allowed": (
        ("GPL-3.0-only OR (MIT AND AGPL-3.0-only)",),
        NOT_ALLOWED,
    ),
    "either of two spelt as one": (("BSD License",), ALLOWED),
    "with an exception that is listed": (("Apache-2.0 WITH LLVM-exception",), ALLOWED),
    "without it": (("Apache-2.0",), NOT_ALLOWED),
    "with an exception that is not": (
        ("GPL-3.0-only WITH GCC-exception-3.1",),
        NOT_ALLOWED,
    ),
    "copyleft": (("GPL-3.0-or-later",), NOT_ALLOWED),
    "copyleft spelt otherwise": (("GPL",), NOT_ALLOWED),
    "copyleft of the net": (("AGPL-3.0-or-later",), NOT_ALLOWED),
    "two places that agree": (("MIT", "MIT License"), ALLOWED),
    "two places, one copyleft": (("MIT", "GPL"), NOT_ALLOWED),
    "two places, one unknown": (("MIT", "Freeware"), NOT_CHECKED),
    "nothing": ((), NOT_CHECKED),
    "empty": (("",), NOT_CHECKED),
    "unknown": (("UNKNOWN",), NOT_CHECKED),
    "proprietary": (("LicenseRef-Proprietary",), NOT_CHECKED),
    "half an expression": (("MIT AND",), NOT_CHECKED),
    "brackets": (("((((",), NOT_CHECKED),
    "a sentence": (("Do what you like with it.",), NOT_CHECKED),
    "binary": (("\x00\xff",), NOT_CHECKED),
    "endless": (("free and " * 20_000,), NOT_CHECKED),
    "deep": (("(" * 5_000 + "free" + ")" * 5_000,), NOT_CHECKED),
}


@pytest.mark.parametrize("name", SAID)
def test_what_a_package_says_is_judged(tmp_path: Path, name: str) -> None:
    says, status = SAID[name]
    rules = rules_of(tmp_path, RULES)
    finding = rules.judge(package(tmp_path), Installed("1", says))
    assert finding.status == status
    assert len(finding.reason) < 200


def test_package_that_is_not_installed_is_not_checked(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, RULES)
    assert rules.judge(package(tmp_path), None).status == NOT_CHECKED


def test_other_version_is_not_checked(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, RULES)
    finding = rules.judge(package(tmp_path), Installed("2", ("MIT",)))
    assert (finding.status, finding.reason[-1]) == (NOT_CHECKED, "2")


@pytest.mark.parametrize(
    ("name", "version", "status"),
    [
        ("quiet-one", "1", ALLOWED),
        ("quiet-one", "2", ALLOWED),
        ("quiet-one", "3", NOT_CHECKED),
        ("loud-one", "1", NOT_ALLOWED),
    ],
)
def test_what_was_read_by_hand_holds_for_that_version(
    tmp_path: Path, name: str, version: str, status: str
) -> None:
    rules = rules_of(tmp_path, RULES)
    assert rules.judge(package(tmp_path, name, version), None).status == status


@pytest.mark.parametrize(
    ("bundles", "status"),
    [((), ALLOWED), (("libfine",), ALLOWED), (("libfine", "libodd"), NOT_CHECKED)],
)
def test_bundled_library_must_have_been_read(
    tmp_path: Path, bundles: tuple[str, ...], status: str
) -> None:
    rules = rules_of(tmp_path, RULES)
    heavy = Installed("1", ("MIT",), bundles)
    assert rules.judge(package(tmp_path, "heavy"), heavy).status == status


BAD_RULES = {
    "empty": "",
    "no TOML": "[[[",
    "no spellings": RULES.replace("[spellings]", "[spelling]"),
    "id that SPDX does not know": RULES.replace('"MIT" =', '"Mit License" ='),
    "id in small letters": RULES.replace('"MIT" =', '"mit" ='),
    "expression for an id": RULES.replace('"MIT" =', '"MIT OR GPL-2.0-only" ='),
    "empty reason": RULES.replace('"MIT" = "why"', '"MIT" = " "'),
    "no reason": RULES.replace('"MIT" = "why"', '"MIT" = 3'),
    "spelling of nothing": RULES.replace('= "GPL-3.0-or-later"', '= ""'),
    "read without a reason": RULES.replace('because = "its', 'why = "its', 1),
    "read without versions": RULES.replace("versions", "version", 1),
    "read by an unknown licence": RULES.replace('licence = "MIT"', 'licence = "free"'),
    "bundled without a reason": RULES.replace('because = "its', 'why = "its', 3),
    "allowed is a list": RULES.replace("[allowed]", "[[allowed]]"),
}


@pytest.mark.parametrize("name", BAD_RULES)
def test_bad_rules_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SupplyChainError, match=r"^licences\.toml: ") as caught:
        rules_of(tmp_path, BAD_RULES[name])
    assert str(tmp_path) not in str(caught.value)


def test_missing_rules_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SupplyChainError, match="found none"):
        LicenceRules.load(tmp_path / "licences.toml")


def test_our_rules_allow_no_copyleft() -> None:
    rules = LicenceRules.load()
    assert not [name for name in rules.allowed if "GPL" in name or "SSPL" in name]
    assert {"MIT", "Apache-2.0"} <= rules.allowed.keys()
