import errno
import inspect
import os
import stat
import sys
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deepfake_detector.exceptions import ConfigError
from deepfake_detector.picture_sources import (
    HIDDEN,
    INNER_ARCHIVES,
    LINKED_FOLDERS,
    OTHER_NAMES,
    PictureSources,
)
from tests.closed_folders import closed

MOST = 1000


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "t"
    for name in ("b.jpg", "a.PNG", "notes.txt", ".x.jpg", "sub/c.webp", "sub/d.heic"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "z.jpg").touch()
    with zipfile.ZipFile(folder / "s.zip", "w") as archive:
        for name in ("m/1.jpg", "m/t.txt", "inner.zip", "m/._1.jpg", "./m/2.jpg"):
            archive.writestr(name, name)
    (folder / "link").symlink_to(folder / "sub")
    (folder / "linked.jpg").symlink_to(folder / "b.jpg")
    monkeypatch.chdir(folder)
    return folder


IN_FOLDER = [
    *("./a.PNG", "./b.jpg", "./linked.jpg", "./s.zip!m/1.jpg", "./s.zip!./m/2.jpg"),
    *("./sub/c.webp", "./sub/d.heic"),
]


#: What "*" names itself, and a folder's walk passes over.
NAMED_BY_STAR = ("notes.txt", "link/c.webp", "link/d.heic", "__MACOSX/z.jpg")


def paths(*given: str, all_files: bool = False) -> list[str]:
    return [picture.path for picture in PictureSources(given, all_files).pictures()]


def test_a_folder_is_gone_through_in_order() -> None:
    sources = PictureSources(["."])
    assert [picture.path for picture in sources.pictures()] == IN_FOLDER
    assert sources.passed_over == {
        OTHER_NAMES: 2,
        HIDDEN: 3,
        LINKED_FOLDERS: 1,
        INNER_ARCHIVES: 1,
    }
    assert sources.count() == len(IN_FOLDER)


def test_pictures_are_those_of_their_paths() -> None:
    read = {p.path: p.read(MOST) for p in PictureSources(["."]).pictures()}
    assert read["./linked.jpg"] == b"b.jpg"
    assert read["./s.zip!m/1.jpg"] == b"m/1.jpg"


def test_all_files_takes_every_name_but_hidden_ones() -> None:
    found = paths(".", all_files=True)
    assert "./notes.txt" in found
    assert "./s.zip!m/t.txt" in found
    assert not any("._1" in path or ".x" in path for path in found)


def test_what_is_named_itself_is_never_passed_over() -> None:
    assert paths("notes.txt", ".x.jpg", "link") == [
        *("notes.txt", ".x.jpg", "link/c.webp", "link/d.heic")
    ]
    assert paths("no*") == ["notes.txt"]


@pytest.mark.parametrize(
    "given",
    [
        (".", "."),
        (".", "sub"),
        (".", "b.jpg", "sub/c.webp", "s.zip"),
        (".", "*.jpg", "sub/*"),
        ("b.jpg", "."),
        ("sub", "."),
        ("*", "."),
        ("*.jpg", "*.zip", "sub", "."),
        ("s*", "s.zip", "sub/c.webp", "."),
        ("**/*.webp", ".", "../t", "../t/b.jpg"),
    ],
)
def test_a_picture_that_several_paths_stand_for_comes_once(
    given: tuple[str, ...],
) -> None:
    found = [os.path.normpath(path) for path in paths(*given)]
    named = {*NAMED_BY_STAR} if given[0] == "*" else set()
    assert sorted(found) == sorted({os.path.normpath(p) for p in IN_FOLDER} | named)


def test_what_a_folder_passes_over_is_taken_where_it_is_named() -> None:
    found = paths(".", "notes.txt", "link", "__MACOSX/z.jpg")
    assert found[len(IN_FOLDER) :] == [
        *("notes.txt", "link/c.webp", "link/d.heic", "__MACOSX/z.jpg")
    ]


@pytest.mark.parametrize("path", ["missing.jpg", "miss*", "missing/"])
def test_nothing_there_is_refused_before_anything_is_done(path: str) -> None:
    with pytest.raises(ConfigError, match="found nothing there"):
        PictureSources([path])


def test_a_compressed_tar_cannot_be_counted(tree: Path) -> None:
    (tree / "a.tar.gz").touch()
    assert PictureSources(["."]).count() is None


