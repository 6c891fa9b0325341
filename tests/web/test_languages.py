"""A page is in the language that was asked for, wholly; programs are told English."""

import ast
import base64
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from deepfake_detector.artifact import Artifact
from deepfake_detector.config import REPOSITORY
from deepfake_detector.cut_offs import CutOffs
from deepfake_detector.exceptions import (
    DeepfakeDetectorError,
    ImageError,
    RefusedForNowError,
    StorageError,
    UploadError,
)
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.web import languages
from tests.web import bracketed_catalogue
from tests.web.bracketed_catalogue import unbracketed
from tests.web.conftest import Server
from tests.web.visible_text import visible_text

Start = Callable[..., Server]

PAGES = ("/", "/about", "/api", "/privacy", "/nope")
FOR_PROGRAMS = ("/openapi.json", "/api/v1/model", "/livez", "/readyz", "/api/v1/nope")

FACE = FaceBox(left=20, top=10, width=70, height=70)
SECOND = FaceBox(left=2, top=2, width=66, height=66)
SMALL = FaceBox(left=2, top=2, width=10, height=10)

LOWER = {"threshold": "0.3"}


def language_of(answer: TestResponse) -> str | None:
    declared = re.search(r'<html lang="([^"]*)" dir="([^"]*)">', answer.text)
    assert declared is not None
    assert answer.headers["Content-Language"] == declared[1]
    assert "Accept-Language" in answer.vary
    return declared[1]


