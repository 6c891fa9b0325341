"""The real page, with the model that ships, in headless Chromium.

Every page that a test opens is watched: a request to another host, an error in the
console or a refused resource fails the test.
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

from deepfake_detector.config import ServeConfig
from deepfake_detector.datasets.face_drawing import draw_face
from deepfake_detector.inference_model import InferenceModel
from tests.browser.visit import DESKTOP, Site

CHROMIUM_OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this starts a browser, so none of it is quick."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; a skip where there is none, unless one is required."""
    path = shutil.which("chromium")
    if path is None:
        reason = "there is no chromium; apt-get install chromium"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"REQUIRE_BROWSER=1, but {reason}")
        pytest.skip(reason)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=list(CHROMIUM_OPTIONS)
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def serve(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., Site]]:
    """Start a server: the shipped model, no rate limit, and a test's settings."""
    servers = []
    detector = InferenceModel(ServeConfig()).detector

    def start(**settings: Any) -> Site:
        upload_dir = tmp_path_factory.mktemp("uploads")
        settings = {"rate_limit": "", **settings}
        config = ServeConfig(upload_dir=upload_dir, **settings)
        app = InferenceModel(config, detector).app
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return Site(f"http://127.0.0.1:{server.server_port}", upload_dir)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def site(serve: Callable[..., Site]) -> Site:
    """The server that most tests use."""
    return serve()


@dataclass
class Watched:
    """What a page loaded, and what it complained of."""

    origin: str
    urls: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Listen to a page."""
        page.on("request", lambda request: self.urls.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self._hear(line.type, line.text))

    def _hear(self, kind: str, text: str) -> None:
        # Chromium notes each answer that is an error page; those are asked for here.
        if kind in ("error", "warning") and "the server responded with" not in text:
            self.complaints.append(text)

    def foreign(self) -> list[str]:
        """Addresses of other hosts that were asked for."""
        own = ("data", "blob", "about")
        return [
            url
            for url in self.urls
            if urlsplit(url).scheme not in own and not url.startswith(self.origin)
        ]


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """Open an address of the site; options are those of a browser context."""
    contexts: list[BrowserContext] = []
    watched = Watched(site.address)

    def make(path: str = "/", width: int = DESKTOP, **options: Any) -> Page:
        options = {"viewport": {"width": width, "height": 900}, **options}
        context = browser.new_context(base_url=site.address, locale="en", **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        watched.watch(page)
        page.goto(path)
        return page

    yield make
    for context in contexts:
        context.close()
    assert watched.foreign() == []
    assert watched.complaints == []
    assert site.left_over() == []


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files that people upload, all of them drawn here."""
    folder = tmp_path_factory.mktemp("pictures")
    Image.fromarray(draw_face(5, 512)).save(folder / "portrait.png")
    Image.fromarray(draw_face(7, 300)).save(folder / "other.jpg", quality=90)
    group = Image.new("RGB", (1200, 800), (120, 125, 130))
    for number in range(6):
        row, column = divmod(number, 3)
        face = Image.fromarray(draw_face(number, 380))
        group.paste(face, (column * 400 + 10, row * 400 + 10))
    group.save(folder / "group.jpg", quality=92)
    Image.new("RGB", (640, 480), (90, 120, 160)).save(folder / "empty.png")
    Image.fromarray(np.zeros((7500, 8000), dtype=np.uint8)).save(folder / "huge.png")
    (folder / "text.jpg").write_text("This is not a picture.")
    (folder / "nothing.png").write_bytes(b"")
    (folder / "cut.jpg").write_bytes((folder / "group.jpg").read_bytes()[:9000])
    return folder