def test_folders_may_lie_deeper_than_python_calls(tree: Path) -> None:
    depth = 300
    Path("/".join("d" * depth)).mkdir(parents=True)
    (Path("/".join("d" * depth)) / "deep.jpg").touch()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 100)
    try:
        (found,) = paths("d")
    finally:
        sys.setrecursionlimit(limit)
    assert found.count("/") == depth


def test_a_folder_that_cannot_be_read_gets_a_row(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refusing(path: str) -> object:
        if path.endswith("sub"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    *_, last = PictureSources(["."]).pictures()
    assert last.path == "./sub"
    with pytest.raises(PermissionError):
        last.read(MOST)


@pytest.fixture
def bad_links(tree: Path) -> Path:
    """A folder with a link to itself and one into a folder that is to be closed."""
    (tree / "shut").mkdir()
    (tree / "shut" / "in.jpg").touch()
    folder = tree / "links"
    folder.mkdir()
    (folder / "me.jpg").symlink_to("me.jpg")
    (folder / "shut.jpg").symlink_to("../shut/in.jpg")
    (folder / "well.jpg").write_bytes(b"well")
    return folder


@pytest.mark.parametrize("given", ["links", "links/*", "link*/**"])
def test_links_that_lead_nowhere_cost_no_other_picture_its_row(
    bad_links: Path, given: str
) -> None:
    with closed(bad_links.parent / "shut"):
        sources = PictureSources([given])
        me, shut, well = (p for p in sources.pictures() if p.path[:6] == "links/")
        assert sources.count()
        assert well.read(MOST) == b"well"
        with pytest.raises(OSError, match="symbolic links"):
            me.read(MOST)
        with pytest.raises(PermissionError):
            shut.read(MOST)


@pytest.mark.parametrize(
    "given",
    [
        *(("*/*/*.jpg", "links"), ("links", "*/*/*.jpg"), ("links/*", "*/*/*.jpg")),
        *(("**/*/*.jpg",), ("*/*/*.jpg", "links/shut.jpg"), ("*/*/x", "**/*.jpg")),
    ],
)
def test_a_link_that_is_taken_for_a_folder_too_gets_one_row(
    bad_links: Path, given: tuple[str, ...]
) -> None:
    with closed(bad_links.parent / "shut"):
        assert paths(*given).count("links/shut.jpg") == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("deep/*/*.webp",), ["deep/a/1.webp", "deep/shut"]),
        (("deep/*/1.webp",), ["deep/a/1.webp", "deep/shut"]),
        (("deep/**",), ["deep/a/1.webp", "deep/shut"]),
        (("deep/**/shut/*",), ["deep/shut"]),
        (("deep/shut/*",), ["deep/shut"]),
        (("deep", "deep/shut"), ["deep/a/1.webp", "deep/shut"]),
        (("deep/shut", "deep", "./deep"), ["deep/shut", "deep/a/1.webp"]),
        (("deep/*/*", "deep", "deep/s*"), ["deep/a/1.webp", "deep/shut"]),
        (("deep/*", "deep/**/2.webp"), ["deep/a/1.webp", "deep/shut"]),
    ],
)
def test_a_closed_folder_gets_one_row_however_it_is_met(
    tree: Path, given: tuple[str, ...], expected: list[str]
) -> None:
    for name in ("a/1.webp", "shut/2.webp"):
        (tree / "deep" / name).parent.mkdir(parents=True)
        (tree / "deep" / name).touch()
    with closed(tree / "deep" / "shut"):
        sources = PictureSources(given)
        found = list(sources.pictures())
        assert [picture.path for picture in found] == expected
        assert sources.count() == len(expected)
        (shut,) = (p for p in found if p.path == "deep/shut")
        with pytest.raises(PermissionError):
            shut.read(MOST)


@pytest.mark.parametrize(
    "given", [("ro",), ("r?",), ("ro/*",), ("ro", "ro/*"), ("r?/*", "ro", "r?")]
)
@pytest.mark.parametrize("all_files", [True, False])
def test_a_folder_that_tells_names_and_no_more_loses_nothing(
    tree: Path, given: tuple[str, ...], all_files: bool
) -> None:
    (tree / "ro" / "sub.jpg").mkdir(parents=True)
    (tree / "ro" / "1.jpg").touch()
    with closed(tree / "ro", mode=0o444):
        found = paths(*given, all_files=all_files)
    assert found == ["ro/1.jpg", "ro/sub.jpg"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("ro/**/*.jpg",), ["ro/1.jpg", "ro/sub"]),
        (("ro/**",), ["ro/1.jpg", "ro/sub"]),
        (("ro/**/*.jpg", "ro"), ["ro/1.jpg", "ro/sub"]),
        (("r?/**/2.jpg",), ["ro", "ro/sub"]),
        (("r?/2.jpg", "ro", "ro"), ["ro", "ro/1.jpg", "ro/sub"]),
        (("r?/2.jpg", "ro/*", "ro"), ["ro", "ro/1.jpg", "ro/sub"]),
    ],
)
def test_folders_in_a_folder_that_cannot_be_entered_get_a_row(
    tree: Path, given: tuple[str, ...], expected: list[str]
) -> None:
    (tree / "ro" / "sub").mkdir(parents=True)
    (tree / "ro" / "1.jpg").touch()
    (tree / "ro" / "sub" / "2.jpg").touch()
    with closed(tree / "ro", mode=0o444):
        assert paths(*given) == expected


