"""A file whose address holds its version is kept; any other is asked for again."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, url_for

from deepfake_detector.web import static_versions

Start = Callable[..., Any]

FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """An application with one static file."""
    (tmp_path / "a.css").write_text("body {}")
    app = Flask("test", static_folder=str(tmp_path), static_url_path="/static")
    static_versions.register(app)
    return app


def address(app: Flask, name: str = "a.css") -> str:
    with app.test_request_context():
        return url_for("static", filename=name)


def kept(app: Flask, path: str) -> str:
    with app.test_client().get(path) as answer:
        return answer.headers.get("Cache-Control", "")


def test_address_with_its_version_is_kept(app: Flask) -> None:
    assert re.fullmatch(r"/static/a\.css\?v=[0-9a-f]{12}", address(app))
    assert kept(app, address(app)) == FOR_EVER


def test_version_changes_with_the_content(app: Flask) -> None:
    before = address(app)
    (Path(app.static_folder or "") / "a.css").write_text("body { margin: 0 }")
    assert address(app) != before
    assert kept(app, address(app)) == FOR_EVER
    assert kept(app, before) == "no-cache"


@pytest.mark.parametrize(
    "query", ["", "?v=", "?v=000000000000", "?v=../../etc", "?w=1", "?v=%00", "?v=é"]
)
def test_any_other_version_is_not_kept(app: Flask, query: str) -> None:
    assert kept(app, f"/static/a.css{query}") == "no-cache"


@pytest.mark.parametrize("name", ["b.css", "../a.css", "", "a.css/b"])
def test_file_that_is_not_there_has_no_version(app: Flask, name: str) -> None:
    assert "v=" not in address(app, name)
    assert kept(app, f"/static/{name}") in ("no-cache", "")


def test_page_links_to_versions(start: Start) -> None:
    server = start()
    page = server.client.get("/").text
    links = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert links
    for link in links:
        with server.client.get(link) as answer:
            assert answer.headers["Cache-Control"] == FOR_EVER
