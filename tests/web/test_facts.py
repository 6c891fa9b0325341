"""Facts beside the score, and never in it."""

from collections.abc import Callable
from typing import Any

import pytest

from deepfake_detector.face_crops import FaceBox
from deepfake_detector.image_metadata import read_metadata
from tests.picture_files import (
    drawn,
    exif_block,
    manifest_store,
    png_chunk,
    with_exif,
    with_parts,
    with_xmp,
    xmp_packet,
)

Start = Callable[..., Any]

PREDICT = "/api/v1/predict"
FACE = FaceBox(20, 10, 70, 64)

#: The same pixels, with ever other things said of them.
SAYING: dict[str, bytes] = {
    "nothing": drawn("PNG"),
    "camera": with_exif("PNG", exif_block({0x010F: "Canon"})),
    "generator": with_parts("PNG", png_chunk(b"tEXt", b"parameters\0a cat")),
    "generated": with_xmp(
        "PNG", xmp_packet(attributes='ext:DigitalSourceType="trainedAlgorithmicMedia"')
    ),
    "credentials": with_parts("PNG", png_chunk(b"caBX", manifest_store())),
}


@pytest.mark.parametrize("fields", [{}, {"explain": "1"}], ids=["plain", "explained"])
@pytest.mark.parametrize("picture", SAYING.values(), ids=list(SAYING))
def test_facts_change_nothing_of_the_answer(
    start: Start, picture: bytes, fields: dict[str, str]
) -> None:
    server = start([1.3], [FACE])
    bare, said = (
        server.send(("file", "a.png", data), path=PREDICT, **fields).json
        for data in (SAYING["nothing"], picture)
    )
    assert said.pop("facts") == read_metadata(picture).to_dict()
    assert bare.pop("facts") == read_metadata(SAYING["nothing"]).to_dict()
    assert said == bare
    assert server.left_over() == []


def test_each_of_several_pictures_has_its_own_facts(start: Start) -> None:
    server = start([1.3], [FACE])
    files = [("file", "a.png", data) for data in SAYING.values()]
    parts = [*files, ("file", "b.png", b"no picture")]
    *results, refused = server.send(*parts, path=PREDICT).json["results"]
    assert [answer["facts"] for answer in results] == [
        read_metadata(data).to_dict() for data in SAYING.values()
    ]
    assert set(refused) == {"problem"}


def test_page_shows_a_hostile_entry_as_text(start: Start) -> None:
    hostile = "<script>alert(1)</script>\u202e"
    picture = with_exif("PNG", exif_block({0x0131: hostile.encode()}))
    page = start([1.3], [FACE]).send(("file", "a.png", picture)).text
    assert "<script>alert" not in page
    assert "\u202e" not in page
