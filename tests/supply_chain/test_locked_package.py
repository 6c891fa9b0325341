"""Locks are read whole or refused, and ours lock what pyproject.toml asks for."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deepfake_detector.config import REPOSITORY
from supply_chain.exceptions import SupplyChainError
from supply_chain.locked_package import LOCKS, read_lock, read_locks, rounds
from tests.supply_chain.conftest import lock_line, locked, write_locks

HASH = f"--hash=sha256:{'a' * 64}"

BAD_LINES = {
    "nothing": "",
    "comments alone": "# via nobody\n",
    "no hash": "flask==3.1.3\n",
    "range": f"flask>=3 {HASH}\n",
    "wildcard": f"flask==3.* {HASH}\n",
    "two specifiers": f"flask==3.1.3,<4 {HASH}\n",
    "no version": f"flask {HASH}\n",
    "short hash": "flask==3.1.3 --hash=sha256:abc\n",
    "weak hash": f"flask==3.1.3 --hash=md5:{'a' * 32}\n",
    "one weak hash": f"flask==3.1.3 {HASH} --hash=md5:{'a' * 32}\n",
    "address": f"flask @ https://example.org/flask.whl {HASH}\n",
    "index": f"--index-url https://example.org/simple\nflask==3.1.3 {HASH}\n",
    "index behind a package": f"flask==3.1.3 {HASH} --index-url https://example.org\n",
    "nested": f"-r other.txt\nflask==3.1.3 {HASH}\n",
    "editable": "-e .\n",
    "no requirement": f"../flask {HASH}\n",
    "not UTF-8": "flask==3.1.3 \udcff\n",
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_bad_lock_is_refused(tmp_path: Path, name: str) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_bytes(BAD_LINES[name].encode(errors="surrogateescape"))
    with pytest.raises(SupplyChainError, match=r"^requirements\.txt: .*make lock"):
        read_lock(lock)


def test_missing_lock_is_refused_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(SupplyChainError, match="found none") as caught:
        read_lock(tmp_path / "requirements.txt")
    assert str(tmp_path) not in str(caught.value)


def test_line_is_read_with_all_it_says(tmp_path: Path) -> None:
    (package,) = locked(
        tmp_path,
        f"Foo.Bar[extra]==1.0.post1 ; sys_platform == 'win32' \\\n    {HASH} \\\n"
        f"    --hash=sha256:{'b' * 64}\n    # via\n    #   other\n",
    )
    assert (package.name, package.version) == ("foo-bar", "1.0.post1")
    assert str(package.marker) == 'sys_platform == "win32"'
    assert package.hashes == (f"sha256:{'a' * 64}", f"sha256:{'b' * 64}")
    assert locked(tmp_path, package.requirement)[0].hashes == package.hashes


def test_locks_are_merged_with_what_they_are_for(tmp_path: Path) -> None:
    write_locks(tmp_path, lock_line("flask", "3.1.3"), lock_line("ruff", "0.9"))
    assert [(each.name, each.purposes) for each in read_locks(tmp_path)] == [
        ("flask", ("serving", "training", "development")),
        ("ruff", ("development",)),
    ]


def test_locks_that_disagree_are_refused(tmp_path: Path) -> None:
    write_locks(tmp_path, lock_line("flask", "3.1.3"))
    (tmp_path / LOCKS["training"]).write_text(lock_line("flask", "3.1.3", digit="b"))
    with pytest.raises(SupplyChainError, match=r"flask 3\.1\.3 has other hashes"):
        read_locks(tmp_path)


def test_rounds_hold_each_name_once(tmp_path: Path) -> None:
    packages = locked(
        tmp_path,
        lock_line("scipy", "1", "python_version < '3.12'"),
        lock_line("scipy", "2", "python_version >= '3.12'"),
        lock_line("six", "1"),
    )
    assert [[each.version for each in part] for part in rounds(packages)] == [
        ["1", "1"],
        ["2"],
    ]


@pytest.mark.parametrize("file_name", LOCKS.values())
def test_our_locks_have_hashes_and_no_host(file_name: str) -> None:
    # Reading them refuses a line without a hash, and every option.
    packages = read_lock(REPOSITORY / file_name)
    assert len(packages) > 20
    text = (REPOSITORY / file_name).read_text()
    assert not re.search(r"https?:|index|find-links|trusted-host|file:", text)


def test_each_of_our_locks_holds_those_before_it() -> None:
    held: set[tuple[str, str, tuple[str, ...]]] = set()
    for file_name in LOCKS.values():
        packages = read_lock(REPOSITORY / file_name)
        holds = {(each.name, each.version, each.hashes) for each in packages}
        assert held <= holds
        held = holds


PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
RANGES = {
    "serving": PROJECT["dependencies"],
    "training": PROJECT["dependencies"] + EXTRAS["train"],
    "development": PROJECT["dependencies"]
    + [line for extra in ("train", "dev", "parquet", "ray") for line in EXTRAS[extra]],
}


@pytest.mark.parametrize("purpose", RANGES)
def test_what_is_locked_lies_in_pyprojects_ranges(purpose: str) -> None:
    packages = read_lock(REPOSITORY / LOCKS[purpose])
    versions: dict[str, list[str]] = {}
    for package in packages:
        versions.setdefault(package.name, []).append(package.version)
    for line in RANGES[purpose]:
        asked = Requirement(line)
        found = versions[canonicalize_name(asked.name)]
        assert all(map(asked.specifier.contains, found)), line


def test_serving_locks_no_tensorflow() -> None:
    names = {each.name for each in read_lock(REPOSITORY / LOCKS["serving"])}
    assert not names & {"tensorflow", "keras", "scikit-learn", "requests", "pip-audit"}