@pytest.mark.parametrize(
    "given",
    [
        *("dark", ".", "d*", "dark/*.jpg", "d*/*.jpg", "dark/**", "**/*.jpg"),
        *("*/*", "[c-e]*/?.jpg"),
    ],
)
def test_a_folder_that_tells_no_names_still_has_what_is_named(
    tree: Path, given: str
) -> None:
    (tree / "dark").mkdir()
    (tree / "dark" / "1.jpg").touch()
    with closed(tree / "dark", mode=0o111):
        for order in ([given, "dark/1.jpg"], ["dark/1.jpg", given]):
            found = [*map(os.path.normpath, paths(*order))]
            assert found.count("dark") == 1
            assert found.count("dark/1.jpg") == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("old",), ["old/1.jpg", "old/sub"]),
        (("old/**/*.jpg",), ["old/1.jpg", "old/sub"]),
        (("old/*/*.jpg",), ["old/sub"]),
        # A name that may be there is read, and that fails with the reason.
        (("old/*/2.jpg",), ["old/sub/2.jpg"]),
        (("old", "old/*/2.jpg"), ["old/1.jpg", "old/sub", "old/sub/2.jpg"]),
        (("old/**/2.jpg", "old/*/2.jpg"), ["old/sub/2.jpg", "old/sub"]),
    ],
)
@pytest.mark.parametrize("tells_kinds", [True, False])
def test_a_folder_that_is_gone_from_its_server_gets_a_row(
    tree: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: tuple[str, ...],
    expected: list[str],
    tells_kinds: bool,
) -> None:
    (tree / "old" / "sub").mkdir(parents=True)
    (tree / "old" / "1.jpg").touch()
    for name in ("scandir", "stat", "lstat"):
        monkeypatch.setattr(os, name, _stale("/old/sub", getattr(os, name)))
    if not tells_kinds:
        monkeypatch.setattr(os, "scandir", _telling_no_kinds(os.scandir))
    assert paths(*given) == expected


