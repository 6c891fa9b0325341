"""Text of unknown origin, made fit to be shown."""

import pytest

from deepfake_detector.readable_text import MOST_SHOWN, readable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Canon EOS 5D", "Canon EOS 5D"),
        ("", ""),
        ("  two\r\n\tlines\x00 ", "two lines"),
        ("a\x1b[31mred\x07", "a[31mred"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("\u2066a\u2069\u200b\ufeffb\u00ad", "ab"),
        ("a\ud800b\ue000c\U000e0041", "abc"),
        ("Müller 写真 😀", "Müller 写真 😀"),
        # Markup is text; the page escapes it.
        ("<b onload=x>&amp;", "<b onload=x>&amp;"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 3),
        ("\u2028\u2029", ""),
    ],
)
def test_only_what_prints_is_left(text: str, shown: str) -> None:
    assert readable(text) == shown


def test_long_text_is_cut() -> None:
    shown = readable("x" * 10_000_000)
    assert shown == "x" * (MOST_SHOWN - 1) + "…"
    assert readable("ab cd", 4) == "ab…"
    assert readable("x" * MOST_SHOWN) == "x" * MOST_SHOWN
