"""Make the pictures in docs/images: `make screenshots`.

Serves the shipped model by itself, sends it pictures that this program draws, and takes
what Debian's chromium shows.
"""

import io
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from deepfake_detector.config import ServeConfig
from deepfake_detector.datasets.face_drawing import draw_face
from deepfake_detector.inference_model import InferenceModel

IMAGES: Final = Path(__file__).resolve().parent / "images"

#: Width of the window and whether it is dark, by the suffix of the picture's name.
VIEWS: Final = {"": (1280, False), "-dark": (1280, True), "-phone": (390, False)}

#: Files that are sent, by the name of the picture; none for the empty form.
PAGES: Final = {
    "form": (),
    "result": ("portrait.png",),
    "group": ("group.jpg",),
    "several": ("portrait.png", "text.jpg", "group.jpg"),
    "error": ("text.jpg",),
}

#: What the README and docs/ show; the rest is for looking at while designing.
KEPT: Final = (
    *("form", "form-phone", "result", "result-phone", "group-dark", "error"),
    "several",
)

#: Seed of the drawn portrait, which the README's answer is of, too.
SEED: Final = 5

_WINDOW_HEIGHT: Final = 700
_GREY: Final = (120, 125, 130)


def main() -> None:
    """Write every picture that is kept."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, served(Path(name)) as address:
        draw_files(Path(name))
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            for picture in KEPT:
                page, _, view = picture.partition("-")
                files = [Path(name) / file for file in PAGES[page]]
                suffix = f"-{view}" if view else ""
                with opened(chromium, address, suffix) as shown:
                    send(shown, files)
                    keep(shown.screenshot(full_page=True), IMAGES / f"{picture}.png")
            chromium.close()


def draw_files(folder: Path) -> None:
    """Draw a portrait and a group, and write a text that is named as a picture."""
    Image.fromarray(draw_face(SEED, 512)).save(folder / "portrait.png")
    group = Image.new("RGB", (1200, 400), _GREY)
    for number in range(3):
        face = Image.fromarray(draw_face(number, 380))
        group.paste(face, (number * 400 + 10, 10))
    group.save(folder / "group.jpg", quality=92)
    (folder / "text.jpg").write_text("This is not a picture.")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the shipped model on this computer; yield the address."""
    uploads = folder / "uploads"
    uploads.mkdir()
    app = InferenceModel(ServeConfig(upload_dir=uploads)).app
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def opened(chromium: Browser, address: str, suffix: str) -> Iterator[Page]:
    """Open the form in one of the views."""
    width, dark = VIEWS[suffix]
    context = chromium.new_context(
        viewport={"width": width, "height": _WINDOW_HEIGHT},
        color_scheme="dark" if dark else "light",
        locale="en",
    )
    page = context.new_page()
    page.goto(address)
    try:
        yield page
    finally:
        context.close()


def keep(content: bytes, path: Path) -> None:
    """Write a screenshot with 256 colours, a third of its size.

    K-means gives wide areas the colour that they have: without it they are tinted.
    """
    with Image.open(io.BytesIO(content)) as screenshot:
        colours = screenshot.convert("RGB")
        few = colours.quantize(256, Image.Quantize.MEDIANCUT, kmeans=3)
        few.save(path, optimize=True)


def send(page: Page, files: Sequence[Path]) -> None:
    """Choose files and send them; nothing where there are none."""
    if files:
        page.set_input_files("#file", list(files))
        with page.expect_navigation():
            page.click("form .send")


if __name__ == "__main__":
    main()
