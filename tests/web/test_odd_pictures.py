"""Pictures that only look odd get the verdict of their plain RGB twin."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

Encode = Callable[..., bytes]


def encode(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def on_white(picture: Image.Image) -> Image.Image:
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def half_transparent(drawing: Image.Image) -> Image.Image:
    picture = drawing.convert("RGBA")
    alpha = Image.linear_gradient("L").resize(drawing.size)
    picture.putalpha(alpha)
    return picture


def sixteen_bit(drawing: Image.Image) -> Image.Image:
    wide = np.asarray(drawing.convert("L"), dtype=np.uint16) * 257
    return Image.fromarray(wide)


def turned(drawing: Image.Image) -> bytes:
    """Stored lying on its side, with the EXIF note that says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    side = drawing.transpose(Image.Transpose.ROTATE_90)
    return encode(side, "JPEG", quality=95, exif=exif)


def animated(drawing: Image.Image, file_format: str) -> bytes:
    dark = Image.new("RGB", drawing.size)
    options = {"save_all": True, "append_images": [dark], "lossless": True}
    return encode(drawing, file_format, **options)


#: Name -> the odd file, and the plain picture that it shows.
ODD: dict[str, tuple[Callable[[Image.Image], bytes], Callable[[Any], Image.Image]]] = {
    "cmyk": (
        lambda d: encode(d.convert("CMYK"), "JPEG", quality=95),
        lambda d: d,
    ),
    "16 bit": (
        lambda d: encode(sixteen_bit(d), "PNG"),
        lambda d: d.convert("L").convert("RGB"),
    ),
    "palette": (lambda d: encode(d.quantize(16), "PNG"), lambda d: d),
    "palette with a transparent colour": (
        lambda d: encode(d.quantize(16), "PNG", transparency=0),
        lambda d: on_white(keyed(d)),
    ),
    "transparent": (
        lambda d: encode(half_transparent(d), "PNG"),
        lambda d: on_white(half_transparent(d)),
    ),
    "grey": (
        lambda d: encode(d.convert("L"), "PNG"),
        lambda d: d.convert("L").convert("RGB"),
    ),
    "grey with alpha": (
        lambda d: encode(d.convert("LA"), "PNG"),
        lambda d: d.convert("L").convert("RGB"),
    ),
    "turned by exif": (turned, lambda d: d),
    "animated webp": (lambda d: animated(d, "WEBP"), lambda d: d),
    "animated png": (lambda d: animated(d, "PNG"), lambda d: d),
    "webp": (lambda d: encode(d, "WEBP", lossless=True), lambda d: d),
}


def keyed(drawing: Image.Image) -> Image.Image:
    """The drawing with the colour that quantize puts first made transparent."""
    indices = np.asarray(drawing.quantize(16))
    picture = drawing.convert("RGBA")
    picture.putalpha(Image.fromarray(np.where(indices == 0, 0, 255).astype(np.uint8)))
    return picture


@pytest.mark.parametrize("name", ODD)
def test_odd_picture_gets_the_verdict_of_its_plain_twin(
    sky_server: Any, drawing: Image.Image, name: str
) -> None:
    make_odd, make_twin = ODD[name]
    answers = [
        sky_server.send(("file", "a.jpg", content), path="/api/v1/predict")
        for content in (make_odd(drawing), encode(make_twin(drawing), "PNG"))
    ]
    odd, plain = (answer.json for answer in answers)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert (odd["width"], odd["height"]) == (plain["width"], plain["height"])
    assert odd["verdict"] == plain["verdict"]
    assert odd["p_fake"] == pytest.approx(plain["p_fake"], abs=0.02)
    assert sky_server.send(("file", "a.jpg", make_odd(drawing))).status_code == 200


def test_the_model_tells_an_upright_picture_from_a_turned_one(
    sky_server: Any, drawing: Image.Image
) -> None:
    upside_down = drawing.transpose(Image.Transpose.ROTATE_180)
    scores = [
        sky_server.send(
            ("file", "a.png", encode(picture, "PNG")), path="/api/v1/predict"
        ).json["p_fake"]
        for picture in (drawing, upside_down)
    ]
    assert scores[0] > 0.95
    assert scores[1] < 0.05


@pytest.mark.parametrize(
    "name", ["../../tmp/x.jpg", "/etc/passwd", "a\\b.png", "no-extension", "x" * 400]
)
def test_good_picture_under_any_name_is_judged(
    sky_server: Any, drawing_png: bytes, name: str
) -> None:
    assert sky_server.send(("file", name, drawing_png)).status_code == 200
    assert sky_server.left_over() == []


def test_one_pixel_has_no_face(start: Callable[..., Any], as_png: Encode) -> None:
    dot = as_png(Image.new("RGB", (1, 1)))
    answer = start().send(("file", "dot.png", dot))
    assert answer.status_code == 200
    assert "no face found" in answer.text
