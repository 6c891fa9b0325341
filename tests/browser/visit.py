"""What visitors do, in words that several test files share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

#: Widths of a phone and of a desktop, pixels.
PHONE: Final = 390
DESKTOP: Final = 1280

#: Rules of WCAG 2.2, levels A and AA, and axe's own advice.
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

#: The sum of all layout shifts since the page began, as web.dev's CLS counts them.
LAYOUT_SHIFT: Final = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(sum), 400);
})"""


#: Leaves the page as it is while a form is on its way.
NEVER_SENT: Final = """() => document.querySelector("form.upload").addEventListener(
  "submit", (event) => event.preventDefault())"""


@dataclass
class Site:
    """A server, and the folder that its uploads lie in."""

    address: str
    upload_dir: Path

    def left_over(self) -> list[str]:
        """Names of the files in the upload folder."""
        return [file.name for file in self.upload_dir.iterdir()]


def send(page: Page) -> None:
    """Press the button of the form, and wait for the answer."""
    with page.expect_navigation():
        page.locator("button.send").click()


def answered(page: Page, *files: Path) -> Page:
    """Send files and wait for the answer."""
    page.locator("#file").set_input_files(list(files))
    send(page)
    return page


def verdicts(page: Page) -> list[str]:
    """The verdict on each picture of an answer, as it reads."""
    return [text.strip() for text in page.locator("article .verdict").all_inner_texts()]


def faults(page: Page) -> list[tuple[str, str, list[Any]]]:
    """What axe-core finds: rule, impact, and where."""
    found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
    return [
        (fault["id"], fault["impact"], [node["target"] for node in fault["nodes"]])
        for fault in found
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    width: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return width
