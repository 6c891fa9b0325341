"""What an answer shows, saves and prints."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import ExifTags, Image
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from deepfake_detector.datasets.face_drawing import draw_face
from tests.browser.visit import DESKTOP, LAYOUT_SHIFT, PHONE, answered

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty faces in four rows."""
    scene = Image.new("RGB", (1500, 1200), (120, 125, 130))
    for number in range(20):
        row, column = divmod(number, 5)
        face = Image.fromarray(draw_face(number, 280))
        scene.paste(face, (column * 300 + 10, row * 300 + 10))
    path = tmp_path_factory.mktemp("crowd") / "crowd.jpg"
    scene.save(path, quality=92)
    return path


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_every_face_has_its_number_box_and_card(
    open_page: Open, pictures: Path, width: int
) -> None:
    page = answered(open_page(width=width), pictures / "group.jpg")
    boxes = page.locator("figure.picture g.face")
    cards = page.locator(".faces .face-card")
    assert boxes.count() == cards.count() > 1
    for number in range(cards.count()):
        expect(boxes.nth(number)).to_contain_text(f"Face {number + 1}")
        card = cards.nth(number)
        expect(card).to_contain_text(f"Face {number + 1}")
        expect(card).to_contain_text("Chance of being fake")
        expect(card).to_contain_text("pixels")


@pytest.mark.parametrize("javascript", [True, False])
def test_heatmap_is_behind_a_switch(
    open_page: Open, pictures: Path, javascript: bool
) -> None:
    page = open_page(java_script_enabled=javascript)
    answered(page, pictures / "group.jpg")
    switch = page.get_by_role("checkbox", name="Where the model looked").nth(1)
    crop = page.locator(".crop").nth(1)
    off = crop.screenshot()
    switch.check()
    assert crop.screenshot() != off
    switch.uncheck()
    assert crop.screenshot() == off


def test_closer_look_is_asked_for_on_the_form(open_page: Open, pictures: Path) -> None:
    page = open_page()
    page.get_by_text("Options").click()
    page.get_by_label("Look closer at where the model looked").check()
    answered(page, pictures / "portrait.png")
    expect(page.get_by_text("covering one place after the other")).to_be_visible()
    expect(
        page.get_by_label("Look closer at where the model looked").last
    ).to_be_checked()


def test_own_threshold_is_kept_on_the_form(open_page: Open, pictures: Path) -> None:
    page = open_page()
    page.get_by_text("Options").click()
    page.get_by_label("Call a face likely fake from").fill("0.01")
    answered(page, pictures / "portrait.png")
    expect(page.get_by_label("Call a face likely fake from")).to_have_value("0.01")
    expect(page.locator("article .verdict")).to_contain_text("Likely fake")


def test_whole_picture_is_scored_at_the_second_try(
    open_page: Open, pictures: Path
) -> None:
    page = answered(open_page(), pictures / "empty.png")
    expect(page.locator("article .verdict")).to_contain_text("No face found")
    expect(page.get_by_label("score the whole picture")).to_be_checked()
    answered(page, pictures / "empty.png")
    expect(page.locator("article .verdict")).not_to_contain_text("No face found")
    expect(page.get_by_text("No face was found, so the middle")).to_be_visible()


def test_saved_report_is_the_answer_of_the_api(open_page: Open, pictures: Path) -> None:
    page = answered(open_page(), pictures / "portrait.png")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save report").click()
    report = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert download.value.suggested_filename == "deepfake-report.json"
    response = page.request.post(
        "/api/v1/predict", multipart={"file": pictures / "portrait.png"}
    )
    answer = response.json()
    (of_page,) = report["results"] if "results" in report else [report]
    assert {name: of_page[name] for name in answer} == answer


def test_pictures_are_in_the_page_and_small(open_page: Open, pictures: Path) -> None:
    page = answered(open_page(), pictures / "group.jpg")
    uris = page.eval_on_selector_all(
        "img[src^='data:'], image[href^='data:']",
        "nodes => nodes.map((n) => n.getAttribute('src') || n.getAttribute('href'))",
    )
    assert len(uris) > 6
    for uri in uris:
        content = base64.b64decode(uri.split(",", 1)[1])
        assert max(Image.open(io.BytesIO(content)).size) <= 1280


def test_upload_is_said_to_be_deleted(open_page: Open, pictures: Path) -> None:
    page = answered(open_page(), pictures / "portrait.png")
    expect(page.get_by_text("Your upload has been deleted")).to_be_visible()


@pytest.mark.parametrize("name", ["portrait.png", "group.jpg"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_answer_shifts_nothing_when_it_comes(
    open_page: Open, pictures: Path, name: str, width: int
) -> None:
    page = answered(open_page(width=width), pictures / name)
    page.wait_for_load_state("networkidle")
    assert page.evaluate(LAYOUT_SHIFT) < 0.01


def sheets(page: Page) -> list[str]:
    """The text of each printed page."""
    pdf = page.pdf(prefer_css_page_size=True)
    return [sheet.extract_text() for sheet in PdfReader(io.BytesIO(pdf)).pages]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["portrait.png", "group.jpg", "empty.png"])
def test_answer_prints_on_one_sheet_of_a4(
    open_page: Open, pictures: Path, name: str, dark: bool
) -> None:
    scheme = "dark" if dark else "light"
    page = answered(open_page(color_scheme=scheme), pictures / name)
    pdf = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    (sheet,) = pdf.pages
    assert [round(float(side) / 72 * 25.4) for side in sheet.mediabox[2:]] == [210, 297]
    text = sheet.extract_text()
    assert "SHA-256" in text
    assert "never proof" in text
    assert "Drop pictures here" not in text


def test_twenty_faces_print_on_one_sheet(open_page: Open, crowd: Path) -> None:
    page = answered(open_page(), crowd)
    (sheet,) = sheets(page)
    cards = page.locator(".faces .face-card").count()
    assert cards >= 15
    # Each has its percentage, with its verdict or beside it.
    assert sheet.count("(Real ") + sheet.count("Chance of being fake") == cards


def test_long_entries_of_a_file_leave_the_sheet_one(
    open_page: Open, crowd: Path, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "M" * 300
    exif[ExifTags.Base.Model] = "O" * 300
    exif[ExifTags.Base.Software] = "a program " * 30
    with Image.open(crowd) as picture:
        picture.save(tmp_path / "crowd.jpg", exif=exif)
    page = answered(open_page("/?lang=de"), tmp_path / "crowd.jpg")
    (sheet,) = sheets(page)
    assert "MMM" in sheet


def test_three_pictures_print_on_three_sheets(open_page: Open, pictures: Path) -> None:
    names = ("portrait.png", "group.jpg", "other.jpg")
    page = answered(open_page(), *(pictures / name for name in names))
    assert len(sheets(page)) == 3
