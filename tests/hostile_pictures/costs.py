"""What costly files cost: ``python -m tests.hostile_pictures.costs`` prints JSON.

For each the seconds of one processor that Pillow takes to decode it, and those that
`decoding_cost.py` takes to see that it should not be let near.
"""

import io
import json
import sys
import time
from collections.abc import Callable

from PIL import Image

from deepfake_detector.decoding_cost import costs_too_much
from deepfake_detector.images import FORMATS
from tests.hostile_pictures.jpeg_files import END
from tests.hostile_pictures.plain import saved
from tests.hostile_pictures.png_files import almost_a_bomb
from tests.picture_files import drawn, png_chunk, segment, with_parts


def many_scans(number: int = 2_000, side: int = 4_000) -> bytes:
    """A grey picture of 16 megapixels whose last scan comes again and again."""
    grey = Image.new("RGB", (side, side), (128, 128, 128))
    data = saved(grey, "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -len(END)]
    return data[: -len(END)] + last * number + END


FILES: dict[str, Callable[[], bytes]] = {
    "JPEG, 16 megapixels, 2010 scans": many_scans,
    "JPEG, EXIF in 100,000 pieces": lambda: with_parts(
        "JPEG", *[segment(0xE1, b"Exif\0\0" + b"x" * 10)] * 100_000
    ),
    "JPEG, 9.9 MB of filling": lambda: (
        drawn("JPEG")[:2] + b"\xff" * 9_900_000 + drawn("JPEG")[2:]
    ),
    "JPEG, 2,400,000 empty segments": lambda: with_parts(
        "JPEG", *[segment(0xE3, b"")] * 2_400_000
    ),
    "PNG, 5000 packed texts that break": lambda: with_parts(
        "PNG", *[png_chunk(b"zTXt", b"prompt\0\0" + almost_a_bomb())] * 5_000
    ),
    "PNG, 800,000 empty chunks": lambda: with_parts(
        "PNG", *[png_chunk(b"abCd", b"")] * 800_000
    ),
}


def decoded(data: bytes) -> None:
    """As `images.decode` does, but for what it checks before."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
        picture.load()


def seconds(call: Callable[[bytes], object], data: bytes) -> float:
    """Of the processor, so that what else it does is not counted."""
    start = time.process_time()
    call(data)
    return round(time.process_time() - start, 3)


def main() -> None:
    """Make each file, decode it, check it."""
    report = {}
    for name, make in FILES.items():
        data = make()
        assert costs_too_much(data)
        report[name] = {
            "bytes": len(data),
            "decoded_s": seconds(decoded, data),
            "checked_s": seconds(costs_too_much, data),
        }
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
