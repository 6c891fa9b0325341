"""Every entry of the table of datasets says what a user must know before using it."""

import dataclasses

import pytest

from deepfake_detector.config import REPOSITORY
from deepfake_detector.datasets import DATASETS, SPLIT_FOLDERS, DatasetSpec

#: Sets that nobody may or can download: a file or folder must be given.
MUST_BE_GIVEN = {"dfdc_faces", "folder"}


@pytest.fixture(params=list(DATASETS))
def spec(request: pytest.FixtureRequest) -> DatasetSpec:
    found: DatasetSpec = DATASETS.get(request.param)
    assert found.name == request.param
    return found


@pytest.mark.parametrize("fact", ["fake_kind", "homepage", "licence", "citation"])
def test_spec_states(spec: DatasetSpec, fact: str) -> None:
    assert getattr(spec, fact).strip()


def test_spec_can_be_had_in_one_way(spec: DatasetSpec) -> None:
    ways = [
        spec.url is not None,
        spec.generate is not None,
        spec.name in MUST_BE_GIVEN,
    ]
    assert ways.count(True) == 1


def test_addresses_are_encrypted_or_our_own_pages(spec: DatasetSpec) -> None:
    if spec.url is not None:
        assert spec.url.startswith("https://")
    if not spec.homepage.startswith("https://"):
        assert (REPOSITORY / spec.homepage).is_file()


def test_class_folders_are_stated_and_differ(spec: DatasetSpec) -> None:
    assert "real" in spec.real_folder.lower()
    assert "fake" in spec.fake_folder.lower()


def test_module_says_in_one_line_what_it_is(spec: DatasetSpec) -> None:
    summary = DATASETS.summary(spec.name)
    assert summary.endswith(".")
    assert 20 < len(summary) <= 88


def test_spec_cannot_be_changed(spec: DatasetSpec) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.real_folder = "fake"  # type: ignore[misc]


def test_no_folder_name_stands_for_two_splits() -> None:
    names = [name for folders in SPLIT_FOLDERS.values() for name in folders]
    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)
