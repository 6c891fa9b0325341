"""Whether a picture carries content credentials (C2PA), told from its boxes.

A manifest store is a JUMBF superbox (ISO/IEC 19566-5) whose description has the type
and the label "c2pa". It lies in APP11 segments of a JPEG (ISO/IEC 19566-5, annex D), in
the `caBX` chunk of a PNG and in the `C2PA` chunk of a WebP (C2PA specification 2.2,
appendix A.3). The letters "c2pa" anywhere else are letters.
"""

from typing import Final

from deepfake_detector.picture_segments import PictureSegments

#: Where each kind of file keeps boxes: name of the part, what stands before the box.
_PLACES: Final = (("PNG", "caBX", 0), ("WebP", "C2PA", 0), ("JPEG", "APP11", 8))

#: How an APP11 segment with a box begins: "JP", number of the box, number of the part.
_BOX_IDENTIFIER: Final = b"JP"
_FIRST_PART: Final = (1).to_bytes(4, "big")

#: What a description of a manifest store holds: type, toggles, label. Of the toggles
#: the second bit says that there is a label.
_STORE_TYPE: Final = bytes.fromhex("6332706100110010800000aa00389b71")
_HAS_LABEL: Final = 0b10
_LABEL: Final = b"c2pa\0"


def carries_credentials(segments: PictureSegments) -> bool:
    """Tell whether a file carries a C2PA manifest store.

    Parameters
    ----------
    segments : PictureSegments
        The file.

    Returns
    -------
    bool
        Whether there is such a box; what it holds may be damaged all the same.
    """
    for encoding, kind, header in _PLACES:
        if segments.encoding == encoding:
            return any(
                _is_store(content[header:])
                for content in segments.all(kind)
                if not header or _begins_a_box(bytes(content[:header]))
            )
    return False


def _begins_a_box(header: bytes) -> bool:
    """Whether an APP11 segment holds the first part of a box."""
    return header[:2] == _BOX_IDENTIFIER and header[4:8] == _FIRST_PART


def _is_store(box: memoryview) -> bool:
    """Whether a superbox begins with the description of a manifest store."""
    inner = _content(box, b"jumb")
    description = None if inner is None else _content(inner, b"jumd")
    if description is None:
        return False
    start = bytes(description[: len(_STORE_TYPE) + 1 + len(_LABEL)])
    kind, toggles, label = start[:16], start[16:17], start[17:]
    return kind == _STORE_TYPE and label == _LABEL and bool(toggles[0] & _HAS_LABEL)


def _content(box: memoryview, kind: bytes) -> memoryview | None:
    """What a box of that type holds; of one that goes on elsewhere, the beginning."""
    length, header = int.from_bytes(box[:4], "big"), 8
    if box[4:8] != kind:
        return None
    if length == 1:  # the length proper follows
        length, header = int.from_bytes(box[8:16], "big"), 16
    elif length == 0:  # up to the end
        length = len(box)
    return box[header:length] if length >= header else None
