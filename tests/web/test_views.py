"""The page: what a visitor reads for each outcome."""

import dataclasses
import html
import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.verdict import SENTENCES, Verdict

Start = Callable[..., Any]
Encode = Callable[..., bytes]

FACE = FaceBox(20, 20, 70, 70)
OTHER_FACE = FaceBox(300, 200, 66, 66)
SMALL_FACE = FaceBox(200, 10, 30, 30)


def logit(p_fake: float) -> float:
    return math.log(p_fake / (1 - p_fake))


def text_of(page: str) -> str:
    """The words of a page, without its markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def heading_of(page: str) -> str:
    match = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    assert match is not None
    return text_of(match[1])


def test_form_sends_pictures_and_the_checkbox(start: Start) -> None:
    page = start().client.get("/").text
    assert 'method="post" enctype="multipart/form-data"' in page
    assert re.search(r'<input id="file" name="file" type="file" multiple', page)
    assert re.search(r'<input id="photo" name="file" [^>]* capture="environment"', page)
    assert 'accept="image/jpeg,image/png,image/webp"' in page
    assert 'name="whole_picture" type="checkbox" value="1"' in page
    assert "If no face is found, score the whole picture" in page


def test_form_says_the_limits_of_the_settings(start: Start) -> None:
    server = start(max_upload_bytes=2_500_000, max_pixels=12_000_000)
    assert "up to 2.5 MB and 12 megapixels each" in text_of(server.client.get("/").text)


def test_form_of_a_whole_picture_model_has_no_checkbox(start: Start) -> None:
    assert "whole_picture" not in start(rule="whole").client.get("/").text


@pytest.mark.parametrize(
    ("p_fake", "expected", "verdict"),
    [
        (0.931, "Likely fake (Fake 93.1 %)", Verdict.LIKELY_FAKE),
        (0.120, "Likely real (Real 88.0 %)", Verdict.LIKELY_REAL),
        (0.501, "Inconclusive", Verdict.INCONCLUSIVE),
        (0.490, "Inconclusive", Verdict.INCONCLUSIVE),
    ],
)
def test_verdict_comes_with_the_percentage_of_the_class_that_it_names(
    start: Start, drawing_png: bytes, p_fake: float, expected: str, verdict: Verdict
) -> None:
    answer = start([logit(p_fake)], [FACE]).send(("file", "a.png", drawing_png))
    assert answer.status_code == 200
    assert heading_of(answer.text) == expected
    assert f"<title>{expected} " in answer.text
    assert SENTENCES[verdict] in text_of(answer.text)
    assert f"Chance of being fake {100 * p_fake:.1f} %" in text_of(answer.text)


def test_cut_offs_of_the_card_decide_and_are_said(
    start: Start, drawing_png: bytes
) -> None:
    server = start([logit(0.4)], [FACE], cut_offs=CutOffs(0.1, 0.3))
    page = server.send(("file", "a.png", drawing_png)).text
    assert heading_of(page) == "Likely fake (Fake 40.0 %)"
    words = text_of(page)
    assert "Below 10.0 % the answer is likely real, from 30.0 % on likely fake" in words
    assert "in the hatched part between them inconclusive" in words


def test_form_offers_the_cards_cut_off_and_keeps_the_visitors(
    start: Start, drawing_png: bytes
) -> None:
    server = start([logit(0.4)], [FACE], cut_offs=CutOffs(0.1, 0.625))
    form = server.client.get("/").text
    assert 'placeholder="0.625"' in form
    assert not re.search(r'name="threshold"[^>]* value=', form)
    page = server.send(("file", "a.png", drawing_png), threshold="0.3").text
    assert heading_of(page) == "Likely fake (Fake 40.0 %)"
    assert re.search(r'name="threshold"[^>]* value="0.3"', page)
    assert 'placeholder="0.625"' in page


def test_threshold_below_both_cut_offs_leaves_no_band(
    start: Start, drawing_png: bytes
) -> None:
    server = start([logit(0.4)], [FACE], cut_offs=CutOffs(0.5, 0.6))
    page = server.send(("file", "a.png", drawing_png), threshold="0.45").text
    assert heading_of(page) == "Likely real (Real 60.0 %)"
    assert "Below 45.0 % the answer is likely real, from there on likely" in text_of(
        page
    )
    assert "url(#hatch)" not in page


def test_page_says_how_far_to_trust_the_answer(
    start: Start, drawing_png: bytes
) -> None:
    fitted = CutOffs(0.1, 0.6, false_alarms=0.01, hits=0.5)
    server = start([logit(0.9)], [FACE, OTHER_FACE], cut_offs=fitted)
    words = text_of(server.send(("file", "a.png", drawing_png)).text)
    assert "at most about 1 in 100 real faces" in words
    assert "With 2 faces judged, that becomes about 2 in 100 pictures" in words
    assert "of 10,000 faces with 100 fakes among them" in words


@pytest.mark.parametrize("boxes", [[FACE], [FACE, OTHER_FACE]], ids=["one", "two"])
def test_page_says_why_an_answer_was_withdrawn(
    start: Start, drawing_png: bytes, boxes: list[FaceBox]
) -> None:
    # The plain views come first, then the JPEG, halved and shifted ones.
    plain, shifted = [logit(0.9)] * len(boxes), [logit(0.2)] * len(boxes)
    server = start(plain * 3 + shifted, boxes)
    page = server.send(("file", "a.png", drawing_png)).text
    assert heading_of(page) == "Inconclusive"
    reason = "The answer does not hold when the face is cut out a little to the side"
    assert text_of(page).count(reason) == len(boxes)


def test_inconclusive_answer_says_how_usual_it_is(
    start: Start, drawing_png: bytes
) -> None:
    answers = {"reals_called_fake": {}, "inconclusive": {"share": 0.593}}
    report = {"pictures": 9, "auc": 0.9, "cut_offs": answers}
    server = start([logit(0.5)], [FACE])
    metrics = {"test": {"pooled": report}}
    server.detector.card = dataclasses.replace(server.detector.card, metrics=metrics)
    sentence = "Inconclusive is no rare answer: 59.3 % of the faces"
    assert sentence in text_of(server.send(("file", "a.png", drawing_png)).text)
    # Of another threshold nobody knows it.
    own = server.send(("file", "a.png", drawing_png), threshold="0.6").text
    assert heading_of(own) == "Inconclusive"
    assert sentence not in text_of(own)


@pytest.mark.parametrize(
    ("p_fakes", "says_whose"),
    [((0.2, 0.95), True), ((0.1, 0.15), True), ((0.1, 0.5), False)],
)
def test_page_says_whose_percentage_stands_above_several_faces(
    start: Start, drawing_png: bytes, p_fakes: tuple[float, float], says_whose: bool
) -> None:
    server = start([logit(p_fake) for p_fake in p_fakes], [FACE, OTHER_FACE])
    page = server.send(("file", "a.png", drawing_png)).text
    assert ("%" in heading_of(page)) == says_whose
    assert ("that of the face that looks most fake" in text_of(page)) == says_whose


def test_several_faces_are_listed_one_by_one(start: Start, as_png: Encode) -> None:
    server = start([logit(0.2), logit(0.7)], [FACE, OTHER_FACE, SMALL_FACE])
    picture = as_png(Image.new("RGB", (400, 300), "grey"))
    page = server.send(("file", "a.png", picture)).text
    words = text_of(page)
    assert heading_of(page) == "Likely fake (Fake 70.0 %)"
    assert "3 faces found" in words
    assert "1 Face 1, top left Likely real (Real 80.0 %)" in words
    assert "2 Face 2, bottom right Likely fake (Fake 70.0 %)" in words
    assert "3 Face 3, top Too small to judge 30 × 30 pixels" in words
    assert "1 likely fake 1 likely real 1 too small to judge" in words


def test_picture_without_a_face_explains_the_checkbox(
    start: Start, drawing_png: bytes
) -> None:
    page = start(boxes=[]).send(("file", "a.png", drawing_png)).text
    assert heading_of(page) == "No face found"
    assert "no face found" in page
    assert "“score the whole picture” is ticked there already" in text_of(page)
    assert re.search(r'name="whole_picture"[^>]* checked>', page)
    assert "%" not in heading_of(page)


def test_ticked_box_scores_the_whole_picture_and_says_so(
    start: Start, drawing_png: bytes
) -> None:
    server = start([logit(0.9)], boxes=[])
    answer = server.send(("file", "a.png", drawing_png), whole_picture="1")
    assert heading_of(answer.text) == "Likely fake (Fake 90.0 %)"
    assert "This is less reliable than a face that was found" in text_of(answer.text)


def test_ticked_box_changes_nothing_where_a_face_is_found(
    start: Start, drawing_png: bytes
) -> None:
    server = start([logit(0.9)], [FACE])
    page = server.send(("file", "a.png", drawing_png), whole_picture="on").text
    assert "one face found" in page


def test_small_face_is_not_judged(start: Start, drawing_png: bytes) -> None:
    page = start(boxes=[SMALL_FACE]).send(("file", "a.png", drawing_png)).text
    assert heading_of(page) == "Too small to judge"
    assert SENTENCES[Verdict.TOO_SMALL] in text_of(page)


def test_whole_picture_model_says_that_it_looks_for_no_faces(
    start: Start, drawing_png: bytes
) -> None:
    page = start(rule="whole").send(("file", "a.png", drawing_png)).text
    assert "This model scores the whole picture" in text_of(page)


def test_result_says_what_it_means_and_what_became_of_the_upload(
    start: Start, drawing_png: bytes
) -> None:
    words = text_of(start(boxes=[FACE]).send(("file", "a.png", drawing_png)).text)
    assert "Take it as a hint, never as proof" in words
    assert "Do not decide about a person on this answer alone" in words
    assert "Model test model" in words
    assert "Your upload has been deleted from the server" in words


def test_result_shows_the_picture_with_its_faces_marked(
    start: Start, drawing_png: bytes
) -> None:
    page = start(boxes=[FACE]).send(("file", "a.png", drawing_png)).text
    assert 'aria-label="Your picture, one face found"' in page
    assert '<image href="data:image/jpeg;base64,' in page
    frame = r'class="frame" x="20" y="20" width="70" height="70"'
    assert len(re.findall(frame, page)) == 1


def test_portrait_has_one_face(
    start: Start, portrait: NDArray[np.uint8], as_png: Encode
) -> None:
    picture = as_png(Image.fromarray(portrait))
    page = start([logit(0.25)]).send(("file", "nasa.png", picture)).text
    assert heading_of(page) == "Likely real (Real 75.0 %)"
    assert "one face found" in page


def test_nothing_comes_from_another_host_or_stands_inline(
    start: Start, drawing_png: bytes
) -> None:
    server = start([0.0, 1.0], [FACE, FACE])
    pages = [
        *(server.client.get(path) for path in ("/", "/about", "/privacy", "/nope")),
        server.send(("file", "a.png", drawing_png)),
        server.send(*[("file", "a.png", drawing_png)] * 2),
    ]
    for page in pages:
        assert not re.search(
            r"<script>|<style| style=| on[a-z]+=|[\"'](https?:)?//", page.text
        )
        (script,) = re.findall(r"<script[^>]*>[^<]*</script>", page.text)
        assert re.fullmatch(r'<script src="/static/[^"]*" defer></script>', script)


@pytest.mark.parametrize("name", ["style.css", "favicon.svg", "upload.js"])
def test_static_files_are_served(start: Start, name: str) -> None:
    with start().client.get(f"/static/{name}") as answer:
        assert answer.status_code == 200


def test_first_page_is_small(start: Start) -> None:
    client = start().client
    size = len(client.get("/").data)
    for name in ("style.css", "upload.js", "favicon.svg"):
        with client.get(f"/static/{name}") as answer:
            size += len(answer.data)
    assert size < 50_000


def gauges_of(page: str) -> list[str]:
    return re.findall(r'<div class="gauge">.*?</div>', page, re.DOTALL)


def test_each_face_has_a_gauge_with_the_inconclusive_band(
    start: Start, drawing_png: bytes
) -> None:
    server = start(
        [logit(0.2), logit(0.7)], [FACE, OTHER_FACE], cut_offs=CutOffs(0.1, 0.625)
    )
    first, second = gauges_of(server.send(("file", "a.png", drawing_png)).text)
    for gauge, at in ((first, "20.00%"), (second, "70.00%")):
        assert f'<svg x="{at}"' in gauge
        assert re.search(
            r'fill="url\(#hatch\)" x="10.00%" y="\d+" width="52.50%"', gauge
        )
    assert 'role="img" aria-label="On a scale from real to fake: 20.0 %.' in first
    assert "Inconclusive from 10.0 % to 62.5 %." in first


def test_heatmap_switch_is_a_labelled_checkbox_before_its_picture(
    start: Start, drawing_png: bytes
) -> None:
    page = start(boxes=[FACE]).send(("file", "a.png", drawing_png), explain="occlusion")
    switch = re.search(
        r'<input class="switch" id="(look-1-1)" type="checkbox"[^>]* checked>\s*'
        r'<label for="(look-1-1)">Where the model looked</label>\s*<div class="crop">',
        page.text,
    )
    assert switch is not None


def test_several_pictures_are_summed_up_first(start: Start, drawing_png: bytes) -> None:
    server = start([logit(0.9)], [FACE])
    page = server.send(
        ("file", "a.png", drawing_png),
        ("file", "b.png", b"no picture"),
        ("file", "", b""),
        ("file", "c.png", drawing_png),
    ).text
    assert heading_of(page) == "Answers for 3 pictures"
    assert "<title>Answers for 3 pictures " in page
    for number in (1, 2, 3):
        assert f'<a href="#picture-{number}">' in page
        assert page.count(f'id="picture-{number}"') == 1
    words = text_of(page)
    assert "Picture 2 Could not be checked" in words
    assert (
        "Picture 2 of 3 This picture could not be checked This is not a JPEG" in words
    )
    assert page.count("deepfake-report.json") == 1
    assert len(re.findall(r"<h1", page)) == 1


@pytest.mark.parametrize("count", [1, 2], ids=["one", "several"])
def test_headings_leave_no_level_out_and_no_name_twice(
    start: Start, drawing_png: bytes, count: int
) -> None:
    server = start([0.0], [FACE, OTHER_FACE])
    page = server.send(*[("file", "a.png", drawing_png)] * count).text
    levels = [int(level) for level in re.findall(r"<h([1-6])", page)]
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in zip(levels, levels[1:], strict=False))
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_options_are_remembered_in_the_next_form(
    start: Start, drawing_png: bytes
) -> None:
    server = start([0.0], [FACE])
    part = ("file", "a.png", drawing_png)
    assert '<details class="options">' in server.send(part).text
    page = server.send(part, whole_picture="1", explain="occlusion").text
    assert '<details class="options" open>' in page
    assert re.search(r'name="whole_picture"[^>]* checked>', page)
    assert re.search(r'name="explain"[^>]* checked>', page)


def test_refused_threshold_is_marked_in_the_form(
    start: Start, drawing_png: bytes
) -> None:
    page = start().send(("file", "a.png", drawing_png), threshold="2").text
    assert re.search(
        r'name="threshold"[^>]*aria-describedby="error-detail threshold-hint"[^>]*'
        r'aria-invalid="true"',
        page,
    )
    assert 'id="error-detail"' in page
    assert '<details class="options" open>' in page


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '" onmouseover="alert(1)',
        "{{ 7 * 7 }} %(share)s {number} %s",
    ],
)
def test_texts_of_the_file_stay_text(
    start: Start, drawing: Image.Image, as_png: Encode, text: str
) -> None:
    entries = PngInfo()
    for key in ("Software", "parameters", "Comment"):
        entries.add_text(key, text)
    picture = as_png(drawing, pnginfo=entries)
    page = start(boxes=[FACE]).send(("file", "a.png", picture)).text
    assert "About the file" in page
    assert "<script>" not in page
    assert "<img src=x" not in page
    assert '" onmouseover' not in page
    assert "49 %" not in page


def test_about_page_gives_the_cards_figures(start: Start) -> None:
    shares = {
        name: {"count": 3, "of": 40, "share": 0.075}
        for name in (
            "reals_called_fake",
            "fakes_called_fake",
            "fakes_called_real",
            "inconclusive",
        )
    }
    figures = {
        "pictures": 80,
        "auc": 0.8768,
        "auc_interval": [0.81, 0.92],
        "thumbnail_baseline_auc": 0.6123,
        "stability": shares,
    }
    server = start(cut_offs=CutOffs(0.1, 0.625))
    card = replace(server.detector.card, metrics={"test": {"a_set": figures}})
    server.detector.card = card
    words = text_of(server.client.get("/about").text)
    assert "a_set, test 80 0.877 [0.810–0.920] 0.612 7.5 %" in words
    assert "3 of 40 real faces were called fake" in words
    assert "Below 10.0 % it says likely real, from 62.5 % on likely fake" in words


def test_about_page_of_a_card_without_figures_says_so(start: Start) -> None:
    page = start().client.get("/about").text
    assert "nothing is known of how good it is" in page
    assert 'id="model"' in page


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "The address that a request came from is not written down."),
        ({"log_addresses": True}, "also writes down the address"),
        ({"rate_limit": ""}, "does not count who sends how much"),
        ({"rate_limit": "7 per minute", "workers": 3}, "each of its 3 processes"),
    ],
)
def test_privacy_page_follows_the_settings(
    start: Start, settings: dict[str, Any], expected: str
) -> None:
    assert expected in text_of(start(**settings).client.get("/privacy").text)


@pytest.mark.parametrize(
    ("path", "name"),
    [("/", "Check a picture"), ("/about", "About"), ("/privacy", "Privacy")],
)
def test_navigation_marks_the_current_page(start: Start, path: str, name: str) -> None:
    page = start().client.get(path).text
    assert re.findall(r'aria-current="page">([^<]+)<', page) == [name]
