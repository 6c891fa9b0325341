"""The error pages that only another server setting, or a fault, brings up."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visit import Site, answered, faults


@pytest.fixture
def open_at(browser: Browser) -> Iterator[Callable[[Site], Page]]:
    """Open the form of a site."""
    contexts = []

    def make(site: Site) -> Page:
        context = browser.new_context(base_url=site.address, locale="en")
        contexts.append(context)
        page = context.new_page()
        page.goto("/")
        return page

    yield make
    for context in contexts:
        context.close()


def test_limit_of_an_address_is_a_page_that_says_when(
    serve: Callable[..., Site], open_at: Callable[[Site], Page], pictures: Path
) -> None:
    page = open_at(serve(rate_limit="1 per hour"))
    answered(page, pictures / "empty.png")
    answered(page, pictures / "empty.png")
    expect(page.get_by_role("alert").first).to_contain_text("again")
    assert faults(page) == []


def test_too_large_a_file_is_a_page_with_the_limit(
    serve: Callable[..., Site],
    open_at: Callable[[Site], Page],
    pictures: Path,
    tmp_path: Path,
) -> None:
    site = serve(max_upload_bytes=100_000, max_request_bytes=100_000)
    (tmp_path / "large.png").write_bytes(b"x" * 300_000)
    page = answered(open_at(site), tmp_path / "large.png")
    expect(page.get_by_role("alert").first).to_contain_text("0.1 MB")
    assert faults(page) == []
    assert site.left_over() == []


@pytest.mark.parametrize("status", [500, 503])
def test_fault_of_ours_is_a_page_without_a_traceback(
    status: int,
    serve: Callable[..., Site],
    open_at: Callable[[Site], Page],
    pictures: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from deepfake_detector.detector import Detector
    from deepfake_detector.exceptions import ArtifactError

    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError if status == 500 else ArtifactError("the model is gone")

    site = serve()
    monkeypatch.setattr(Detector, "analyse", fail)
    page = open_at(site)
    answered(page, pictures / "portrait.png")
    expect(page.get_by_text(f"Error {status}")).to_be_visible()
    assert "Traceback" not in page.content()
    assert faults(page) == []
    assert site.left_over() == []
