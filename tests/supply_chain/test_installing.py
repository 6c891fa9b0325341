"""Whatever installs packages asks for their hashes, and nothing else is fetched."""

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deepfake_detector.config import REPOSITORY
from supply_chain.locked_package import LOCKS

#: Files with lines that install, by how many.
INSTALLS = {
    "Dockerfile": 2,
    "Makefile": 3,
    "docs/deploy.md": 1,
}

#: Optional extras, which a person may install by name after having read about them.
EXTRAS = {
    canonicalize_name(Requirement(line).name)
    for lines in tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ].values()
    for line in lines
}

#: Other ways for packages to come in, past the locks.
OTHER_WAYS = re.compile(
    r"\buv (sync|run|pip (install|sync))\b|\bpipx?\d* (run|download)\b|\bpipx\b"
    r"|\beasy_install\b|\bconda\b|\bpoetry\b|\bnpm\b|\bcurl[^|\n]*\|\s*(ba)?sh\b"
)


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        name
        for name in listed.stdout.split("\0")
        if name and not name.startswith(("tests/", "requirements"))
    ]


def lines_of(name: str) -> list[str]:
    try:
        text = (REPOSITORY / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return []  # a picture or a model
    return text.replace("\\\n", " ").splitlines()


def installing(name: str) -> list[str]:
    return [line for line in lines_of(name) if re.search(r"\bpip3? install\b", line)]


@pytest.mark.parametrize("name", INSTALLS)
def test_each_line_that_installs_asks_for_hashes(name: str) -> None:
    lines = installing(name)
    assert len(lines) == INSTALLS[name]
    for line in lines:
        assert re.search(
            r"pip install( -q)? --require-hashes (-r|--requirement) ", line
        )
        source = line.split()[-1]
        assert source in (*LOCKS.values(), "$<"), line


def test_makefiles_stamps_are_made_of_locks() -> None:
    text = (REPOSITORY / "Makefile").read_text()
    stamps = re.findall(r"^\$\(VENV\)/\w+\.stamp: (\S+)", text, re.MULTILINE)
    assert set(stamps) <= set(LOCKS.values())
    assert len(stamps) == text.count("-r $<")


def test_other_files_install_optional_extras_alone() -> None:
    # Messages of the program name the package that a person may want; they run nothing.
    for name in tracked():
        if name.endswith(".py") or name in INSTALLS:
            continue
        for line in installing(name):
            code = re.split(r"\s#|`", line.partition("pip install ")[2])[0]
            wanted = {
                canonicalize_name(Requirement(word).name) for word in shlex.split(code)
            }
            assert wanted, f"{name}: {line}"
            assert wanted <= EXTRAS, f"{name}: {line}"


@pytest.mark.parametrize(
    "name", ["Dockerfile", "Makefile", ".ci/run", "compose.yaml", "README.md"]
)
def test_nothing_comes_in_past_the_locks(name: str) -> None:
    assert not [line for line in lines_of(name) if OTHER_WAYS.search(line)]


def test_image_takes_nothing_from_the_net_but_its_base_and_the_lock() -> None:
    lines = lines_of("Dockerfile")
    assert not [line for line in lines if re.match(r"ADD\b", line)]
    assert not [
        line for line in lines if re.search(r"\b(curl|wget|apt-get|git)\b", line)
    ]
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert [base for base in bases if base != "base"] == ["${PYTHON_IMAGE}"]


def test_ci_installs_by_make_alone() -> None:
    text = Path(REPOSITORY / ".ci" / "run").read_text()
    assert not re.search(r"\bpip\b|requirements", text)
    assert "make test" in text


def test_no_index_is_named_anywhere() -> None:
    pattern = re.compile(r"--(extra-)?index-url|--find-links|--trusted-host")
    for name in tracked():
        lines = [line for line in lines_of(name) if pattern.search(line)]
        assert not lines, name
