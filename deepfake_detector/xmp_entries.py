"""What a picture's XMP packet says of where the picture comes from.

Only properties at the packet's top are read: those of a picture's ingredients and
history lie deeper and speak of other pictures.
"""

import re
from dataclasses import dataclass
from typing import Final, Self
from xml.parsers import expat

from deepfake_detector.picture_segments import PictureSegments
from deepfake_detector.png_texts import png_texts

#: Where each kind of file keeps the packet: name of the part, what stands before it.
_PLACES: Final = (
    ("JPEG", "APP1", b"http://ns.adobe.com/xap/1.0/\0"),
    ("WebP", "XMP ", b""),
)
_PNG_KEY: Final = "XML:com.adobe.xmp"

#: Largest packet that is read.
_MOST_BYTES: Final = 1_000_000

#: Deepest nesting of elements that is followed.
_MOST_DEPTH: Final = 100

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_RESOURCE: Final = f"{_RDF} resource"
#: In an XMP packet, properties are attributes or elements of a Description, which lies
#: here; the outermost element may be left out.
_WRAPPER: Final = "adobe:ns:meta/ xmpmeta"
_DESCRIPTION: Final = [f"{_RDF} RDF", f"{_RDF} Description"]

_SOURCE_TYPE: Final = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/ DigitalSourceType"
_CREATOR_TOOL: Final = "http://ns.adobe.com/xap/1.0/ CreatorTool"
_PROVENANCE: Final = "http://purl.org/dc/terms/ provenance"
_WANTED: Final = frozenset({_SOURCE_TYPE, _CREATOR_TOOL, _PROVENANCE})

#: A term of the IPTC digital source types, alone or as the web address that names it.
_TERM: Final = re.compile(
    r"(?:https?://cv\.iptc\.org/newscodes/digitalsourcetype/)?([A-Za-z]{1,60})",
    re.ASCII,
)


def source_type_term(text: str) -> str | None:
    """Return the term of an IPTC digital source type.

    Parameters
    ----------
    text : str
        The term, or ``http://cv.iptc.org/newscodes/digitalsourcetype/`` and the term.

    Returns
    -------
    str or None
        Such as `trainedAlgorithmicMedia`; None for what is no such term.
    """
    match = _TERM.fullmatch(text.strip())
    return match[1] if match else None


@dataclass(frozen=True)
class XmpEntries:
    """XMP properties that tell of a picture's making.

    Parameters
    ----------
    digital_source_type : str or None
        The term of IPTC's `DigitalSourceType`, such as `trainedAlgorithmicMedia`.
    creator_tool : str
        The program that made the picture, as it stands there; empty where none is
        named.
    links_credentials : bool
        Whether it gives a web address of content credentials that are kept elsewhere
        (`dcterms:provenance`). The address is not followed.
    """

    digital_source_type: str | None = None
    creator_tool: str = ""
    links_credentials: bool = False

    @classmethod
    def read(cls, segments: PictureSegments) -> Self:
        """Read the XMP packet of a file.

        Parameters
        ----------
        segments : PictureSegments
            The file.

        Returns
        -------
        XmpEntries
            What could be read; empty entries where there is no packet, or it is
            damaged, too large, or declares a document type (which no packet needs,
            and which is how XML is made to grow without end).
        """
        packet = _packet(segments)
        if packet is None:
            return cls()
        reader = _PacketReader()
        try:
            reader.read(packet)
        except (expat.ExpatError, _RefusedError, ValueError):
            return cls()
        found = reader.found
        return cls(
            source_type_term(found.get(_SOURCE_TYPE, "")),
            found.get(_CREATOR_TOOL, ""),
            re.match("https?://", found.get(_PROVENANCE, "")) is not None,
        )


def _packet(segments: PictureSegments) -> bytes | None:
    """The file's first packet, without what some pad it with; a PNG's may be cut."""
    text = png_texts(segments, (_PNG_KEY,)).get(_PNG_KEY)
    if text is not None:
        return text.encode().strip(b"\0 \r\n\t")
    for encoding, kind, start in _PLACES:
        block = segments.first(kind, start)
        if segments.encoding == encoding and block and len(block) <= _MOST_BYTES:
            return bytes(block).strip(b"\0 \r\n\t")
    return None


class _RefusedError(Exception):
    """The packet is not read on."""


class _PacketReader:
    """Keeps the first value of each wanted property, and follows no entity."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._path: list[str] = []
        self._text: list[str] = []

    def read(self, packet: bytes) -> None:
        # The encoding is XMP's own, whatever a declaration says.
        parser = expat.ParserCreate("UTF-8", " ")
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.CharacterDataHandler = self._text.append
        parser.EndElementHandler = self._end
        parser.Parse(packet, True)

    def _refuse(self, *_: object) -> None:
        raise _RefusedError

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._path) >= _MOST_DEPTH:
            raise _RefusedError
        if name in _WANTED and _RESOURCE in attributes and self._in_description():
            self.found.setdefault(name, attributes[_RESOURCE])
        if self._path or name != _WRAPPER:
            self._path.append(name)
        if self._in_description():
            for wanted in _WANTED & attributes.keys():
                self.found.setdefault(wanted, attributes[wanted])
        self._text.clear()

    def _end(self, name: str) -> None:
        if not self._path:  # the wrapper's own end
            return
        self._path.pop()
        text = "".join(self._text).strip()
        if name in _WANTED and text and self._in_description():
            self.found.setdefault(name, text)
        self._text.clear()

    def _in_description(self) -> bool:
        return self._path == _DESCRIPTION
