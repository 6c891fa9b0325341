"""XMP packets, of honest files and others."""

import pytest

from deepfake_detector.picture_segments import PictureSegments
from deepfake_detector.xmp_entries import XmpEntries, source_type_term
from tests.picture_files import PILLOW_NAMES, drawn, with_xmp, xmp_packet

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATED = XmpEntries("trainedAlgorithmicMedia")


def read(data: bytes) -> XmpEntries:
    return XmpEntries.read(PictureSegments.read(data))


def read_packet(packet: bytes) -> XmpEntries:
    return read(with_xmp("JPEG", packet))


@pytest.mark.parametrize("encoding", PILLOW_NAMES)
def test_properties_are_read_as_elements_and_as_attributes(encoding: str) -> None:
    term, tool = VOCABULARY + "trainedAlgorithmicMedia", "Drawer 1 &amp; 2"
    as_elements = xmp_packet(
        f"<ext:DigitalSourceType>\n {term} </ext:DigitalSourceType>"
        f"<xmp:CreatorTool>{tool}</xmp:CreatorTool>"
        "<terms:provenance>https://example.com/a.c2pa</terms:provenance>"
    )
    as_attributes = xmp_packet(
        attributes=f'ext:DigitalSourceType="{term}" xmp:CreatorTool="{tool}" '
        'terms:provenance="https://example.com/a.c2pa"'
    )
    expected = XmpEntries("trainedAlgorithmicMedia", "Drawer 1 & 2", True)
    assert read(with_xmp(encoding, as_elements)) == expected
    assert read(with_xmp(encoding, as_attributes)) == expected


@pytest.mark.parametrize("encoding", PILLOW_NAMES)
def test_picture_without_a_packet_has_no_entries(encoding: str) -> None:
    assert read(drawn(encoding)) == XmpEntries()


def test_property_may_be_a_reference() -> None:
    reference = f'rdf:resource="{VOCABULARY}trainedAlgorithmicMedia"'
    packet = xmp_packet(f"<ext:DigitalSourceType {reference}/>")
    assert read_packet(packet) == GENERATED


def test_packet_may_be_padded_and_without_its_wrapper() -> None:
    packet = xmp_packet(attributes='ext:DigitalSourceType="trainedAlgorithmicMedia"')
    assert read_packet(packet + b"\0" * 50) == GENERATED
    start, end = packet.index(b"<rdf:RDF"), packet.index(b"</x:xmpmeta")
    assert read_packet(packet[start:end]) == GENERATED


def test_first_of_two_values_counts() -> None:
    packet = xmp_packet(
        "<ext:DigitalSourceType>trainedAlgorithmicMedia</ext:DigitalSourceType>"
        "<ext:DigitalSourceType>digitalCapture</ext:DigitalSourceType>"
    )
    assert read_packet(packet) == GENERATED


def test_properties_of_ingredients_are_not_the_pictures() -> None:
    inner = (
        '<rdf:li><rdf:Description ext:DigitalSourceType="trainedAlgorithmicMedia">'
        "<ext:DigitalSourceType>trainedAlgorithmicMedia</ext:DigitalSourceType>"
        "</rdf:Description></rdf:li>"
    )
    packet = xmp_packet(
        f"<xmp:Ingredients><rdf:Bag>{inner}</rdf:Bag></xmp:Ingredients>"
    )
    assert read_packet(packet) == XmpEntries()


def test_same_name_in_another_namespace_is_another_name() -> None:
    packet = xmp_packet(attributes='xmp:DigitalSourceType="trainedAlgorithmicMedia"')
    assert read_packet(packet) == XmpEntries()


TYPE = b"<ext:DigitalSourceType>trainedAlgorithmicMedia</ext:DigitalSourceType>"


def with_document_type(declarations: str, inside: bytes) -> bytes:
    packet = xmp_packet("INSIDE").replace(b"INSIDE", inside)
    start = packet.index(b"<x:xmpmeta")
    return f"<!DOCTYPE x [{declarations}]>".encode() + packet[start:]


BOMB = '<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)

HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "no XML": b"trainedAlgorithmicMedia",
    "cut short": xmp_packet(TYPE.decode())[:-90],
    "other encoding": b'<?xml version="1.0" encoding="utf-7"?>' + xmp_packet(),
    "bomb of entities": with_document_type(
        BOMB, b"<xmp:CreatorTool>&j;</xmp:CreatorTool>" + TYPE
    ),
    "file as an entity": with_document_type(
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        b"<xmp:CreatorTool>&a;</xmp:CreatorTool>",
    ),
    "harmless document type": with_document_type("", TYPE),
    "document type elsewhere": with_document_type("", b"").replace(
        b"[]", b'SYSTEM "http://127.0.0.1:9/a.dtd"'
    ),
    "undeclared entity": xmp_packet("<xmp:CreatorTool>&a;</xmp:CreatorTool>"),
    "deeply nested": b"<a>" * 100_000,
    "other root": b"<html>" + TYPE + b"</html>",
}


@pytest.mark.parametrize("packet", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_packet_says_nothing(packet: bytes) -> None:
    # PNG chunks and WebP chunks may be of any size.
    assert read(with_xmp("PNG", packet)) == XmpEntries()
    assert read(with_xmp("WebP", packet)) == XmpEntries()


@pytest.mark.parametrize(
    "packet",
    [
        xmp_packet("INSIDE").replace(b"INSIDE", b"\xff\xfe" + TYPE),
        xmp_packet(TYPE.decode()) + b" " * 1_000_000 + b"<!-- -->",
    ],
    ids=["no UTF-8", "too large"],
)
def test_packet_that_is_no_text_or_too_large_says_nothing(packet: bytes) -> None:
    assert read(with_xmp("WebP", packet)) == XmpEntries()


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("trainedAlgorithmicMedia", "trainedAlgorithmicMedia"),
        (VOCABULARY + "digitalCapture", "digitalCapture"),
        (VOCABULARY.replace("http", "https") + "negativeFilm", "negativeFilm"),
        ("http://c2pa.org/digitalsourcetype/trainedAlgorithmicData", None),
        ("javascript:alert(1)", None),
        ("two words", None),
        ("x" * 61, None),
        ("", None),
    ],
)
def test_term_is_told_from_its_address(text: str, term: str | None) -> None:
    assert source_type_term(text) == term


def test_provenance_that_is_no_web_address_links_nothing() -> None:
    packet = xmp_packet(attributes='terms:provenance="self#jumbf=c2pa"')
    assert not read_packet(packet).links_credentials
