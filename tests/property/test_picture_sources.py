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


@given(st.lists(words, min_size=1, max_size=3))
@example(["../*/.."])
@example(["*/../*"])
@example(["/*/.."])
@example(["//", "/"])
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
