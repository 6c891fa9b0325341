"""A digest that was fetched goes into both files whole; otherwise nothing changes."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from deepfake_detector.config import REPOSITORY
from supply_chain import base_image as command
from supply_chain.base_image import PLACES, base_image, write_base_image
from supply_chain.exceptions import SupplyChainError
from supply_chain.image_reference import ImageReference
from tests.supply_chain.conftest import Answer, LocalServer
from tests.supply_chain.test_image_registry import (
    INDEX,
    content_of,
    digest_of,
    registry,
)

PINNED = f"python:3.12@sha256:{'a' * 64}"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in PLACES:
        shutil.copy(REPOSITORY / name, tmp_path)
    write_base_image(tmp_path, "python:3.12")
    return tmp_path


def texts(checkout: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in checkout.iterdir()}


def run(checkout: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(command.main, ["--directory", str(checkout), *options])
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def test_our_files_name_one_image_that_can_be_pinned() -> None:
    image = ImageReference.parse(base_image(REPOSITORY))
    assert (image.path, image.host) == ("python", None)
    assert image.tag is not None


def test_fetched_digest_is_written_into_both(
    checkout: Path, server: LocalServer
) -> None:
    server.answering = registry(content_of(INDEX))
    before = texts(checkout)
    status, output = run(checkout, "--registry", server.url)
    pinned = f"python:3.12@{digest_of(content_of(INDEX))}"
    assert (status, base_image(checkout)) == (0, pinned)
    assert output == (f"{pinned}\nwas python:3.12\nfor linux/amd64, linux/arm64\n")
    after = texts(checkout)
    assert {
        name: text.replace(pinned, "python:3.12") for name, text in after.items()
    } == before


def test_pinned_image_is_pinned_anew_by_its_tag(
    checkout: Path, server: LocalServer
) -> None:
    write_base_image(checkout, PINNED)
    server.answering = registry(content_of(INDEX))
    assert run(checkout, "--registry", server.url)[0] == 0
    assert base_image(checkout) == f"python:3.12@{digest_of(content_of(INDEX))}"


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--registry", "http://127.0.0.1:9"),
        ("--registry", "http://registry.example"),
        ("--image", "registry.invalid/python:3.12"),
        ("--image", "Python"),
    ],
)
def test_registry_that_cannot_be_asked_changes_nothing(
    checkout: Path, options: tuple[str, ...]
) -> None:
    before = texts(checkout)
    status, output = run(checkout, *options)
    assert (status, output[:7]) == (2, "Error: ")
    assert output.count("\n") == 1
    assert texts(checkout) == before


def test_bad_answer_changes_nothing(checkout: Path, server: LocalServer) -> None:
    before = texts(checkout)
    server.answering = lambda _: Answer()
    assert run(checkout, "--registry", server.url)[0] == 2
    assert texts(checkout) == before


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("kind", ["missing", "not named", "named twice"])
def test_file_of_another_form_is_refused(checkout: Path, name: str, kind: str) -> None:
    path = checkout / name
    if kind == "missing":
        path.unlink()
    elif kind == "not named":
        path.write_text(path.read_text().replace("PYTHON_IMAGE", "OTHER_IMAGE"))
    else:
        path.write_text(path.read_text() * 2)
    before = texts(checkout)
    status, output = run(checkout, "--registry", "http://127.0.0.1:9")
    assert status == 2
    assert name in output
    assert str(checkout) not in output
    assert texts(checkout) == before


def test_files_that_differ_are_refused(checkout: Path) -> None:
    dockerfile = checkout / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("python:3.12", "python:3.13"))
    with pytest.raises(SupplyChainError, match="different base images"):
        base_image(checkout)


def test_second_file_that_cannot_be_written_takes_back_the_first(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = texts(checkout)
    write = command.write_whole

    def full(path: Path, content: str) -> None:
        if path.name == "compose.yaml":
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(command, "write_whole", full)
    with pytest.raises(OSError, match="No space left"):
        write_base_image(checkout, PINNED)
    assert texts(checkout) == before
