from pathlib import Path

import pytest
from requests.structures import CaseInsensitiveDict

from deepfake_detector.part_file import PartFile, PartRecord, file_hash, stated_md5
from tests.archive_server import zip_of

CONTENT = zip_of({"a": b"few"})
RECORD = PartRecord("https://host/set.zip", '"v1"', len(CONTENT))


@pytest.fixture
def part(tmp_path: Path) -> PartFile:
    part = PartFile(tmp_path / "set.zip")
    part.begin(RECORD)
    return part


@pytest.mark.parametrize(
    ("headers", "etag", "length"),
    [
        ({"etag": '"v1"', "content-length": "12"}, '"v1"', 12),
        ({}, None, None),
        ({"etag": 'W/"v1"', "content-length": "-1"}, None, None),
        ({"etag": "v1", "content-length": "1e3"}, None, None),
        ({"etag": '"a"b"', "content-length": ""}, None, None),
        (
            {"etag": '"v1"', "content-length": "12", "content-encoding": "gzip"},
            None,
            None,
        ),
    ],
)
def test_record_takes_only_what_can_be_relied_on(
    headers: dict[str, str], etag: str | None, length: int | None
) -> None:
    record = PartRecord.from_headers("url", CaseInsensitiveDict(headers))
    assert (record.etag, record.length) == (etag, length)


def test_stated_md5_is_read_among_other_hashes() -> None:
    header = "crc32c=n03x6A==, md5=1B2M2Y8AsgTpgAmY7PhCfg=="
    assert stated_md5({"x-goog-hash": header}) == "d41d8cd98f00b204e9800998ecf8427e"


def test_record_comes_back_from_disk(part: PartFile) -> None:
    part.append([CONTENT[:9]], RECORD.length)
    assert PartFile(part.destination).resumable(RECORD.url) == RECORD


def test_record_without_bytes_is_not_resumable(part: PartFile) -> None:
    part.path.unlink()
    assert part.size == 0
    assert part.resumable(RECORD.url) is None


def test_append_stops_once_there_is_too_much(part: PartFile) -> None:
    endless = iter(lambda: CONTENT, b"")
    part.append(endless, RECORD.length)
    assert part.size == 2 * len(CONTENT)
    assert part.fault(RECORD, None) == (
        f"expected {len(CONTENT)} bytes, got {2 * len(CONTENT)}"
    )


def test_published_file_stands_alone(part: PartFile) -> None:
    part.append([CONTENT[:9], CONTENT[9:]], None)
    assert part.fault(RECORD, file_hash(part.path, "sha256")) is None
    part.publish()
    assert part.destination.read_bytes() == CONTENT
    assert list(part.destination.parent.iterdir()) == [part.destination]
