"""Names of images are read as Docker reads them, or refused."""

import pytest

from supply_chain.exceptions import SupplyChainError
from supply_chain.image_reference import ImageReference

DIGEST = f"sha256:{'a' * 64}"

NAMES: dict[str, tuple[str | None, str, str | None, str | None]] = {
    "python": (None, "python", None, None),
    "python:3.12-slim-bookworm": (None, "python", "3.12-slim-bookworm", None),
    f"python@{DIGEST}": (None, "python", None, DIGEST),
    f"python:3.12@{DIGEST}": (None, "python", "3.12", DIGEST),
    "team/python": (None, "team/python", None, None),
    "registry.example/python:3": ("registry.example", "python", "3", None),
    "registry.example:5000/a/b": ("registry.example:5000", "a/b", None, None),
    "localhost/python": ("localhost", "python", None, None),
    "localhost:5000/python:3": ("localhost:5000", "python", "3", None),
    "127.0.0.1:5000/python": ("127.0.0.1:5000", "python", None, None),
}


@pytest.mark.parametrize("text", NAMES)
def test_name_is_taken_apart(text: str) -> None:
    assert ImageReference.parse(text) == ImageReference(*NAMES[text])


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "Python",
        "python:",
        "python@",
        "python@sha256:abc",
        f"python@{DIGEST}0",
        f"python@SHA256:{'a' * 64}",
        "python:3 .12",
        "python:3\n",
        "../python",
        "a//b",
        "/python",
        "https://registry.example/python",
        "user:secret@registry.example/python",
        "python:$(id)",
        "p\u0443thon",
        "python:" + "a" * 129,
        "a" * 100_000 + "!",
    ],
)
def test_bad_name_is_refused(text: str) -> None:
    with pytest.raises(SupplyChainError, match="expected the name of an image") as bad:
        ImageReference.parse(text)
    assert len(str(bad.value)) < 200


@pytest.mark.parametrize("text", NAMES)
def test_pin_keeps_the_name_and_replaces_a_digest(text: str) -> None:
    name = text.partition("@")[0]
    pinned = ImageReference.parse(text).pinned(f"sha256:{'b' * 64}")
    assert pinned == f"{name}@sha256:{'b' * 64}"
    assert ImageReference.parse(pinned).digest == f"sha256:{'b' * 64}"