@pytest.fixture
def server(start: Start) -> Server:
    return start(boxes=[FACE])


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("de-AT,en;q=0.5", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en-GB,de;q=0.9", "en"),
        ("fr,de;q=0.3", "de"),
        ("de;q=0.2,en;q=0.8", "en"),
        ("*", "en"),
        ("*,de;q=0.5", "de"),
        ("de;q=0", "en"),
        ("fr", "en"),
        ("xx-YY-ZZ", "en"),
        ("de;q=abc,en;q=0.1", "en"),
        ("de;q=-1", "en"),
        ("de;q=nan", "en"),
        (",;,;q=;==;-,_", "en"),
        ("../de", "en"),
        ("de/../../etc", "en"),
        ("de\x00", "en"),
        ('de"><script>alert(1)</script>', "en"),
        ("de" * 20_000, "en"),
        ("x," * 20_000 + "de", "de"),
        ("x-" * 20_000, "en"),
    ],
)
def test_browser_chooses_the_language(
    server: Server, accepted: str | None, language: str
) -> None:
    headers = {} if accepted is None else {"Accept-Language": accepted}
    answer = server.client.get("/", headers=headers)
    assert answer.status_code == 200
    assert language_of(answer) == language
    # What was not asked for in the address is not carried along.
    assert all("lang=" in link for link in re.findall(r'href="/\?[^"]*"', answer.text))
    assert 'action="/"' in answer.text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("query", "language"),
    [
        ("lang=de", "de"),
        ("lang=en", "en"),
        ("lang=de&lang=en", "de"),
        ("lang=", "en"),
        ("lang", "en"),
        ("lang=DE", "en"),
        ("lang=fr", "en"),
        ("lang=de-AT", "en"),
        ("lang=../de", "en"),
        ("lang=..%2Fde", "en"),
        ("lang=%2e%2e/%2e%2e/etc/passwd", "en"),
        ("lang=de%00", "en"),
        ("lang=%FF%FE", "en"),
        ("lang=%22%3E%3Cscript%3E", "en"),
        ("lang[]=de", "en"),
        ("lang=" + "de" * 20_000, "en"),
        ("&" * 1000, "en"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/nope"])
def test_address_chooses_the_language(
    server: Server, path: str, query: str, language: str
) -> None:
    answer = server.client.get(f"{path}?{query}")
    assert answer.status_code == (200 if path == "/" else 404)
    assert language_of(answer) == language
    assert "script>" not in answer.text.split("</head>")[1]
    assert "Set-Cookie" not in answer.headers


def test_address_counts_more_than_the_browser(server: Server) -> None:
    german = {"Accept-Language": "de"}
    assert language_of(server.client.get("/?lang=en", headers=german)) == "en"
    assert language_of(server.client.get("/?lang=fr", headers=german)) == "de"


def test_choice_is_kept_in_links_and_forms(server: Server, drawing_png: bytes) -> None:
    for page in (
        server.client.get("/?lang=de"),
        server.send(("file", "a.png", drawing_png), path="/?lang=de"),
        server.send(("file", "a.png", b"no picture"), path="/?lang=de"),
    ):
        links = re.findall(r'(?:href|action)="(/[^"]*)"', page.text)
        assert len(links) > 4
        for link in links:
            kept = "lang=" in link
            assert kept != link.startswith(("/static/", "/openapi.json", "/api/v1"))
        assert 'action="/?lang=de"' in page.text


def test_footer_links_to_the_page_in_each_language(server: Server) -> None:
    for path in ("/", "/privacy"):
        page = server.client.get(f"{path}?lang=de").text
        assert re.search(
            rf'<a href="{path}\?lang=de" lang="de" hreflang="de" '
            'aria-current="true">Deutsch</a>',
            page,
        )
        assert f'<a href="{path}?lang=en" lang="en" hreflang="en">English</a>' in page


@pytest.mark.parametrize("query", ["", "?lang=de"])
def test_answers_and_errors_link_to_the_start_page_in_each_language(
    server: Server, drawing_png: bytes, query: str
) -> None:
    for page in (
        server.send(("file", "a.png", drawing_png), path=f"/{query}"),
        server.client.get(f"/nope{query}"),
        server.client.put(f"/{query}"),
    ):
        assert 'href="/?lang=en" lang="en"' in page.text
        assert 'href="/?lang=de" lang="de"' in page.text


def test_without_other_languages_there_is_no_choice(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(languages, "TRANSLATIONS", tmp_path / "none")
    page = start().client.get("/?lang=de", headers={"Accept-Language": "de"})
    assert language_of(page) == "en"
    assert "hreflang" not in page.text


@pytest.mark.parametrize("path", FOR_PROGRAMS)
def test_programs_are_told_english(server: Server, path: str) -> None:
    answers = [
        server.client.get(path + query, headers=headers)
        for query, headers in (
            ("", {}),
            ("", {"Accept-Language": "de"}),
            ("?lang=de", {}),
        )
    ]
    texts = {re.sub(r'"request_id": ?"[^"]*"', "", a.text) for a in answers}
    assert len(texts) == 1
    assert "Content-Language" not in answers[0].headers


def test_api_answers_english_whatever_the_browser_likes(
    start: Start, drawing_png: bytes
) -> None:
    cut_offs = CutOffs(0.2, 0.4, hits=0.9, false_alarms=0.01)
    server = start([3.0], boxes=[FACE], cut_offs=cut_offs)
    server.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    answer = server.send(("file", "a.png", drawing_png), path="/api/v1/predict")
    assert answer.json is not None
    assert any("real faces" in sentence for sentence in answer.json["words"])
    refused = server.send(("file", "a.png", b"GIF89a"), path="/api/v1/predict")
    assert refused.json is not None
    assert refused.json["title"] == "This kind of file cannot be checked"
    assert refused.json["detail"].startswith("This file is GIF.")


def test_report_and_log_are_english(
    start: Start, drawing_png: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    server = start([3.0], boxes=[FACE])
    with caplog.at_level(logging.DEBUG):
        page = server.send(("file", "a.png", drawing_png), path="/?lang=de")
        server.send(("file", "a.png", b"GIF89a"), path="/?lang=de")
    assert "Gesicht" in page.text
    assert "This file is GIF" in caplog.text
    assert not re.search("Datei|Gesicht|Bild", caplog.text)
    uri = re.search(r'href="data:application/json;base64,([^"]+)"', page.text)
    assert uri is not None
    report = json.loads(base64.b64decode(uri[1]))
    measured = "How often a real face is called fake here was not measured."
    assert measured in report["words"]


def test_german_page_has_german_words_and_numbers(
    start: Start, drawing_png: bytes
) -> None:
    server = start([2.0], boxes=[FACE], cut_offs=CutOffs(0.2, 0.4))
    page = server.send(("file", "a.png", drawing_png), path="/?lang=de").text
    text = " ".join(visible_text(page, "de"))
    assert "Wahrscheinlich gefälscht" in text
    assert re.search(r"\b88,1 %", text)
    assert not re.search(r"\d\.\d+ %", text)


# Every page in a language whose words are all between brackets: what is not, is not in
# the catalogue.


@pytest.fixture
def bracketed(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Server]:
    """Start a server that speaks the language of brackets alone."""
    bracketed_catalogue.write_catalogue(tmp_path / "translations")
    monkeypatch.setattr(languages, "TRANSLATIONS", tmp_path / "translations")

    def make(*arguments: Any, **settings: Any) -> Server:
        if settings.get("rule") != "whole":
            settings.setdefault("boxes", [FACE])
        server = start(*arguments, **settings)
        language = bracketed_catalogue.LANGUAGE
        server.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
        return server

    return make


#: Names and units, the same in every language.
NAMES = re.compile(
    r"\b(Deepfake Detector|test model|English|العربية|JPEG|JPG|PNG|WebP|WEBP|GIF|UTC|"
    r"OpenAPI|AUC|SHA-256|MB|kB|[0-9a-f]{32})\b|/openapi\.json|\{\w+\}"
)


def left_over(answer: TestResponse) -> list[str]:
    """Pieces of a page with letters that are neither translated nor a name."""
    language = bracketed_catalogue.LANGUAGE
    assert f'<html lang="{language}" dir="rtl">' in answer.text
    pieces = visible_text(answer.text, language)
    assert sum("⟦" in piece for piece in pieces) > 5
    rest = ((piece, NAMES.sub("", unbracketed(piece))) for piece in pieces)
    return [piece for piece, left in rest if any(map(str.isalpha, left))]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"rule": "whole"},
        {"rate_limit": "", "log_addresses": True},
        {"rate_limit": "5 per minute;100 per 2 hours", "workers": 1},
    ],
    ids=str,
)
def test_every_word_of_a_page_is_in_the_catalogue(
    bracketed: Start, path: str, settings: dict[str, Any]
) -> None:
    assert left_over(bracketed(**settings).client.get(path)) == []


def test_every_word_about_the_shipped_model_is_in_the_catalogue(
    bracketed: Start,
) -> None:
    server = bracketed()
    card = Artifact.load(REPOSITORY / "models" / "default").card
    server.detector.card = card
    names = ["test", card.name, *card.provenance["data"]]
    left = map(unbracketed, left_over(server.client.get("/about")))
    pattern = re.compile("|".join(map(re.escape, names)))
    assert not re.search("[a-z]", pattern.sub("", " ".join(left)), re.IGNORECASE)


@pytest.mark.parametrize(
    ("logits", "boxes", "settings", "fields"),
    [
        ([3.0], [FACE], {}, {}),
        ([-3.0], [FACE], {}, {}),
        ([0.0], [FACE], {"cut_offs": CutOffs(0.2, 0.8)}, {}),
        ([3.0, 3.0, -3.0], [FACE], {}, {}),
        # Two faces, one of which three views overturn.
        ([3.0, 3.0, -3.0, 3.0], [FACE, SECOND], {}, {}),
        ([3.0], [FACE], {"cut_offs": CutOffs(0.2, 0.4, 0.9, 0.003)}, {}),
        ([3.0], [FACE, SECOND], {"cut_offs": CutOffs(0.2, 0.4, 0.9, 0.03)}, {}),
        ([3.0], [FACE], {"cut_offs": CutOffs(0.2, 0.4, 0.0, 0.03)}, {}),
        ([-3.0], [FACE], {"cut_offs": CutOffs(0.2, 0.4, 0.9, 0.03)}, {}),
        (
            [3.0],
            [FACE],
            {"cut_offs": CutOffs(0.2, 0.4, 0.9, 0.03)},
            {"threshold": "0.3"},
        ),
        ([3.0], [FACE, SECOND, SMALL], {}, {"faces": "1"}),
        ([3.0], [FACE], {}, {"explain": "occlusion"}),
        ([3.0], [SMALL], {}, {}),
        ([3.0], [], {}, {}),
        ([3.0], [], {}, {"whole_picture": "1"}),
        ([3.0], None, {"rule": "whole"}, {}),
    ],
)
@pytest.mark.parametrize("number", [1, 2])
def test_every_word_of_an_answer_is_in_the_catalogue(
    bracketed: Start,
    drawing_png: bytes,
    logits: list[float],
    boxes: list[FaceBox] | None,
    settings: dict[str, Any],
    fields: dict[str, str],
    number: int,
) -> None:
    server = bracketed(logits, boxes=boxes, **settings)
    parts = [("file", "a.png", drawing_png), ("file", "b.gif", b"GIF89a")][:number]
    answer = server.send(*parts, **fields)
    assert answer.status_code == 200
    assert left_over(answer) == []


@pytest.mark.parametrize(
    ("status", "content", "fields"),
    [
        (400, None, {}),
        (400, b"", {"threshold": "2"}),
        (400, b"", {"explain": "2"}),
        (400, b"", {"faces": "0"}),
        (400, b"", {"whole_picture": "2"}),
        (400, b"", {"colour": "2"}),
        (413, b"x" * 2001, {}),
        (413, b"x" * 200_001, {}),
        (415, b"GIF89a", {}),
        (415, b"no picture", {}),
        (422, b"", {}),
        (422, b"\xff\xd8\xff", {}),
        (422, b"\x89PNG\r\n\x1a\n", {}),
    ],
)
def test_every_word_of_a_refusal_is_in_the_catalogue(
    bracketed: Start, status: int, content: bytes | None, fields: dict[str, str]
) -> None:
    server = bracketed(max_upload_bytes=2000, max_request_bytes=4000)
    parts = [] if content is None else [("file", "a.png", content)]
    answer = server.send(*parts, **fields)
    assert answer.status_code == status
    # The names of the form's fields, and the values that programs send.
    left = [
        re.sub(r"whole_picture|threshold|explain|faces|file|cam|occlusion", "", piece)
        for piece in map(unbracketed, left_over(answer))
    ]
    assert [piece for piece in left if re.search("[a-z]", piece, re.IGNORECASE)] == []


def test_every_word_of_the_other_errors_is_in_the_catalogue(
    bracketed: Start, drawing_png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = bracketed(boxes=[FACE], rate_limit="3 per minute")
    assert left_over(server.client.put("/")) == []

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(type(server.detector), "analyse", fail)
    broken = server.send(("file", "a.png", drawing_png))
    assert (broken.status_code, left_over(broken)) == (500, [])
    answers = [server.send(("file", "a.png", drawing_png)) for _ in range(4)]
    assert (answers[-1].status_code, left_over(answers[-1])) == (429, [])


def visitor_errors(base: type[DeepfakeDetectorError]) -> set[str]:
    """Names of the errors that a page shows."""
    below = set().union(*(visitor_errors(kind) for kind in base.__subclasses__()))
    return below | {base.__name__}


def test_no_error_for_visitors_is_raised_with_a_bare_string() -> None:
    kinds = (UploadError, ImageError, StorageError, RefusedForNowError)
    names = set().union(*map(visitor_errors, kinds))
    package = REPOSITORY / "deepfake_detector"
    made = 0
    for path in (package / "images.py", *(package / "web").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id in names:
                made += 1
                bare = isinstance(node.args[0], ast.Constant | ast.JoinedStr)
                assert not bare, f"{path.name}:{node.lineno}: give it words(...)"
    assert made > 15
