"""The base image, pinned by digest: `python -m supply_chain.base_image`.

Asks a registry what the tag of the base image stands for just now and writes that into
the Dockerfile and compose.yaml. Where no registry can be asked nothing is changed.
"""

import re
from pathlib import Path
from typing import Final

import click

from deepfake_detector.command_line import one_line_errors
from deepfake_detector.config import REPOSITORY
from deepfake_detector.whole_file import write_whole
from supply_chain.exceptions import SupplyChainError
from supply_chain.image_reference import ImageReference
from supply_chain.image_registry import ImageRegistry

#: Where the default of PYTHON_IMAGE stands, and how: the name is the second group.
PLACES: Final = {
    "Dockerfile": re.compile(r"^(ARG PYTHON_IMAGE=)(\S+)($)", re.MULTILINE),
    "compose.yaml": re.compile(
        r"^( +PYTHON_IMAGE: \$\{PYTHON_IMAGE:-)([^\s}]+)(\}$)", re.MULTILINE
    ),
}


@click.command()
@click.option(
    "--registry",
    help="Which registry your Docker asks, such as https://registry.example; not "
    "needed where the image's name begins with it.",
)
@click.option("--image", help="Another image than the one in the Dockerfile.")
@click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=REPOSITORY,
    help="Where Dockerfile and compose.yaml lie; this checkout unless you say so.",
)
def main(registry: str | None, image: str | None, directory: Path) -> None:
    """Pin the base image by the digest that a registry says its tag has."""
    with one_line_errors():
        current = base_image(directory)
        reference = ImageReference.parse(image or current)
        with ImageRegistry(_address(reference, registry)) as asked:
            manifest = asked.manifest(reference)
        pinned = reference.pinned(manifest.digest)
        write_base_image(directory, pinned)
    click.echo(f"{pinned}\nwas {current}")
    click.echo(f"for {', '.join(manifest.platforms) or 'one kind of machine'}")


def base_image(directory: Path) -> str:
    """Read the name of the base image.

    Parameters
    ----------
    directory : Path
        Where Dockerfile and compose.yaml lie.

    Returns
    -------
    str
        The name.

    Raises
    ------
    SupplyChainError
        If a file is missing, does not name it once, or the two differ.
    """
    names = {found[2] for _, found in (_place(directory, name) for name in PLACES)}
    if len(names) > 1:
        raise SupplyChainError(
            f"{' and '.join(PLACES)} name different base images: make them alike"
        )
    return names.pop()


def write_base_image(directory: Path, image: str) -> None:
    """Write the name of the base image into both files, or into none.

    Parameters
    ----------
    directory : Path
        Where Dockerfile and compose.yaml lie.
    image : str
        The name.

    Raises
    ------
    SupplyChainError
        If a file does not name it once.
    OSError
        If a file cannot be written; both are then as they were.
    """
    texts = {}
    for name, pattern in PLACES.items():
        text, _ = _place(directory, name)
        texts[name] = (text, pattern.sub(rf"\g<1>{image}\g<3>", text))
    written: list[str] = []
    try:
        for name, (_, new) in texts.items():
            write_whole(directory / name, new)
            written.append(name)
    except OSError:
        for name in written:
            write_whole(directory / name, texts[name][0])
        raise


def _place(directory: Path, name: str) -> tuple[str, re.Match[str]]:
    """A file's text, and where the image is named in it."""
    text = (directory / name).read_text(encoding="utf-8")
    found = list(PLACES[name].finditer(text))
    if len(found) != 1:
        raise SupplyChainError(
            f"{name}: expected the default of PYTHON_IMAGE once, found it "
            f"{len(found)} times; write it as in the repository's own {name}"
        )
    return text, found[0]


def _address(image: ImageReference, registry: str | None) -> str:
    if registry is not None:
        return registry
    if image.host is not None:
        return f"https://{image.host}"
    raise SupplyChainError(
        f"{image.path} names no registry: say which one your Docker asks with "
        "--registry https://... (make pin-base REGISTRY=https://...)"
    )


if __name__ == "__main__":
    main()
