"""The facts of a file: nothing is raised, and they are short and readable."""

from collections.abc import Iterator

from deepfake_detector.image_metadata import read_metadata
from tests.fuzz.check_sums import with_check_sums
from tests.hostile_pictures.metadata_files import ENCODINGS, METADATA_FILES
from tests.picture_files import drawn
from tests.property.bounded import is_bounded

MAX_LEN = 16_384


def seeds() -> Iterator[bytes]:
    """A plain file of each kind, and those of the corpus with odd entries."""
    for encoding in ENCODINGS:
        yield drawn(encoding)
    for picture in METADATA_FILES.values():
        data = picture.make()
        if len(data) <= MAX_LEN:
            yield data


def check(data: bytes) -> None:
    """Read the facts, and once more with a PNG's check sums mended."""
    for variant in {data, with_check_sums(data)}:
        facts = read_metadata(variant)
        assert is_bounded(facts.to_dict()), facts
        assert facts.file_bytes == len(variant)
        assert facts.to_dict() == read_metadata(variant).to_dict()
