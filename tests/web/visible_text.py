"""What a visitor of a page sees or hears, piece by piece."""

from html.parser import HTMLParser

#: Attributes that are read out or shown.
SPOKEN = ("alt", "aria-label", "aria-description", "placeholder", "title")

#: What stands in these is the same in every language.
UNTRANSLATED = ("code", "pre", "kbd", "samp", "script", "style")

#: They have no end.
VOID = ("br", "hr", "img", "input", "link", "meta", "path", "rect", "circle", "image")


class VisibleText(HTMLParser):
    """Collects texts and attributes that are in the page's own language."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        # Whether what stands in each open element is in the page's language.
        self._open: list[tuple[str, bool]] = [("", True)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        here = self._is_ours(tag, dict(attrs))
        if here:
            self._collect_attributes(tag, dict(attrs))
        if tag not in VOID:
            self._open.append((tag, here))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._is_ours(tag, dict(attrs)):
            self._collect_attributes(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self._open[-1][0], f"<{self._open[-1][0]}> ended by </{tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open[-1][1]:
            self.pieces.append(data.strip())

    def _is_ours(self, tag: str, attributes: dict[str, str | None]) -> bool:
        if tag in UNTRANSLATED or attributes.get("translate") == "no":
            return False
        if tag == "html":
            return True
        # A part in another language says so; one in the page's language again, too.
        language = attributes.get("lang")
        return self._open[-1][1] if language is None else language == self.page_language

    def _collect_attributes(self, tag: str, attributes: dict[str, str | None]) -> None:
        for name, value in attributes.items():
            described = tag == "meta" and attributes.get("name") == "description"
            if (
                name in SPOKEN
                or (name == "content" and described)
                or (name.startswith("data-"))
                or (name == "value" and attributes.get("type") in ("submit", "button"))
            ):
                self.pieces.append((value or "").strip())

    page_language = ""


def visible_text(page: str, language: str) -> list[str]:
    """Return the pieces of a page that should be in a language, empty ones left out."""
    parser = VisibleText()
    parser.page_language = language
    parser.feed(page)
    parser.close()
    return [piece for piece in parser.pieces if piece]
