"""Every odd thing that people hand in has one expected answer, and none is a crash.

The face search is the real one. The first half has a stand-in network whose answer to
every face is "likely real", so that the expected verdict is exact; the second half is
the shipped model behind HTTP, whose verdict on a face may be any of the three.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.artifact import ModelCard
from deepfake_detector.backends.constant_backend import ConstantBackend
from deepfake_detector.config import ServeConfig
from deepfake_detector.detector import MAX_FACES, Detector
from deepfake_detector.exceptions import (
    CorruptImageError,
    ImageError,
    ImageTooLargeError,
    UnsupportedImageError,
)
from deepfake_detector.face_crops import CROP_RULES
from deepfake_detector.face_detectors import FACE_DETECTORS
from deepfake_detector.verdict import Verdict
from deepfake_detector.web import create_app
from tests import odd_scenes
from tests.odd_scenes import encoded
from tests.web.conftest import Server

Portrait = NDArray[np.uint8]

INPUT_SHAPE = (16, 16, 3)
JUDGED = (Verdict.LIKELY_FAKE, Verdict.INCONCLUSIVE, Verdict.LIKELY_REAL)


#: The second picture of animations, as large as the portrait.
FLAT = odd_scenes.flat(512, 512)


class Found(NamedTuple):
    """The expected answer to a picture that can be read."""

    faces: int
    verdict: Verdict


NOTHING = Found(0, Verdict.NO_FACE)
ONE = Found(1, Verdict.LIKELY_REAL)


class Case(NamedTuple):
    """A file, and what it must be answered with."""

    make: Callable[[Portrait], bytes]
    expected: Found | type[ImageError]


def scene(make: Callable[..., Image.Image], **options: Any) -> Callable[..., bytes]:
    """A scene that the portrait plays a part in, as a PNG."""
    return lambda portrait: encoded(make(portrait, **options))


def portrait_as(
    mode: str, file_format: str = "PNG", **options: Any
) -> Callable[..., bytes]:
    """The portrait in another mode or format."""
    return lambda portrait: encoded(
        Image.fromarray(portrait).convert(mode), file_format, **options
    )


def see_through(portrait: Portrait) -> bytes:
    """The portrait fading into nothing towards the bottom."""
    picture = Image.fromarray(portrait).convert("RGBA")
    fade = Image.linear_gradient("L").resize(picture.size)
    picture.putalpha(fade.transpose(Image.Transpose.FLIP_TOP_BOTTOM))
    return encoded(picture)


def sixteen_bit(portrait: Portrait) -> bytes:
    """The portrait with 16 bits of grey a pixel."""
    grey = np.asarray(Image.fromarray(portrait).convert("L"), dtype=np.uint16)
    return encoded(Image.fromarray(grey * 257))


def cut_short(portrait: Portrait) -> bytes:
    """The first half of a JPEG's bytes."""
    whole = encoded(Image.fromarray(portrait), "JPEG")
    return whole[: len(whole) // 2]


def enormous(portrait: Portrait) -> bytes:
    """A small file that would fill 64 megapixels."""
    return encoded(Image.new("L", (8000, 8000)))


CASES = {
    # Several faces. Of 30 the 20 largest are judged, so that "likely real" of all of
    # them is not said of the picture.
    "group of 30": Case(scene(odd_scenes.group), Found(30, Verdict.INCONCLUSIVE)),
    "group of 6": Case(
        scene(odd_scenes.group, rows=2, columns=3), Found(6, Verdict.LIKELY_REAL)
    ),
    "group of 6, far away": Case(
        scene(odd_scenes.far_group), Found(6, Verdict.TOO_SMALL)
    ),
    # Faces that the search was not made for
    "half cut by the border": Case(scene(odd_scenes.cut_by_the_border), NOTHING),
    "profile": Case(lambda portrait: encoded(odd_scenes.profile()), NOTHING),
    "upside down": Case(scene(odd_scenes.upside_down), NOTHING),
    "lying on its side": Case(scene(odd_scenes.lying), NOTHING),
    "mask over mouth and nose": Case(scene(odd_scenes.masked), NOTHING),
    # What only looks like a face: where it does so enough, it is found and judged
    "shaded drawing": Case(lambda portrait: encoded(odd_scenes.painting()), ONE),
    "statue": Case(lambda portrait: encoded(odd_scenes.statue()), ONE),
    "cartoon": Case(lambda portrait: encoded(odd_scenes.cartoon()), NOTHING),
    "cat": Case(lambda portrait: encoded(odd_scenes.cat()), NOTHING),
    # No face at all
    "flat colour": Case(lambda portrait: encoded(odd_scenes.flat()), NOTHING),
    "noise": Case(lambda portrait: encoded(odd_scenes.noise()), NOTHING),
    # Odd shapes
    "strip of 20000 x 200": Case(scene(odd_scenes.strip), ONE),
    "1 pixel": Case(lambda portrait: encoded(odd_scenes.flat(1, 1)), NOTHING),
    "1 pixel high": Case(lambda portrait: encoded(odd_scenes.flat(4000, 1)), NOTHING),
    "1 pixel wide": Case(lambda portrait: encoded(odd_scenes.flat(1, 4000)), NOTHING),
    "more than 50 megapixels": Case(enormous, ImageTooLargeError),
    # Odd files
    "grey-scale": Case(portrait_as("L"), ONE),
    "black and white dots": Case(portrait_as("1"), ONE),
    "transparent PNG": Case(see_through, ONE),
    "palette PNG": Case(portrait_as("P"), ONE),
    "16-bit PNG": Case(sixteen_bit, ONE),
    "CMYK JPEG": Case(portrait_as("CMYK", "JPEG"), ONE),
    "JPEG of quality 1": Case(portrait_as("RGB", "JPEG", quality=1), NOTHING),
    "animated WebP": Case(
        portrait_as("RGB", "WEBP", save_all=True, append_images=[FLAT]),
        ONE,
    ),
    "animated GIF": Case(
        portrait_as("P", "GIF", save_all=True, append_images=[FLAT]),
        UnsupportedImageError,
    ),
    "truncated JPEG": Case(cut_short, CorruptImageError),
    "empty file": Case(lambda portrait: b"", CorruptImageError),
    "text": Case(lambda portrait: b"not a picture", UnsupportedImageError),
}

every_case = pytest.mark.parametrize("name", CASES)


@pytest.fixture(scope="module")
def files(portrait: Portrait) -> Callable[[str], bytes]:
    """Each case's file, made once."""
    made: dict[str, bytes] = {}

    def file(name: str) -> bytes:
        if name not in made:
            made[name] = CASES[name].make(portrait)
        return made[name]

    return file


@pytest.fixture(scope="module")
def detector() -> Detector:
    """The real face search before a network that takes every face for real."""
    rule = CROP_RULES["face"]
    card = ModelCard("stand-in", "none", INPUT_SHAPE, rule)
    faces = FACE_DETECTORS.get(rule.detector)()
    return Detector(ConstantBackend(-6.0, INPUT_SHAPE), faces, card)


@every_case
def test_bad_input_has_its_expected_answer(
    detector: Detector, files: Callable[[str], bytes], name: str
) -> None:
    expected = CASES[name].expected
    if not isinstance(expected, Found):
        with pytest.raises(expected) as error:
            detector.analyse(files(name))
        assert str(error.value).endswith(".")
        return
    analysis = detector.analyse(files(name))
    assert (analysis.faces_found, analysis.verdict) == expected
    assert len(analysis.faces) == min(expected.faces, MAX_FACES)
    if expected.verdict in JUDGED:
        judged = {face.verdict for face in analysis.faces}
        assert judged == {Verdict.LIKELY_REAL}


@every_case
def test_bad_input_scored_as_a_whole_has_an_answer_too(
    detector: Detector, files: Callable[[str], bytes], name: str
) -> None:
    """Where no face is found, the choice to score the picture gives a verdict."""
    if not isinstance(CASES[name].expected, Found):
        return
    analysis = detector.analyse(files(name), whole_picture_if_no_face=True)
    if CASES[name].expected != NOTHING:
        assert not analysis.whole_picture
    elif min(analysis.width, analysis.height) >= 64:
        assert (analysis.whole_picture, analysis.verdict) == (True, Verdict.LIKELY_REAL)
    else:
        assert analysis.verdict is Verdict.NO_FACE


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The shipped model behind HTTP; what it raises is answered, as when it serves."""
    folder: Path = tmp_path_factory.mktemp("uploads")
    config = ServeConfig(upload_dir=folder, rate_limit="")
    detector = Detector.load(config)
    client = create_app(detector, config).test_client()
    yield Server(client, folder, detector)
    assert list(folder.iterdir()) == []


@every_case
def test_bad_input_by_http_is_answered_in_kind(
    server: Server, files: Callable[[str], bytes], name: str
) -> None:
    expected = CASES[name].expected
    answer = server.send(("file", "a.jpg", files(name)), path="/api/v1/predict")
    if not isinstance(expected, Found):
        assert answer.status_code == expected.http_status
        assert answer.json["detail"].endswith(".")
        return
    assert (answer.status_code, answer.json["faces_found"]) == (200, expected.faces)
    is_judged = expected.verdict in JUDGED
    assert answer.json["verdict"] in (JUDGED if is_judged else (expected.verdict,))


@every_case
def test_bad_input_in_the_form_gets_a_page(
    server: Server, files: Callable[[str], bytes], name: str
) -> None:
    expected = CASES[name].expected
    answer = server.send(("file", "a.jpg", files(name)))
    status = 200 if isinstance(expected, Found) else expected.http_status
    assert answer.status_code == status
    assert "<h1" in answer.text
