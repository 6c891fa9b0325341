"""What a picture's EXIF says of the camera and the program that made it."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from PIL import ExifTags, Image

from deepfake_detector.images import DECODE_ERRORS
from deepfake_detector.picture_segments import PictureSegments

#: Where each kind of file keeps EXIF: name of the part, and what stands before it.
_PLACES: Final = (
    ("JPEG", "APP1", b"Exif\0\0"),
    ("PNG", "eXIf", b""),
    ("WebP", "EXIF", b""),
)

#: Largest EXIF that is read. A JPEG segment holds 64 kB; other files have no limit.
_MOST_BYTES: Final = 1_000_000

#: Character codes of UserComment (Exif 2.32, table 9) that can be told; the others,
#: and none at all, are taken for ASCII.
_CODE_BYTES: Final = 8
_UNICODE: Final = b"UNICODE\0"


@dataclass(frozen=True)
class ExifEntries:
    """EXIF entries as they stand in the file, neither checked nor shortened.

    Parameters
    ----------
    make, model : str
        The camera's maker and name; empty where there is none.
    software : str
        The program that wrote the file; empty where there is none.
    taken : datetime or None
        When the picture was taken, by the camera's clock, without a time zone.
    has_gps : bool
        Whether there are coordinates. They themselves are not read.
    comment : str
        UserComment, where some generators leave their settings.
    """

    make: str = ""
    model: str = ""
    software: str = ""
    taken: datetime | None = None
    has_gps: bool = False
    comment: str = ""

    @classmethod
    def read(cls, segments: PictureSegments) -> Self:
        """Read the EXIF of a file.

        Parameters
        ----------
        segments : PictureSegments
            The file.

        Returns
        -------
        ExifEntries
            What could be read; empty entries where there is no EXIF or it is damaged.
        """
        block = _exif_block(segments)
        if block is None:
            return cls()
        try:
            exif = Image.Exif()
            exif.load(block)
            details = exif.get_ifd(ExifTags.IFD.Exif)
            gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
        except DECODE_ERRORS:
            return cls()
        return cls(
            make=_text(exif.get(ExifTags.Base.Make)),
            model=_text(exif.get(ExifTags.Base.Model)),
            software=_text(exif.get(ExifTags.Base.Software)),
            taken=_moment(_text(details.get(ExifTags.Base.DateTimeOriginal))),
            has_gps=ExifTags.GPS.GPSLatitude in gps
            and ExifTags.GPS.GPSLongitude in gps,
            comment=_comment(details.get(ExifTags.Base.UserComment)),
        )


def _exif_block(segments: PictureSegments) -> bytes | None:
    """The file's first EXIF, as a TIFF file of its own."""
    for encoding, kind, start in _PLACES:
        if segments.encoding == encoding:
            block = segments.first(kind, start)
            if block is not None and len(block) <= _MOST_BYTES:
                return bytes(block)
    return None


def _text(value: Any) -> str:
    """An ASCII entry, which many write in UTF-8; anything else is no text."""
    if isinstance(value, str):
        value = value.encode("latin-1", "replace")
    if not isinstance(value, bytes):
        return ""
    written: bytes = value.split(b"\0")[0]
    try:
        return written.decode("utf-8").strip()
    except UnicodeDecodeError:
        return written.decode("latin-1").strip()


def _moment(text: str) -> datetime | None:
    """The time that `2024:05:31 17:02:59` says; None for zeros, blanks and nonsense."""
    if re.fullmatch(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d", text, re.ASCII) is None:
        return None
    try:
        return datetime.strptime(text, "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None


def _comment(value: Any) -> str:
    """UserComment: 8 bytes that name the character code, and the text."""
    if not isinstance(value, bytes):
        return _text(value)
    code, text = value[:_CODE_BYTES], value[_CODE_BYTES:]
    if code != _UNICODE:
        return _text(text)
    # The standard says UTF-16 and not in which order; writers differ. The zero half of
    # a Latin letter tells.
    order = "utf-16-le" if text[1:2] == b"\0" else "utf-16-be"
    return text.decode(order, "replace").strip("\0 ")
