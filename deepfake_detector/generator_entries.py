"""Entries that picture generators leave in the files they write.

A1111's, ComfyUI's, InvokeAI's and NovelAI's programs write what they were asked for
into the file: in PNG as text chunks, in JPEG and WebP as EXIF. Anyone can write, copy
or remove such entries.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from deepfake_detector.exif_entries import ExifEntries
from deepfake_detector.picture_segments import PictureSegments
from deepfake_detector.png_texts import png_texts
from deepfake_detector.readable_text import readable

#: Keywords of PNG texts that one program alone writes, and that program.
_BY_KEY: Final = {
    "parameters": "AUTOMATIC1111",
    "workflow": "ComfyUI",
    "prompt": "ComfyUI",
    "fooocus_scheme": "Fooocus",
    "Dream": "InvokeAI",
    "sd-metadata": "InvokeAI",
    "invokeai_metadata": "InvokeAI",
    "invokeai_graph": "InvokeAI",
    "invokeai_workflow": "InvokeAI",
}

#: Keywords that any program may write, generators among them.
_BY_VALUE: Final = ("Software", "Title", "Source", "Comment", "Description")

#: Generators that name themselves as the program which made a picture.
_NAMES: Final = (
    "NovelAI",
    "Midjourney",
    "Adobe Firefly",
    "DALL-E",
    "DALL·E",
    "Stable Diffusion",
    "ComfyUI",
    "InvokeAI",
    "Fooocus",
    "SwarmUI",
)

#: The line of settings that AUTOMATIC1111 and those that follow it put below a prompt.
_SETTINGS: Final = re.compile(r"\bSteps: \d{1,6}, Sampler: ")

#: ComfyUI's WebP files hold its JSON in the EXIF entries of the camera.
_GRAPH: Final = re.compile(r"(?:prompt|workflow):\s*\{", re.IGNORECASE)

#: How much of an entry is looked at to tell what wrote it.
_LOOKED_AT: Final = 100_000


@dataclass(frozen=True)
class GeneratorEntry:
    """An entry of a file of the kind that generators write.

    Parameters
    ----------
    key : str
        The PNG keyword, or `EXIF` and the entry's name.
    value : str
        The beginning of what it says, readable.
    generator : str or None
        Which program writes such an entry; None where many do.
    """

    key: str
    value: str
    generator: str | None


def generator_entries(
    segments: PictureSegments, exif: ExifEntries
) -> tuple[GeneratorEntry, ...]:
    """Read the entries that generators write.

    Parameters
    ----------
    segments : PictureSegments
        The file.
    exif : ExifEntries
        Its EXIF.

    Returns
    -------
    tuple of GeneratorEntry
        In a fixed order; each keyword once.
    """
    texts = png_texts(segments, (*_BY_KEY, *_BY_VALUE))
    found = [
        GeneratorEntry(key, readable(text), _writer(key, texts))
        for key, text in texts.items()
    ]
    return (*found, *_in_exif(exif))


def is_graph(text: str) -> bool:
    """Tell whether an EXIF entry holds ComfyUI's JSON in place of a camera.

    Parameters
    ----------
    text : str
        The entry.

    Returns
    -------
    bool
        True for ``prompt:{...`` and ``workflow:{...``.
    """
    return _GRAPH.match(text) is not None


def generator_named(program: str) -> str | None:
    """Return the generator that a program's name begins with.

    Parameters
    ----------
    program : str
        As a file names the program that wrote it.

    Returns
    -------
    str or None
        Such as `NovelAI`; None for other programs.
    """
    lowered = program.strip().lower()
    return next((name for name in _NAMES if lowered.startswith(name.lower())), None)


def _writer(key: str, texts: Mapping[str, str]) -> str | None:
    """Which program wrote a PNG text, where that can be told."""
    text = texts[key]
    if key in _BY_VALUE:
        return generator_named(text)
    is_json = text[:_LOOKED_AT].lstrip().startswith("{")
    if key == "parameters" and is_json:
        return "SwarmUI" if "sui_image_params" in text[:_LOOKED_AT] else None
    if key == "parameters" and "fooocus_scheme" in texts:
        return _BY_KEY["fooocus_scheme"]
    if key in ("prompt", "workflow") and not is_json:
        return None
    return _BY_KEY[key]


def _in_exif(exif: ExifEntries) -> Iterator[GeneratorEntry]:
    for key, text in (("EXIF Make", exif.make), ("EXIF Model", exif.model)):
        if is_graph(text):
            yield GeneratorEntry(key, readable(text), "ComfyUI")
    if _SETTINGS.search(exif.comment[:_LOOKED_AT]):
        comment = readable(exif.comment)
        yield GeneratorEntry("EXIF UserComment", comment, "AUTOMATIC1111")
