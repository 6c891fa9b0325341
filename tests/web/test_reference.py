"""The description of the API as a page."""

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from deepfake_detector.web.reference import SNIPPETS
from tests.web.test_openapi import document, faults

Start = Callable[..., Any]

KEY_HASH = "0" * 64


def page(server: Any, **options: Any) -> str:
    answer = server.client.get("/api", **options)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    return str(answer.text)


def test_every_operation_and_shape_has_its_anchor(start: Start) -> None:
    server = start()
    described, text = document(server), page(server)
    anchors = re.findall(r' id="([^"]+)"', text)
    assert len(anchors) == len(set(anchors))
    for path, methods in described["paths"].items():
        assert f"<code>{path}</code>" in text
        for operation in methods.values():
            assert operation["operationId"] in anchors
            for status in operation["responses"]:
                assert f'<th scope="row">{status}</th>' in text
    shapes = set(described["components"]["schemas"]) - {"PredictRequest"}
    assert {f"shape-{shape.lower()}" for shape in shapes} <= set(anchors)


def test_shapes_of_judging_are_open_and_the_others_closed(start: Start) -> None:
    shapes = re.findall(
        r'<details([^>]*)>\s*<summary><h3 id="name-(\w+)">', page(start())
    )
    opened = {name for tag, name in shapes if tag.endswith(" open")}
    assert {"analysis", "face", "facts", "problem", "results"} <= opened
    assert {name for _, name in shapes} - opened == {
        *("model", "measuredset", "count", "limits"),
        *("alive", "ready", "notready"),
    }


def test_links_within_the_page_lead_somewhere(start: Start) -> None:
    text = page(start())
    anchors = set(re.findall(r' id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= anchors


def test_every_field_of_the_form_has_its_row(start: Start) -> None:
    server = start()
    text = unescape(page(server))
    form = document(server)["components"]["schemas"]["PredictRequest"]
    for name, field in form["properties"].items():
        assert f"<code>{name}</code>" in text
        assert field["description"].split("`")[0] in text


def test_snippets_name_the_server_that_shows_them(start: Start) -> None:
    text = page(start(), base_url="https://example.org")
    assert text.count("https://example.org/api/v1/predict") == len(SNIPPETS)
    assert "127.0.0.1" not in text


def test_odd_host_stays_text(start: Start) -> None:
    text = page(start(), headers={"Host": '"><script>alert(1)</script>'})
    assert "<script>alert" not in text


def test_example_is_an_answer_as_described(start: Start) -> None:
    server = start()
    codes = re.findall(r"<pre[^>]*><code>(.*?)</code>", page(server), re.DOTALL)
    example = json.loads(unescape(codes[-1]))
    schema = {"$ref": "#/components/schemas/Analysis"}
    assert faults(document(server), schema, example) == []
    assert example["verdict"] == "likely_fake"
    assert example["model"] == "test model"


def test_limits_are_the_settings(start: Start) -> None:
    text = page(start(max_files=7, max_upload_bytes=1_500_000, rate_limit="9 per hour"))
    assert "At most 7 pictures in one request." in text
    assert "At most 1.5 MB each" in text
    assert "9 per hour" in text
    assert "pictures of one address:" in text
    assert "pictures of one address:" not in page(start(rate_limit=""))


def test_key_is_spoken_of_only_where_one_is_needed(start: Start) -> None:
    assert "Authorization: Bearer KEY" in page(start(api_key_hashes=(KEY_HASH,)))
    assert "This server wants a key" not in page(start())


@pytest.mark.parametrize("address", ["/api", "/api/"])
def test_page_is_for_people_with_or_without_a_slash(start: Start, address: str) -> None:
    answer = start().client.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert start().client.post("/api").mimetype == "text/html"


def test_page_needs_nothing_of_another_host(start: Start) -> None:
    text = page(start())
    assert re.findall(r'(?:src|href)="(https?:[^"]+)"', text) == []
    assert " style=" not in text
