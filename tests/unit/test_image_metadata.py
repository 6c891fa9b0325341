"""Facts of a file: what is told, and in which words."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from deepfake_detector.credential_statements import (
    CredentialStatements,
    SignatureState,
)
from deepfake_detector.generator_entries import GeneratorEntry
from deepfake_detector.image_metadata import ImageMetadata, read_metadata
from deepfake_detector.wording import Words
from tests.picture_files import (
    PILLOW_NAMES,
    PNG_SIGNATURE,
    SIZE,
    drawn,
    exif_block,
    manifest_store,
    png_chunk,
    riff_chunk,
    segment,
    webp_file,
    with_box,
    with_exif,
    with_xmp,
    xmp_packet,
)
from tests.signed_pictures import manifest, signed

NOTHING_SAID = (
    "No camera or software entry: usual for pictures from the web and social networks, "
    "which remove them; it says nothing about real or fake."
)
BARE = ImageMetadata("JPEG", *SIZE, 1, "0" * 64)


def full_picture(encoding: str) -> bytes:
    """A picture with an entry of every kind that its format has."""
    exif = Image.Exif()
    exif.update({0x010F: "Canon", 0x0110: "Canon EOS 5D", 0x0131: "darktable"})
    exif.get_ifd(0x8769)[0x9003] = "2024:05:31 17:02:59"
    exif.get_ifd(0x8825).update({2: (52.0, 31.0, 12.0), 4: (13.0, 24.0, 36.0)})
    packet = xmp_packet(
        attributes='ext:DigitalSourceType="trainedAlgorithmicMedia" '
        'xmp:CreatorTool="Drawer"'
    )
    options: dict[str, Any] = {"exif": exif, "xmp": packet}
    if encoding == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet.decode())
        info.add_text("parameters", "a cat")
        options = {"exif": exif, "pnginfo": info}
    mime_type = f"image/{encoding.lower()}"
    return signed(drawn(encoding, **options), mime_type, manifest("digitalCreation"))


@pytest.mark.parametrize("encoding", PILLOW_NAMES)
def test_every_fact_is_read(encoding: str) -> None:
    picture = full_picture(encoding)
    entries = (GeneratorEntry("parameters", "a cat", "AUTOMATIC1111"),)
    assert read_metadata(picture) == ImageMetadata(
        encoding,
        *SIZE,
        file_bytes=len(picture),
        sha256=hashlib.sha256(picture).hexdigest(),
        camera_make="Canon",
        camera_model="Canon EOS 5D",
        software="darktable",
        creator_tool="Drawer",
        taken="2024-05-31T17:02:59",
        has_gps=True,
        entries=entries if encoding == "PNG" else (),
        digital_source_type="trainedAlgorithmicMedia",
        credentials=CredentialStatements(
            SignatureState.ISSUER_NOT_CHECKED, "Drawn 1.2", ("digitalCreation",)
        ),
    )


def test_facts_are_ready_for_json() -> None:
    facts = read_metadata(full_picture("PNG"))
    fields = json.loads(json.dumps(facts.to_dict()))
    assert fields == {
        "format": "PNG",
        "width": SIZE[0],
        "height": SIZE[1],
        "file_bytes": facts.file_bytes,
        "sha256": facts.sha256,
        "camera_make": "Canon",
        "camera_model": "Canon EOS 5D",
        "software": "darktable",
        "creator_tool": "Drawer",
        "taken": "2024-05-31T17:02:59",
        "has_gps": True,
        "generators": ["AUTOMATIC1111"],
        "entries": [
            {"key": "parameters", "value": "a cat", "generator": "AUTOMATIC1111"}
        ],
        "digital_source_type": "trainedAlgorithmicMedia",
        "content_credentials": {
            "present": True,
            "linked": False,
            "signature": "valid_issuer_not_checked",
            "claim_generator": "Drawn 1.2",
            "source_types": ["digitalCreation"],
        },
        "words": [*map(str, facts.words)],
    }
    assert json.loads(json.dumps(BARE.to_dict()))["content_credentials"] == {
        "present": False,
        "linked": False,
        "signature": None,
        "claim_generator": None,
        "source_types": [],
    }


@pytest.mark.parametrize("encoding", PILLOW_NAMES)
def test_coordinates_are_nowhere_in_the_answer(encoding: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Canon"
    exif.get_ifd(0x8825).update({2: (52.0, 31.0, 12.75), 4: (13.0, 24.0, 36.5)})
    told = json.dumps(read_metadata(drawn(encoding, exif=exif)).to_dict())
    assert json.loads(told)["has_gps"] is True
    for number in ("52.0", "31.0", "12.75", "13.0", "24.0", "36.5"):
        assert number not in told


SAID = {
    "nothing": ({}, [NOTHING_SAID]),
    "camera": (
        {"camera_make": "Canon", "camera_model": "Canon EOS 5D"},
        [
            "The file names a camera: Canon EOS 5D. Such entries are easily written by "
            "hand."
        ],
    ),
    "program": (
        {"software": "GIMP 2.10"},
        [
            "The file names the program that made or saved it: GIMP 2.10. Many "
            "programs do; it says nothing about real or fake."
        ],
    ),
    "generator": (
        {"entries": (GeneratorEntry("parameters", "a cat", "AUTOMATIC1111"),)},
        [
            "The file says that it was made by a generator (AUTOMATIC1111). Such "
            "entries are easily written by hand."
        ],
    ),
    "generator as a program": (
        {"software": "NovelAI", "creator_tool": "Adobe Firefly 3"},
        [
            "The file says that it was made by a generator (NovelAI, Adobe Firefly). "
            "Such entries are easily written by hand."
        ],
    ),
    "generated": (
        {"digital_source_type": "trainedAlgorithmicMedia"},
        [
            "The file's XMP entry says that a generative model made the picture. Such "
            "entries are easily written by hand."
        ],
    ),
    "partly generated": (
        {"digital_source_type": "compositeWithTrainedAlgorithmicMedia"},
        [
            "The file's XMP entry says that a generative model made parts of the "
            "picture. Such entries are easily written by hand."
        ],
    ),
    "other source": (
        {"digital_source_type": "digitalCapture"},
        [
            "The file's XMP entry names the kind of source: digitalCapture. Such "
            "entries are easily written by hand."
        ],
    ),
    "place": (
        {"has_gps": True},
        [
            NOTHING_SAID,
            "The file holds the coordinates of a place. They are not shown here; "
            "whoever gets the file can read them.",
        ],
    ),
    "credentials elsewhere": (
        {"links_credentials": True},
        [
            "The file names content credentials (C2PA) on another server. They were "
            "not fetched."
        ],
    ),
    "credentials of a generator": (
        {
            "credentials": CredentialStatements(
                SignatureState.ISSUER_NOT_CHECKED, "A 1", ("trainedAlgorithmicMedia",)
            )
        },
        [
            "The file carries content credentials (C2PA). They are signed and fit the "
            "file. Who signed them was not checked, and anyone can sign.",
            "They name the program that wrote them: A 1.",
            "They state that a generative model made the picture, parts of it, or a "
            "picture that it was made from.",
        ],
    ),
    "credentials of a camera": (
        {
            "credentials": CredentialStatements(
                SignatureState.INVALID, None, ("digitalCapture",)
            )
        },
        [
            "The file carries content credentials (C2PA) that do not fit it, or are "
            "not signed as they must be. Saving a picture again can do that; it does "
            "not show that somebody tampered with it."
        ],
    ),
}


@pytest.mark.parametrize(("fields", "said"), SAID.values(), ids=list(SAID))
def test_words_say_what_is_there_and_how_little_it_proves(
    fields: dict[str, Any], said: list[str]
) -> None:
    words = replace(BARE, **fields).words
    assert list(words) == said
    assert all(isinstance(sentence, Words) for sentence in words)


@pytest.mark.parametrize("signature", SignatureState)
def test_every_state_of_a_signature_has_words(signature: SignatureState) -> None:
    facts = replace(BARE, credentials=CredentialStatements(signature))
    assert "content credentials (C2PA)" in facts.words[0]
    assert "trusted" not in " ".join(facts.words).lower()


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
        ("NIKON CORPORATION", "Z 6", "NIKON CORPORATION Z 6"),
        ("Apple", None, "Apple"),
        (None, "Pixel 8", "Pixel 8"),
        (None, None, None),
    ],
)
def test_camera_is_named_once(
    make: str | None, model: str | None, camera: str | None
) -> None:
    assert replace(BARE, camera_make=make, camera_model=model).camera == camera


def test_graph_in_the_place_of_a_camera_is_a_generators() -> None:
    graph = {0x010F: 'workflow:{"nodes": []}', 0x0110: 'prompt:{"3": {}}'}
    facts = read_metadata(with_exif("WebP", exif_block(graph)))
    assert (facts.camera, facts.generators) == (None, ("ComfyUI",))


def test_hostile_texts_are_made_readable() -> None:
    text = "<img src=x>\u202e\x00\x1b[2J\n" + "x" * 100_000
    exif = exif_block({0x010F: text.encode(), 0x0131: b"\xff\xfe\x01" * 1000})
    facts = read_metadata(with_exif("PNG", exif))
    assert facts.camera_make == "<img src=x>"
    assert facts.software is not None
    assert len(facts.software) == 200
    assert facts.software.isprintable()
    packet = xmp_packet("<xmp:CreatorTool>a&lt;b&gt;\u202e</xmp:CreatorTool>")
    assert read_metadata(with_xmp("JPEG", packet)).creator_tool == "a<b>"


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "text": b"c2pa jumb Exif parameters",
    "tiny parts of a JPEG": b"\xff\xd8" + segment(0xEB, b"JP") * 100_000,
    "tiny chunks of a PNG": PNG_SIGNATURE + png_chunk(b"iTXt", b"a\0") * 100_000,
    "tiny chunks of a WebP": webp_file(riff_chunk(b"C2PA", b"") * 100_000),
    "no end of fill": b"\xff\xd8" + b"\xff" * 1_000_000,
    "one keyword only": PNG_SIGNATURE + png_chunk(b"tEXt", b"parameters"),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_file_has_no_facts_but_its_own(data: bytes) -> None:
    facts = read_metadata(data)
    assert facts.file_bytes == len(data)
    assert facts.words == (NOTHING_SAID,)
    assert facts.entries == ()


@pytest.mark.parametrize("encoding", PILLOW_NAMES)
def test_every_damage_is_survived(encoding: str) -> None:
    picture = full_picture(encoding)
    for at in range(0, min(len(picture), 3000), 7):
        damaged = bytearray(picture)
        damaged[at] ^= 0x55
        assert json.dumps(read_metadata(bytes(damaged)).to_dict())
    for length in range(0, len(picture), 97):
        assert read_metadata(picture[:length]).file_bytes == length


@pytest.mark.parametrize("encoding", PILLOW_NAMES)
def test_broken_credentials_are_present_and_no_more(encoding: str) -> None:
    facts = read_metadata(with_box(encoding, manifest_store()))
    assert facts.credentials == CredentialStatements(SignatureState.UNREADABLE)
