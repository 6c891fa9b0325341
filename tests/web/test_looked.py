"""Where the model looked: on the page for each face, in JSON when asked for."""

import base64
import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.face_crops import FaceBox
from deepfake_detector.heatmap import MAX_OCCLUDED_FACES, MAX_SIDE_PX, MEANING, TITLE
from tests.web.conftest import INPUT_SHAPE

Start = Callable[..., Any]

FACES = [FaceBox(10, 10, 80, 80), FaceBox(150, 10, 70, 70), FaceBox(250, 10, 30, 30)]


class MappedBrightness:
    """Scores by brightness, and has an activation map of four by four."""

    input_shape = INPUT_SHAPE

    def __init__(self) -> None:
        self.crops_scored = 0

    def run(self, batch: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        self.crops_scored += len(batch)
        grey = batch.astype(np.float32).mean(axis=3) / 32 - 4
        cam = grey.reshape(len(batch), 4, 4, 4, 4).mean(axis=(2, 4))
        return {"logit": cam.mean(axis=(1, 2)), "cam": cam}


@pytest.fixture
def server(start: Start) -> Any:
    """Two faces that are judged and a third that is too small."""
    made = start(boxes=FACES)
    made.detector.backend = MappedBrightness()
    return made


@pytest.fixture(scope="module")
def picture() -> bytes:
    """Dark on the left, bright on the right; 300 x 120."""
    row = np.linspace(0, 255, 300).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.broadcast_to(row[:, None], (120, 300, 3)).copy()).save(
        file, "PNG"
    )
    return file.getvalue()


def maps_of(page: str) -> list[str]:
    """Addresses of the heatmaps on a page."""
    return re.findall(
        rf'<img class="heat" src="([^"]+)"[^>]* alt="{TITLE}: [^"]+"', page
    )


def test_page_shows_a_heatmap_of_each_judged_face(server: Any, picture: bytes) -> None:
    page = server.send(("file", "a.png", picture)).text
    maps = maps_of(page)
    assert len(maps) == 2
    for address in maps:
        head, _, content = address.partition(",")
        assert head == "data:image/jpeg;base64"
        width, height = Image.open(io.BytesIO(base64.b64decode(content))).size
        assert max(width, height) == MAX_SIDE_PX
    assert f"{TITLE}: Face 1" in page
    assert MEANING in page


def test_page_needs_no_second_pass(server: Any, picture: bytes) -> None:
    backend = server.detector.backend
    server.detector.analyse(picture)
    once = backend.crops_scored
    server.send(("file", "a.png", picture))
    assert backend.crops_scored == 2 * once


def test_page_of_a_network_without_a_map_shows_none(
    start: Start, picture: bytes
) -> None:
    page = start(boxes=FACES).send(("file", "a.png", picture)).text
    assert TITLE not in page


@pytest.mark.parametrize("boxes", [[], [FACES[2]]], ids=["no face", "too small"])
def test_page_without_a_judged_face_shows_none(
    server: Any, picture: bytes, boxes: list[FaceBox]
) -> None:
    server.detector.face_detector.boxes = boxes
    for word in ("0", "occlusion"):
        page = server.send(("file", "a.png", picture), explain=word).text
        assert maps_of(page) == []


def test_occlusion_explains_any_network_when_asked_for(
    start: Start, picture: bytes
) -> None:
    server = start(boxes=[FACES[0]] * 5)
    page = server.send(("file", "a.png", picture), explain="occlusion").text
    assert len(maps_of(page)) == MAX_OCCLUDED_FACES
    assert "covering one place after the other" in page


def test_form_offers_occlusion(server: Any) -> None:
    page = server.client.get("/").text
    assert re.search(
        r'<input id="explain" name="explain" type="checkbox" value="occ', page
    )


def answer_of(server: Any, picture: bytes, **fields: str) -> Any:
    return server.send(("file", "a.png", picture), path="/api/v1/predict", **fields)


@pytest.mark.parametrize("word", [None, "", "0", "no"])
def test_json_holds_no_map_unless_asked_for(
    server: Any, picture: bytes, word: str | None
) -> None:
    fields = {} if word is None else {"explain": word}
    faces = answer_of(server, picture, **fields).json["faces"]
    assert all("heatmap" not in face for face in faces)


@pytest.mark.parametrize("word", ["1", "cam", " CAM ", "true"])
def test_json_holds_the_map_when_asked_for(
    server: Any, picture: bytes, word: str
) -> None:
    first, second, third = answer_of(server, picture, explain=word).json["faces"]
    assert third["heatmap"] is None
    for face in (first, second):
        assert face["heatmap"]["method"] == "cam"
        evidence = np.array(face["heatmap"]["evidence"])
        assert evidence.shape == (4, 4)
        # Its mean is the logit, here uncalibrated: p_fake again.
        assert 1 / (1 + np.exp(-evidence.mean())) == pytest.approx(
            face["p_fake"], abs=1e-3
        )
    assert first["heatmap"]["region"]["left"] == -2  # the crop leaves the picture


def test_json_by_occlusion(server: Any, picture: bytes) -> None:
    first, _, third = answer_of(server, picture, explain="occlusion").json["faces"]
    assert first["heatmap"]["method"] == "occlusion"
    assert np.array(first["heatmap"]["evidence"]).shape == (16, 16)
    assert third["heatmap"] is None


@pytest.mark.parametrize("path", ["/", "/api/v1/predict"])
@pytest.mark.parametrize("word", ["lime", "2", "../x", "x" * 999])
def test_unknown_method_is_refused_before_the_picture_is_judged(
    server: Any, picture: bytes, path: str, word: str
) -> None:
    answer = server.send(("file", "a.png", picture), path=path, explain=word)
    assert answer.status_code == 400
    assert "explain: expected 0, 1, cam or occlusion" in answer.text
    assert server.detector.backend.crops_scored == 0
    assert server.left_over() == []


def test_nothing_on_the_page_says_that_a_map_shows_the_fake(
    server: Any, picture: bytes
) -> None:
    page = server.send(("file", "a.png", picture)).text
    section = page[page.index('id="looked-1"') :].partition("</section>")[0]
    assert "fake" not in section.lower()


def test_picture_has_a_legend_in_words_of_the_lines_it_uses(
    server: Any, picture: bytes
) -> None:
    page = server.send(("file", "a.png", picture)).text
    legend = page[page.index('class="legend"') :].partition("</ul>")[0]
    lines = re.findall(r'class="face (\w+)".*?</svg>([^<]+)</li>', legend, re.DOTALL)
    assert lines == [
        ("likely_fake", "likely fake"),
        ("likely_real", "likely real"),
        ("too_small", "too small to judge"),
    ]
    assert "<title>Face 2: likely fake</title>" in page


def test_lines_differ_by_more_than_their_colour(server: Any) -> None:
    with server.client.get("/static/style.css") as answer:
        rules = dict(re.findall(r"\.face\.(\w+) \.frame \{([^}]*)\}", answer.text))
    patterns = {
        verdict: re.findall(r"stroke-(?:width|dasharray): [^;]+", rule)
        for verdict, rule in rules.items()
    }
    assert len(patterns) == 4
    assert len({tuple(pattern) for pattern in patterns.values()}) == 4
