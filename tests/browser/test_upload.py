"""How pictures come to the page: click, drop, paste, camera; without a script too."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visit import DESKTOP, NEVER_SENT, PHONE, send, verdicts

Open = Callable[..., Page]

#: Gives the page files as a person's drop or paste does.
HAND_OVER = """([kind, files]) => {
  const transfer = new DataTransfer();
  for (const [name, type, content] of files) {
    const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type }));
  }
  const target = document.querySelector(kind === "drop" ? ".drop" : "body");
  const options = { bubbles: true, cancelable: true };
  target.dispatchEvent(
    kind === "drop"
      ? new DragEvent("drop", { dataTransfer: transfer, ...options })
      : new ClipboardEvent("paste", { clipboardData: transfer, ...options }),
  );
}"""


def hand_over(page: Page, kind: str, *paths: Path) -> None:
    """Drop or paste files."""
    files: list[list[Any]] = [
        [path.name, "image/png", base64.b64encode(path.read_bytes()).decode()]
        for path in paths
    ]
    page.evaluate(HAND_OVER, [kind, files])


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_chosen_picture_is_answered(
    open_page: Open, pictures: Path, width: int, javascript: bool
) -> None:
    page = open_page(width=width, java_script_enabled=javascript)
    page.get_by_label("Pictures", exact=True).set_input_files(pictures / "portrait.png")
    send(page)
    (verdict,) = verdicts(page)
    assert verdict.startswith(("Likely", "Inconclusive"))
    assert page.title().startswith(verdict.split("\n")[0].split(" (")[0])


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_dropped_and_pasted_pictures_are_answered(
    open_page: Open, pictures: Path, kind: str
) -> None:
    page = open_page()
    hand_over(page, kind, pictures / "portrait.png")
    hand_over(page, kind, pictures / "empty.png")
    expect(page.locator(".chosen li")).to_have_count(2)
    send(page)
    assert len(verdicts(page)) == 2
    assert verdicts(page)[1].startswith("No face found")


def test_dropped_text_is_left_out(open_page: Open, pictures: Path) -> None:
    page = open_page()
    page.evaluate(
        """() => {
          const transfer = new DataTransfer();
          transfer.setData("text/plain", "not a file");
          document.querySelector(".drop").dispatchEvent(
            new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
        }"""
    )
    expect(page.locator(".chosen li")).to_have_count(0)


def test_dropped_file_of_another_kind_is_not_lost_in_silence(
    open_page: Open, pictures: Path
) -> None:
    page = open_page()
    page.evaluate(
        """() => {
          const transfer = new DataTransfer();
          const options = { type: "application/pdf" };
          transfer.items.add(new File(["%PDF-1.7"], "scan.pdf", options));
          document.querySelector(".drop").dispatchEvent(
            new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
        }"""
    )
    expect(page.locator(".chosen li")).to_contain_text("scan.pdf")
    send(page)
    expect(page.get_by_role("alert").first).to_contain_text("This kind of file")


def test_photo_is_added_to_what_was_chosen(open_page: Open, pictures: Path) -> None:
    page = open_page(width=PHONE, has_touch=True, is_mobile=True)
    page.locator("#file").set_input_files(pictures / "portrait.png")
    photo = page.get_by_label("Take a photo")
    expect(photo).to_have_attribute("capture", "environment")
    photo.set_input_files(pictures / "other.jpg")
    expect(page.locator(".chosen li")).to_have_count(2)
    send(page)
    assert len(verdicts(page)) == 2


def test_camera_field_without_a_script_sends_its_photo(
    open_page: Open, pictures: Path
) -> None:
    page = open_page(
        width=PHONE, has_touch=True, is_mobile=True, java_script_enabled=False
    )
    page.locator("#photo").set_input_files(pictures / "other.jpg")
    send(page)
    assert len(verdicts(page)) == 1


def test_pictures_are_shown_before_they_are_sent(
    open_page: Open, pictures: Path
) -> None:
    page = open_page()
    page.locator("#file").set_input_files(
        [pictures / "portrait.png", pictures / "group.jpg"]
    )
    rows = page.locator(".chosen li")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("portrait.png")
    page.wait_for_function(
        """() => [...document.querySelectorAll(".chosen canvas")].every((canvas) =>
          canvas.getContext("2d").getImageData(48, 48, 1, 1).data[3] === 255)"""
    )
    page.get_by_role("button", name="Remove portrait.png").click()
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("group.jpg")
    expect(page.get_by_role("status")).to_have_text("1 picture chosen")
    send(page)
    assert len(verdicts(page)) == 1


def test_file_with_a_hostile_name_is_shown_as_text(
    open_page: Open, pictures: Path, tmp_path: Path
) -> None:
    path = tmp_path / "<img src=x onerror=alert(1)>.png"
    path.write_bytes((pictures / "empty.png").read_bytes())
    page = open_page()
    page.locator("#file").set_input_files(path)
    expect(page.locator(".chosen li")).to_contain_text("<img src=x")
    expect(page.locator(".chosen img")).to_have_count(0)
    send(page)
    assert "onerror" not in page.content()


def test_too_many_are_said_at_once_and_by_the_server(
    open_page: Open, pictures: Path
) -> None:
    page = open_page()
    page.locator("#file").set_input_files([pictures / "empty.png"] * 11)
    expect(page.get_by_role("alert")).to_have_text(
        "At most 10 pictures can be checked at once."
    )
    send(page)
    expect(page.get_by_role("alert").first).to_contain_text(
        "Expected at most 10 pictures, got 11"
    )


def test_ten_pictures_are_answered(open_page: Open, pictures: Path) -> None:
    page = open_page()
    page.locator("#file").set_input_files(
        [pictures / "portrait.png", pictures / "text.jpg"] * 5
    )
    send(page)
    found = verdicts(page)
    assert len(found) == 10
    assert found[1::2] == ["This picture could not be checked"] * 5


def test_progress_is_shown_while_it_works(open_page: Open, pictures: Path) -> None:
    page = open_page()
    page.locator("#file").set_input_files([pictures / "portrait.png"] * 3)
    page.evaluate(NEVER_SENT)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("status")).to_have_text("Checking 3 pictures…")
    expect(page.locator("button.send")).to_be_disabled()


def test_who_comes_back_can_send_again(open_page: Open, pictures: Path) -> None:
    page = open_page()
    page.locator("#file").set_input_files(pictures / "portrait.png")
    send(page)
    page.go_back()
    expect(page.get_by_role("button", name="Check")).to_be_enabled()
    page.locator("#file").set_input_files(pictures / "empty.png")
    send(page)
    assert len(verdicts(page)) == 2


def test_who_stopped_the_sending_can_send_again(
    open_page: Open, pictures: Path
) -> None:
    page = open_page()
    page.locator("#file").set_input_files(pictures / "portrait.png")
    page.evaluate(NEVER_SENT)
    page.get_by_role("button", name="Check").click()
    expect(page.locator("button.send")).to_be_disabled()
    page.locator("#file").set_input_files(pictures / "empty.png")
    expect(page.locator("button.send")).to_be_enabled()


def test_nothing_chosen_is_said_in_place(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_have_text("Choose a picture first.")
    expect(page.locator("#file")).to_be_focused()


def test_nothing_chosen_without_a_script_is_an_answer_too(open_page: Open) -> None:
    page = open_page(java_script_enabled=False)
    send(page)
    expect(page.get_by_role("alert").first).to_contain_text("No selected file")


def test_keyboard_alone_is_enough(open_page: Open, pictures: Path) -> None:
    page = open_page()
    # Chromium hands choosers over once it is asked to, which a key pressed right after
    # the asking may overtake: so it is asked now.
    page.on("filechooser", lambda _: None)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#file")).to_be_focused()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(pictures / "portrait.png")
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.className"))
        if seen[-1] == "send":
            break
    assert seen[-1] == "send"
    with page.expect_navigation():
        page.keyboard.press("Enter")
    switch = page.get_by_role("checkbox", name="Where the model looked")
    for _ in range(20):
        page.keyboard.press("Tab")
        if switch.evaluate("node => node === document.activeElement"):
            break
    before = page.locator(".crop").first.screenshot()
    page.keyboard.press("Space")
    expect(switch).to_be_checked()
    assert page.locator(".crop").first.screenshot() != before
