"""Every page: its looks, its weight, and what axe-core says of it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image
from playwright.sync_api import Page, Route, expect

from tests.browser.visit import (
    DESKTOP,
    LAYOUT_SHIFT,
    NEVER_SENT,
    PHONE,
    answered,
    faults,
    overflow,
)

Open = Callable[..., Page]

PAGES = ("/", "/about", "/api", "/privacy", "/no-such-page")

#: What the first page may weigh together, bytes as they are stored.
FIRST_PAGE_BYTES = 50_000


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("path", PAGES)
def test_page_has_no_fault(
    open_page: Open, path: str, width: int, scheme: str, language: str
) -> None:
    page = open_page(f"{path}?lang={language}", width, color_scheme=scheme)
    assert faults(page) == []
    assert overflow(page) <= 0
    expect(page.locator("html")).to_have_attribute("lang", language)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("name", ["portrait.png", "group.jpg", "empty.png"])
def test_answer_has_no_fault(
    open_page: Open, pictures: Path, name: str, width: int, scheme: str
) -> None:
    page = answered(open_page("/", width, color_scheme=scheme), pictures / name)
    for switch in page.get_by_role("checkbox", name="Where the model looked").all():
        switch.check()
    assert faults(page) == []
    assert overflow(page) <= 0


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_answers_for_several_pictures_have_no_fault(
    open_page: Open, pictures: Path, width: int
) -> None:
    names = ("portrait.png", "text.jpg", "group.jpg")
    page = answered(open_page("/", width), *(pictures / name for name in names))
    assert faults(page) == []
    assert overflow(page) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["text.jpg", "nothing.png", "cut.jpg", "huge.png"])
def test_error_page_has_no_fault_and_says_what_to_do(
    open_page: Open, pictures: Path, name: str, scheme: str
) -> None:
    page = answered(open_page(color_scheme=scheme), pictures / name)
    alert = page.get_by_role("alert").first
    expect(alert).to_be_visible()
    assert len(alert.inner_text()) > 40
    assert faults(page) == []
    answered(page, pictures / "portrait.png")  # its form works
    expect(page.locator("article .verdict")).to_be_visible()


@pytest.mark.parametrize("path", PAGES)
def test_page_works_at_320_pixels_and_in_large_letters(
    open_page: Open, path: str
) -> None:
    # 1280 pixels at 400 % are 320: WCAG 2.2, 1.4.10.
    assert overflow(open_page(path, 320)) <= 0


@pytest.mark.parametrize("language", ["en", "de"])
def test_answer_fits_into_320_pixels(
    open_page: Open, pictures: Path, tmp_path: Path, language: str
) -> None:
    # A camera whose name is one long word, which anyone can write into a file.
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "x" * 300
    with Image.open(pictures / "portrait.png") as portrait:
        portrait.save(tmp_path / "portrait.jpg", exif=exif)
    page = open_page(f"/?lang={language}", 320)
    for name in (tmp_path / "portrait.jpg", pictures / "group.jpg"):
        assert overflow(answered(page, name)) <= 0


def test_link_to_a_closed_shape_opens_it(open_page: Open) -> None:
    page = open_page("/api")
    shape = page.locator("#shape-model")
    expect(shape).to_be_hidden()
    page.locator('a[href="#shape-model"]').first.click()
    expect(shape).to_be_visible()


def test_first_page_is_light_and_comes_in_one_round(open_page: Open) -> None:
    page = open_page("about:blank")
    sizes: dict[str, int] = {}

    def note(response: Any) -> None:
        sizes[response.url] = len(response.body())

    page.on("response", note)
    page.goto("/")
    page.wait_for_load_state("networkidle")
    assert sum(sizes.values()) < FIRST_PAGE_BYTES, sizes
    # Everything is named in the page itself, so nothing waits for a second answer.
    html = page.content()
    for url in sizes:
        path = url.removeprefix(page.url.rstrip("/"))
        assert path == "/" or path.replace("&", "&amp;") in html
    assert page.evaluate(LAYOUT_SHIFT) == 0


def test_late_script_moves_nothing(open_page: Open) -> None:
    page = open_page("about:blank")

    def delay(route: Route) -> None:
        time.sleep(0.5)
        route.continue_()

    page.route("**/upload.js*", delay)
    page.goto("/")
    expect(page.locator("html")).to_have_class("scripted")
    assert page.evaluate(LAYOUT_SHIFT) == 0


@pytest.mark.parametrize("path", PAGES)
def test_language_is_chosen_by_a_link(open_page: Open, path: str) -> None:
    page = open_page(path)
    page.get_by_role("link", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.get_by_role("navigation").first.get_by_role("link").first.click()
    expect(page.locator("html")).to_have_attribute("lang", "de")


def test_answer_comes_in_the_visitors_language(open_page: Open, pictures: Path) -> None:
    page = answered(open_page("/?lang=de"), pictures / "portrait.png")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("main")).not_to_contain_text("Chance of being fake")
    assert faults(page) == []


def test_motion_is_left_out_where_it_is_unwanted(
    open_page: Open, pictures: Path
) -> None:
    page = open_page(reduced_motion="reduce")
    page.locator("#file").set_input_files(pictures / "portrait.png")
    page.evaluate(NEVER_SENT)
    page.get_by_role("button", name="Check").click()
    moving = page.evaluate(
        "document.getAnimations().filter((a) => a.playState === 'running').length"
    )
    assert moving == 0