def _stale(folder: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the system that fails as for a folder that NFS has lost."""

    def stale(path: Any = ".", *arguments: Any, **options: Any) -> Any:
        if not isinstance(path, int) and folder in f"/{os.fspath(path)}":
            raise OSError(errno.ESTALE, "Stale file handle", path)
        return function(path, *arguments, **options)

    return stale


def _telling_no_kinds(scandir: Callable[..., Any]) -> Callable[..., Any]:
    """A listing, as of some file systems, that has to ask for the kind of each name."""

    @contextmanager
    def listing(path: str) -> Iterator[list[SimpleNamespace]]:
        with scandir(path) as entries:
            yield [_asking(entry.path) for entry in entries]

    return listing


def _asking(path: str) -> SimpleNamespace:
    def is_dir(follow_symlinks: bool = True) -> bool:
        return stat.S_ISDIR((os.stat if follow_symlinks else os.lstat)(path).st_mode)

    return SimpleNamespace(path=path, name=Path(path).name, is_dir=is_dir)


def test_a_path_that_is_too_long_from_the_root_costs_no_row(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "n" * 200
    here = tree / name / name / name
    (here / "big").mkdir(parents=True)
    (here / "big" / "1.jpg").touch()
    with chdir(here / "big"):
        for _ in range(18):
            Path(name).mkdir()
            os.chdir(name)
        Path("2.jpg").touch()
    monkeypatch.chdir(here)
    for given in (("big", "big"), ("big", "big/**/*.jpg"), ("big/**/*.jpg", "big")):
        assert [path[-5:] for path in paths(*given)] == ["1.jpg", "2.jpg"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("shut/../a/*.jpg", "a"), ["shut", "a/1.jpg", "a/sub/2.jpg"]),
        (("up/../**", "a/1.jpg"), ["up", "a/1.jpg"]),
    ],
)
def test_a_pattern_that_begins_in_a_closed_folder_costs_no_row(
    tree: Path, given: tuple[str, ...], expected: list[str]
) -> None:
    for name in ("shut/1.jpg", "a/1.jpg", "a/sub/2.jpg"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    (tree / "up").symlink_to("shut/../a/sub")
    with closed(tree / "shut"):
        assert paths(*given) == expected


def test_a_closed_folder_below_one_that_tells_no_names_gets_a_row(tree: Path) -> None:
    """The pattern would meet the link as a file, were it let list the folder."""
    (tree / "shut").mkdir()
    (tree / "k.jpg").mkdir()
    (tree / "k.jpg" / "k.jpg").symlink_to("../shut/1.jpg")
    with closed(tree / "shut"), closed(tree / "k.jpg", mode=0o111):
        assert "k.jpg/k.jpg" in paths("**/k.jpg/*.jpg")


@pytest.mark.parametrize("path", ["shut/1.jpg", "shut/../b.jpg", "me/x.jpg"])
def test_a_path_that_cannot_be_looked_at_is_refused_in_words(
    tree: Path, path: str
) -> None:
    (tree / "shut").mkdir()
    (tree / "me").symlink_to("me")
    with closed(tree / "shut"):
        with pytest.raises(ConfigError, match="cannot be looked at") as caught:
            PictureSources(["b.jpg", path])
    assert str(caught.value).startswith(f"{path}: ")


def test_they_are_gone_through_again_as_at_first(tree: Path) -> None:
    (tree / "shut").mkdir()
    sources = PictureSources([".", "*/*.jpg"])
    with closed(tree / "shut"):
        first = [picture.path for picture in sources.pictures()]
        passed_over = Counter(sources.passed_over)
        assert [picture.path for picture in sources.pictures()] == first
    assert "./shut" in first
    assert passed_over[HIDDEN]
    assert sources.passed_over == passed_over


@pytest.mark.parametrize(
    "given",
    [
        *(("data", "data/x/../y"), ("data/y", "data/x/../y")),
        *(("data/y/1.jpg", "data/x/../y/*.jpg"), ("data/x/../y/?.jpg", "data")),
    ],
)
def test_up_again_below_a_linked_folder_repeats_nothing(
    tree: Path, given: tuple[str, ...]
) -> None:
    (tree / "real" / "x").mkdir(parents=True)
    (tree / "real" / "y").mkdir()
    (tree / "real" / "y" / "1.jpg").touch()
    (tree / "data").symlink_to("real")
    assert len(paths(*given)) == 1


def test_a_closed_folder_is_no_formula(tree: Path) -> None:
    (tree / "=1").mkdir()
    with closed(tree / "=1"):
        assert paths("=1/*") == ["./=1"]


def test_names_that_are_not_utf8_are_found(tree: Path) -> None:
    Path(os.fsdecode(b"\xff.jpg")).write_bytes(b"odd")
    (odd,) = (p for p in PictureSources(["."]).pictures() if "udcff" in p.path)
    assert odd.read(MOST) == b"odd"


def test_no_list_of_all_pictures_is_in_memory(tree: Path) -> None:
    for folder in range(50):
        (tree / "many" / f"{folder:02}").mkdir(parents=True)
        for number in range(100):
            (tree / "many" / f"{folder:02}" / f"{number:03}.jpg").touch()
    tracemalloc.start()
    count = sum(1 for _ in PictureSources(["many"]).pictures())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 5000
    # The paths alone would be more than 300 kB.
    assert peak < 100_000


@pytest.mark.parametrize("sign", ["=", "+", "-", "@"])
def test_no_path_is_a_formula(tree: Path, sign: str) -> None:
    """A spreadsheet runs a cell that begins so."""
    name = f"{sign}1+1.jpg"
    (tree / name).write_bytes(b"x")
    (tree / f"{sign}d").mkdir()
    (tree / f"{sign}d" / name).write_bytes(b"y")
    sources = PictureSources([name, f"{sign}1*.jpg", f"{sign}d", f"./{name}"])
    found = list(sources.pictures())
    assert [p.path for p in found] == [f"./{name}", f"./{sign}d/{name}"]
    assert [p.read(MOST) for p in found] == [b"x", b"y"]
    assert sources.count() == 2


def test_no_path_at_all_is_refused_in_quotes() -> None:
    with pytest.raises(ConfigError, match="^'': expected a file"):
        PictureSources([""])
