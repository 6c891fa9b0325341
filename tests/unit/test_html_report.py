import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from deepfake_detector import html_report
from deepfake_detector.html_report import (
    Cell,
    Drawing,
    Page,
    Section,
    Table,
    render_page,
    write_page,
)

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "a\x00b & c",
]


class Elements(HTMLParser):
    """What a browser would find: tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def drawing(caption: str = "a line") -> Drawing:
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([0, 1])
    return Drawing(figure, caption)


def page(words: str = "words") -> Page:
    table = Table((words, "n"), ((words, 1234), (Cell(words, "bad"), 0.5)), words)
    section = Section(words, (words,), (table,), (drawing(words),))
    return Page(words, words, (section, Section("Second")), words)


@pytest.mark.parametrize("words", HOSTILE)
def test_text_stays_text_wherever_it_stands(words: str) -> None:
    found = Elements(render_page(page(words)))
    plain = Elements(render_page(page()))
    assert [tag for tag, _ in found.found] == [tag for tag, _ in plain.found]
    # title, h1, lead, notice, contents, h2, paragraph, caption twice, column, two cells
    assert found.text.count(words) == 12
    assert found.all("img")[0]["alt"] == words


def test_page_loads_nothing_and_runs_nothing() -> None:
    html = render_page(page())
    found = Elements(html)
    for tag in ("script", "link", "iframe", "object"):
        assert found.all(tag) == []
    addresses = [a.get("src") or a.get("href") for _, a in found.found]
    for address in filter(None, addresses):
        assert address.startswith(("data:image/png;base64,", "#"))
    assert "url(" not in html and "@import" not in html
    policy = [a["content"] for a in found.all("meta") if "http-equiv" in a]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_colours_are_those_of_the_site() -> None:
    def colours(text: str) -> set[tuple[str, str]]:
        return set(re.findall(r"(--[a-z-]+): (#\w+);", text))

    site = (html_report._TEMPLATE.parents[1] / "static/style.css").read_text("utf-8")
    assert colours(render_page(Page("x"))) <= colours(site)


def test_figures_are_inside_as_png() -> None:
    (image,) = Elements(render_page(page())).all("img")
    data = base64.b64decode(str(image["src"]).partition(",")[2], validate=True)
    with Image.open(io.BytesIO(data)) as drawn:
        assert (drawn.format, drawn.width) == ("PNG", 160)
    assert image["width"] == "96"


def test_contents_lead_to_the_sections() -> None:
    found = Elements(render_page(page()))
    assert [a["href"] for a in found.all("a")] == ["#s1", "#s2"]
    assert [a["id"] for a in found.all("section")] == ["s1", "s2"]


@pytest.mark.parametrize(
    ("value", "text", "classes"),
    [
        (None, "–", "short"),
        ("name", "name", "short"),
        ("long " * 9, "long " * 9, ""),
        (1234567, "1,234,567", "number"),
        (0.12345, "0.123", "number"),
        (float("nan"), "nan", "number"),
        (True, "True", "short"),
    ],
)
def test_values_are_written_for_readers(
    value: str | int | float | None, text: str, classes: str
) -> None:
    assert (Cell(value).text, Cell(value).classes) == (text, classes)


def test_row_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 2 values in a row, got 1"):
        Table(("a", "b"), (("only",),))


def test_page_is_written_whole_into_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"
    write_page(path, page("Grüße"))
    assert path.read_text(encoding="utf-8") == render_page(page("Grüße"))
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


def test_older_page_survives_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("older")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_page(path, page())
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert path.read_text() == "older"
