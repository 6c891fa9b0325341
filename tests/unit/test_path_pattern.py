import glob
import inspect
import sys
from pathlib import Path

import pytest

from deepfake_detector.exceptions import ConfigError
from deepfake_detector.path_pattern import PathPattern, absolute, is_pattern

FILES = (
    *("a/1.jpg", "a/2.jpg", "a/10.png", "a/.hidden.jpg", "a/b/1.jpg", "a/b/c/1.jpg"),
    *("x1/1.jpg", "x2/1.jpg", ".x3/1.jpg", "top.jpg"),
)


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for file in FILES:
        (tmp_path / "t" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "t" / file).touch()
    monkeypatch.chdir(tmp_path / "t")
    return tmp_path / "t"


def _top(pattern: str, path: str) -> str | None:
    """What of a path a pattern meets."""
    match = PathPattern(pattern).match(path)
    return match and match.path


@pytest.mark.parametrize(
    "pattern",
    [
        *("*.jpg", "a/*.jpg", "./a/*.jpg", "a/?.jpg", "a/[12].jpg", "x*/1.jpg", "x*"),
        *("*/b", "a/.*.jpg", "../t/a/*", "a/nothing*", "*/*/*", "b*/x"),
    ],
)
def test_it_finds_what_glob_finds_and_knows_it_again(tree: Path, pattern: str) -> None:
    found = list(PathPattern(pattern).paths())
    expected = glob.glob(pattern)  # noqa: PTH207
    assert sorted(found) == sorted(expected)
    everything = {absolute(str(path)) for path in tree.rglob("*")}
    matched = {p for p in everything if _top(pattern, p) == p}
    assert matched == {absolute(path) for path in found}


@pytest.mark.parametrize("pattern", ["**/*.jpg", "a/**/1.jpg", "a/**", "**/b/*"])
def test_two_stars_find_files_at_any_depth_once(tree: Path, pattern: str) -> None:
    found = list(PathPattern(pattern).paths())
    paths = glob.glob(pattern, recursive=True)  # noqa: PTH207
    expected = {path for path in paths if Path(path).is_file()}
    assert len(found) == len(set(found))
    assert set(found) == expected
    files = [absolute(str(path)) for path in tree.rglob("*") if path.is_file()]
    matched = {f for f in files if PathPattern(pattern).match(f)}
    assert matched == {absolute(path) for path in found}


def test_an_absolute_pattern_begins_with_the_root(tree: Path) -> None:
    found = list(PathPattern(f"{tree}/a/*.jpg").paths())
    assert found == [f"{tree}/a/1.jpg", f"{tree}/a/2.jpg"]


def test_a_folder_that_matches_stands_for_what_is_in_it(tree: Path) -> None:
    assert _top("x*", f"{tree}/x1/deep/1.jpg") == f"{tree}/x1"
    assert PathPattern("x*").match(f"{tree}/a/1.jpg") is None
    assert PathPattern("x*").match("/elsewhere/x1") is None


def test_it_says_by_which_looks_it_comes_to_a_path(tree: Path) -> None:
    match = PathPattern("a/**/b/*/1.jpg").match(f"{tree}/a/x/b/c/1.jpg")
    assert match is not None
    assert match.looks == (
        (f"{tree}", "a"),
        (f"{tree}/a", None),
        (f"{tree}/a/x", "b"),
        (f"{tree}/a/x/b", None),
        (f"{tree}/a/x/b/c", "1.jpg"),
    )
    match = PathPattern("/*/x").match("/etc/x")
    assert match is not None
    assert match.looks == (("/", None), ("/etc", "x"))


def test_links_to_folders_are_not_followed_by_two_stars(tree: Path) -> None:
    (tree / "a" / "round").symlink_to(tree)
    assert list(PathPattern("a/**/1.jpg").paths()) == [
        *("a/1.jpg", "a/b/1.jpg", "a/b/c/1.jpg"),
    ]


def test_folders_may_lie_deeper_than_python_calls(tree: Path) -> None:
    deep = Path("/".join("d" * 300))
    deep.mkdir(parents=True)
    (deep / "deep.gif").touch()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 100)
    try:
        (found,) = PathPattern("**/*.gif").paths()
    finally:
        sys.setrecursionlimit(limit)
    assert found == str(deep / "deep.gif")


def test_two_of_them_are_refused() -> None:
    with pytest.raises(ConfigError, match="at most one"):
        PathPattern("a/**/b/**/c")


@pytest.mark.parametrize("pattern", ["../*/..", "/*/..", "*/../*.jpg", "**/.."])
def test_up_again_after_a_wildcard_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigError, match=r"expected \.\. before the first wildcard"):
        PathPattern(pattern)


def test_a_refused_pattern_is_told_in_one_line() -> None:
    with pytest.raises(ConfigError) as refused:
        PathPattern("a\n*/..")
    assert str(refused.value).startswith("a\\n*/..: expected")


def test_a_folder_above_is_the_one_that_the_system_finds(tree: Path) -> None:
    (tree / "link").symlink_to("a/b")
    assert absolute("link/../1.jpg") == f"{tree}/a/1.jpg"
    assert absolute(f"/{tree}/link/1.jpg") == f"{tree}/link/1.jpg"
    pattern = PathPattern("link/../[12].jpg")
    assert list(pattern.paths()) == ["link/../1.jpg", "link/../2.jpg"]
    assert _top("link/../[12].jpg", f"{tree}/a/1.jpg") == f"{tree}/a/1.jpg"
    assert pattern.match(f"{tree}/1.jpg") is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        # Only what stands right before the dots is followed.
        *(("link/c/../1.jpg", "link/1.jpg"), ("link/c/..", "link")),
        *(("link/..", "a"), ("link/../..", ""), ("to_link/../1.jpg", "a/1.jpg")),
        *(("whole/../1.jpg", "a/1.jpg"), ("a/b/up/../1.jpg", "1.jpg")),
        *(("a/../link/c/../../1.jpg", "a/1.jpg"), ("a/none/../1.jpg", "a/1.jpg")),
        *(("me/..", ""), ("a/\0/..", "a"), (".//./a/./..//a/", "a")),
    ],
)
def test_up_again_is_to_the_folder_that_holds_the_last(
    tree: Path, path: str, expected: str
) -> None:
    (tree / "link").symlink_to("a/b")
    (tree / "to_link").symlink_to("link")
    (tree / "whole").symlink_to(tree / "a" / "b")
    (tree / "a" / "b" / "up").symlink_to("..")
    (tree / "me").symlink_to("me")
    assert absolute(path) == f"{tree}/{expected}".rstrip("/")
    assert absolute(f"/{tree}/{path}") == f"{tree}/{expected}".rstrip("/")


def test_more_up_than_there_is_leads_to_the_root() -> None:
    assert absolute("/../" * 3) == "/"
    assert absolute("../" * 100 + "etc") == "/etc"


def test_what_two_stars_do_not_come_to_does_not_match(tree: Path) -> None:
    (tree / "a" / "round").symlink_to(tree)
    pattern = PathPattern("a/**/1.jpg")
    assert pattern.match(f"{tree}/a/b/1.jpg") is not None
    assert pattern.match(f"{tree}/a/round/a/1.jpg") is None


def test_a_dot_between_is_no_name() -> None:
    assert list(PathPattern("a/./[1]*/.").paths()) == ["a/1.jpg", "a/10.png"]


def test_a_file_with_such_a_name_is_no_pattern(tree: Path) -> None:
    (tree / "a[1].jpg").touch()
    assert not is_pattern("a[1].jpg")
    assert is_pattern("a[2].jpg")
    assert not is_pattern("plain.jpg")
