"""Entries that generators leave, and entries that look like them."""

import pytest
from PIL.PngImagePlugin import PngInfo

from deepfake_detector.exif_entries import ExifEntries
from deepfake_detector.generator_entries import (
    GeneratorEntry,
    generator_entries,
    generator_named,
    is_graph,
)
from deepfake_detector.picture_segments import PictureSegments
from tests.picture_files import drawn

SETTINGS = "a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7"


def of_texts(**texts: str) -> dict[str, str | None]:
    """Generator by keyword, of a PNG with these texts."""
    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key.replace("__", "-"), text)
    segments = PictureSegments.read(drawn("PNG", pnginfo=info))
    entries = generator_entries(segments, ExifEntries())
    return {entry.key: entry.generator for entry in entries}


def of_exif(**entries: str) -> tuple[GeneratorEntry, ...]:
    return generator_entries(PictureSegments(None, ()), ExifEntries(**entries))


@pytest.mark.parametrize(
    ("texts", "generators"),
    [
        ({"parameters": SETTINGS}, ["AUTOMATIC1111"]),
        ({"parameters": '{"sui_image_params": {}}'}, ["SwarmUI"]),
        ({"parameters": '{"other": {}}'}, [None]),
        ({"parameters": SETTINGS, "fooocus_scheme": "a1111"}, ["Fooocus"] * 2),
        ({"prompt": '{"3": {}}', "workflow": ' {"n": 1}'}, ["ComfyUI"] * 2),
        ({"prompt": "a cat", "workflow": "by hand"}, [None, None]),
        ({"Dream": "a cat", "sd__metadata": "{}"}, ["InvokeAI"] * 2),
        ({"invokeai_metadata": "{}", "invokeai_graph": "{}"}, ["InvokeAI"] * 2),
        (
            {
                "Title": "NovelAI generated image",
                "Description": "1girl",
                "Software": "NovelAI",
                "Source": "Stable Diffusion F1022A28",
                "Comment": "{}",
            },
            ["NovelAI", None, "NovelAI", "Stable Diffusion", None],
        ),
        ({"Software": "GIMP 2.10", "Comment": "Created with GIMP"}, [None, None]),
        ({"Comment": "this is about NovelAI, ComfyUI and AI"}, [None]),
        ({"Author": "NovelAI", "gps": "52 N"}, []),
        ({}, []),
    ],
)
def test_generator_is_told_by_its_entries(
    texts: dict[str, str], generators: list[str | None]
) -> None:
    assert list(of_texts(**texts).values()) == generators


def test_value_is_shortened_and_made_readable() -> None:
    info = PngInfo()
    info.add_itxt("parameters", "a\u202eb\x00\x1b<script>\n" + "x" * 100_000)
    segments = PictureSegments.read(drawn("PNG", pnginfo=info))
    (entry,) = generator_entries(segments, ExifEntries())
    assert entry.value.startswith("ab<script> xxx")
    assert len(entry.value) == 200


def test_exif_holds_the_settings_where_there_are_no_texts() -> None:
    (entry,) = of_exif(comment=SETTINGS)
    assert (entry.key, entry.generator) == ("EXIF UserComment", "AUTOMATIC1111")
    assert entry.value.startswith("a cat Negative prompt: dog Steps: 20")


def test_exif_holds_graphs_in_the_place_of_a_camera() -> None:
    graphs = of_exif(make='workflow:{"nodes": []}', model='Prompt: {"3": {}}')
    assert [(entry.key, entry.generator) for entry in graphs] == [
        ("EXIF Make", "ComfyUI"),
        ("EXIF Model", "ComfyUI"),
    ]


@pytest.mark.parametrize(
    "comment", ["", "Steps: many", "three Steps: up", "Sampler: a"]
)
def test_comment_of_a_person_is_no_entry(comment: str) -> None:
    assert of_exif(comment=comment, make="Canon", model="prompt") == ()


def test_endless_comment_is_looked_at_to_a_bound() -> None:
    assert of_exif(comment="Steps: 1" * 1_000_000 + SETTINGS) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [('prompt:{"a"', True), ("workflow: {", True), ("Canon", False), ("prompt", False)],
)
def test_graph_is_told_from_a_camera(text: str, expected: bool) -> None:
    assert is_graph(text) is expected


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("NovelAI", "NovelAI"),
        (" adobe firefly 3", "Adobe Firefly"),
        ("Midjourney v6", "Midjourney"),
        ("Adobe Photoshop 25.0", None),
        ("not ComfyUI", None),
        ("", None),
    ],
)
def test_generator_is_told_by_a_programs_name(program: str, name: str | None) -> None:
    assert generator_named(program) == name
