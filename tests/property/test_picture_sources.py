"""Any paths and patterns that a scan is given: pictures once each, or a refusal."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deepfake_detector.exceptions import ConfigError
from deepfake_detector.path_pattern import absolute
from deepfake_detector.picture_sources import PictureSources
from tests.closed_folders import closed

FILES = (
    *("a/1.jpg", "a/b/1.jpg", "a/b/2.png", "a/b/c/1.jpg", "a/.h/1.jpg", "x1/1.jpg"),
    *(".x/1.jpg", "x[1]/1.jpg", "-1.jpg", "a/t.txt", "top.jpg"),
)

#: Folders above the tree, so that no pattern comes to files of others by so many "..".
MOST_UP = 6

NAMES = ("a", "b", "c", ".h", "x1", "x[1]", "1.jpg", "top.jpg", "link", "me.jpg")
WILDCARDS = ("*", "**", "?", "?.jpg", "*.jpg", "x*", ".*", "[a-c]", "[", "[]", "[z-a]")
ODD = ("", ".", "..", "-*", "\0", "\udcff", "\ud800*", "a\n", "n" * 300)

parts = st.sampled_from(NAMES + WILDCARDS + ODD)
#: What takes away the right to look into a folder: all of it, to enter, to list.
CLOSED_MODES = (0, 0o444, 0o111)
FOLDERS = ("a", "a/b", "a/b/c", "x1", "a/.h", "x[1]")

relative = st.lists(parts, min_size=1, max_size=MOST_UP).map("/".join)
words = relative | st.text(max_size=12)


@pytest.fixture(scope="module", autouse=True)
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("u").joinpath(*"u" * MOST_UP, "t")
    for file in FILES:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    (folder / "link").symlink_to("a/b")
    (folder / "a" / "b" / "link").symlink_to("..")
    (folder / "me.jpg").symlink_to("me.jpg")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


def within(text: str, tree: Path) -> str:
    """A path of the tree: one that begins with a slash begins with the tree's."""
    return f"/{tree}{text}" if text.startswith("/") else text


def found(paths: list[str]) -> Counter[str] | None:
    """How often each picture came; None where the paths were refused."""
    try:
        sources = PictureSources(paths)
    except ConfigError as error:
        assert len(str(error).splitlines()) == 1
        return None
    met = [picture.path for picture in islice(sources.pictures(), 1000)]
    assert sources.count() == len(met)
    return Counter(map(absolute, met))


@given(st.lists(st.sampled_from([*NAMES, ".", ".."]), min_size=1, max_size=MOST_UP))
@example(["link", "c", "..", "1.jpg"])
@example(["a", "b", "link", "b", "link", "..", "x1"])
def test_an_absolute_path_leads_where_the_system_comes_to(
    tree: Path, names: list[str]
) -> None:
    path = "/".join(names)
    whole = absolute(path)
    assert ".." not in whole.split("/")
    assert absolute(whole) == whole
    if Path(path).exists():
        assert Path(whole).samefile(path)


@given(st.lists(words, min_size=1, max_size=3))
@example(["../*/.."])
@example(["*/../*"])
@example(["/*/.."])
@example(["//", "/"])
@example(["link", "link/c/../1.jpg"])
@example(["link/../1.jpg", "1.jpg", "a/1.jpg"])
@example(["a/**/1.jpg", "a/b/link/1.jpg"])
@example(["*/.", "top.jpg"])
def test_any_paths(tree: Path, texts: list[str]) -> None:
    paths = [within(text, tree) for text in texts]
    of_each = [found([path]) for path in paths]
    of_all = found(paths)
    assert (of_all is None) == (None in of_each)
    if of_all is not None:
        assert set(of_all.values()) <= {1}
        # A file is also met by its own name, where a folder would pass it over.
        assert set(of_all) == {path for each in of_each if each for path in each}


@given(
    st.lists(relative, min_size=1, max_size=3),
    st.sets(st.sampled_from(FOLDERS), min_size=1, max_size=2),
    st.sampled_from(CLOSED_MODES),
)
@example(["?/b/1.jpg", "a/b", "a/b"], {"a/b"}, 0o444)
@example(["a/b/*.jpg", "a/b/1.jpg"], {"a/b"}, 0o111)
@example(["a/**/*.png"], {"a/b"}, 0o444)
@example(["**/1.jpg", "a/1.jpg"], {"a"}, 0o111)
@example(["x1/../a/*.jpg", "a"], {"x1"}, 0)
def test_any_paths_with_closed_folders(
    tree: Path, texts: list[str], shut: set[str], mode: int
) -> None:
    paths = [within(text, tree) for text in texts]
    deepest_first = sorted(shut, key=len, reverse=True)
    with closed(*(tree / folder for folder in deepest_first), mode=mode):
        of_each = [found([path]) for path in paths]
        of_all = found(paths)
    assert (of_all is None) == (None in of_each)
    if of_all is not None:
        assert set(of_all.values()) <= {1}, (paths, shut, oct(mode), of_all)
        assert set(of_all) == {path for each in of_each if each for path in each}
