"""Make the pictures in docs/images from a running server and drawn portraits.

``make run`` in one terminal, ``make screenshots`` in another. Needs Debian's chromium
and chromium-driver; ADDRESS names another server.
"""

import base64
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import requests
from PIL import Image

from deepfake_detector.datasets.face_drawing import draw_face

ADDRESS: Final = os.environ.get("ADDRESS", "http://127.0.0.1:8000/")
IMAGES: Final = Path(__file__).resolve().parent / "images"
DRIVER: Final = "http://127.0.0.1:9516"

#: Width of the window and whether it is dark, by the suffix of the picture's name.
VIEWS: Final = {"": (1280, False), "-dark": (1280, True), "-phone": (390, False)}

WINDOW_HEIGHT: Final = 700

#: Seed of the drawn portrait.
SEED: Final = 5


def main() -> None:
    """Write form, result and error page, each in every view."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, chromedriver():
        portrait, text = Path(name) / "portrait.png", Path(name) / "portrait.jpg"
        Image.fromarray(draw_face(SEED, 512)).save(portrait)
        text.write_text("not a picture")
        for suffix, (width, dark) in VIEWS.items():
            with browser(width, dark) as session:
                session.open(ADDRESS)
                session.screenshot(IMAGES / f"form{suffix}.png", width)
                for page, file in (("result", portrait), ("error", text)):
                    session.upload(file)
                    session.screenshot(IMAGES / f"{page}{suffix}.png", width)


class Session:
    """One browser window, driven over the WebDriver protocol.

    Parameters
    ----------
    session_id : str
        Name that chromedriver gave it.
    """

    def __init__(self, session_id: str) -> None:
        self.path = f"/session/{session_id}"

    def open(self, url: str) -> None:
        """Load a page."""
        call("POST", f"{self.path}/url", {"url": url})

    def devtools(self, command: str, **parameters: Any) -> None:
        """Send a Chrome DevTools command."""
        body = {"cmd": command, "params": parameters}
        call("POST", f"{self.path}/goog/cdp/execute", body)

    def upload(self, file: Path) -> None:
        """Choose a file in the form and send it."""
        self.open(ADDRESS)
        field, button = (
            f"{self.path}/element/{self._find(selector)}"
            for selector in ("#file", "form .send")
        )
        call("POST", f"{field}/value", {"text": str(file)})
        call("POST", f"{button}/click", {})

    def screenshot(self, file: Path, width: int) -> None:
        """Write the whole page as a PNG."""
        self.resize(width, WINDOW_HEIGHT)  # a page is at least as high as its window
        script = "return document.documentElement.scrollHeight"
        body = {"script": script, "args": []}
        height = call("POST", f"{self.path}/execute/sync", body)
        self.resize(width, height)
        file.write_bytes(base64.b64decode(call("GET", f"{self.path}/screenshot")))

    def resize(self, width: int, height: int) -> None:
        """Set the page's size in pixels; phones are narrower than a window can be."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def _find(self, selector: str) -> str:
        body = {"using": "css selector", "value": selector}
        element: dict[str, str] = call("POST", f"{self.path}/element", body)
        return next(iter(element.values()))


@contextmanager
def chromedriver() -> Iterator[None]:
    """Run chromedriver until the block ends."""
    program = shutil.which("chromedriver")
    if program is None:
        raise SystemExit("screenshots: install chromium and chromium-driver first")
    driver = subprocess.Popen([program, "--port=9516", "--silent"])  # noqa: S603
    try:
        for _ in range(100):
            try:
                call("GET", "/status")
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield
    finally:
        driver.terminate()


@contextmanager
def browser(width: int, dark: bool) -> Iterator[Session]:
    """Open a headless window of a width, light or dark."""
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
    arguments = [*options, "--disable-background-networking", "--no-first-run"]
    chrome = {"goog:chromeOptions": {"args": arguments}}
    made = call("POST", "/session", {"capabilities": {"alwaysMatch": chrome}})
    session = Session(made["sessionId"])
    try:
        session.resize(width, WINDOW_HEIGHT)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        session.devtools("Emulation.setEmulatedMedia", features=[scheme])
        yield session
    finally:
        call("DELETE", session.path)


def call(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask chromedriver; return the value of its answer."""
    answer = requests.request(method, DRIVER + path, json=body, timeout=60)
    answer.raise_for_status()
    return answer.json()["value"]


if __name__ == "__main__":
    main()
