"""Words drawn on pictures, in the font that Pillow carries: no font file is needed."""

from PIL import ImageFont

Font = ImageFont.ImageFont | ImageFont.FreeTypeFont


def font(size: float) -> Font:
    """Return Pillow's own font.

    Parameters
    ----------
    size : float
        Height of the letters in pixels.

    Returns
    -------
    ImageFont or FreeTypeFont
        The font.
    """
    return ImageFont.load_default(size)


def line_height(of: Font) -> int:
    """Return the height of a line of text.

    Parameters
    ----------
    of : ImageFont or FreeTypeFont
        What it is written in.

    Returns
    -------
    int
        From the highest letter to the lowest with a little air, in pixels.
    """
    _, top, _, bottom = of.getbbox("Ag|1")
    return round((bottom - top) * 1.25) + 2


def wrapped(text: str, width: float, of: Font) -> list[str]:
    """Break a text into lines.

    Parameters
    ----------
    text : str
        Words.
    width : float
        Widest that a line may be, in pixels.
    of : ImageFont or FreeTypeFont
        What it is written in.

    Returns
    -------
    list of str
        Lines of whole words, at least one; none wider than `width` unless a single
        word is.
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and of.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
