"""Proposed places: where faces are, few elsewhere, and any picture taken."""

import json
import multiprocessing
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from deepfake_detector.datasets.face_drawing import draw_face
from deepfake_detector.exceptions import ArtifactError, MissingPackageError
from deepfake_detector.face_proposals import (
    CARD_FILE,
    FOLDER,
    NETWORK_FILE,
    FaceProposer,
    thinned,
)
from deepfake_detector.face_search import Candidate


@pytest.fixture(scope="module")
def proposer() -> FaceProposer:
    return FaceProposer()


def wall(width: int, height: int, *heads: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Drawn heads, left, top and side of each, on a blue wall."""
    image = np.full((height, width, 3), (120, 150, 190), dtype=np.uint8)
    for seed, (left, top, side) in enumerate(heads):
        image[top : top + side, left : left + side] = draw_face(seed, side)
    return image


def is_at(proposal: Candidate, head: tuple[int, int, int]) -> bool:
    left, top, side = head
    x, y = proposal.box.centre
    return (
        abs(x - left - side / 2) < 0.25 * side
        and abs(y - top - side / 2) < 0.25 * side
        and 0.35 * side < proposal.box.width < 0.95 * side
    )


@pytest.mark.parametrize("side", [125, 180, 250, 500, 1000])
@pytest.mark.parametrize("at", [(0, 0), (301, 207), (600, 200)])
def test_drawn_head_is_proposed_first(
    proposer: FaceProposer, side: int, at: tuple[int, int]
) -> None:
    head = (*at, side)
    found = proposer.propose(wall(1800, 1400, head), 24)
    assert is_at(found[0], head)


def test_heads_of_every_size_are_proposed_in_one_picture(
    proposer: FaceProposer,
) -> None:
    heads = [(200, 200, 1000), (1700, 300, 500), (3000, 200, 250), (3300, 2600, 125)]
    found = proposer.propose(wall(4000, 3000, *heads), 24)
    assert [any(is_at(p, head) for p in found) for head in heads] == [True] * 4


def test_surest_proposals_are_kept(proposer: FaceProposer) -> None:
    heads = [(20 + 300 * i, 40, 260) for i in range(5)]
    image = wall(1600, 400, *heads)
    found = proposer.propose(image, 24)
    scores = [proposal.score for proposal in found]
    assert scores == sorted(scores, reverse=True)
    assert proposer.propose(image, 2) == found[:2]


HOSTILE_SIZES = [
    *((1, 1), (1, 5000), (5000, 1), (3, 641), (47, 47), (48, 48), (49, 700)),
    *((200, 20_000), (1088, 1089), (1440, 65), (480, 481)),
]


@pytest.mark.parametrize("size", HOSTILE_SIZES)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_nothing_is_proposed_on_a_flat_picture(
    proposer: FaceProposer, size: tuple[int, int], level: int
) -> None:
    assert proposer.propose(np.full((*size, 3), level, dtype=np.uint8), 24) == []


@pytest.mark.parametrize("size", HOSTILE_SIZES)
def test_noise_is_taken(proposer: FaceProposer, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    found = proposer.propose(noise, 24)
    assert len(found) <= 24
    assert all(np.isfinite(p.score) and p.box.width > 0 for p in found)


def test_fifty_megapixels_are_taken(proposer: FaceProposer) -> None:
    image = np.full((6250, 8000, 3), 90, dtype=np.uint8)
    assert proposer.propose(image, 24) == []


def test_picture_that_is_a_view_is_taken_as_its_copy(proposer: FaceProposer) -> None:
    image = wall(1600, 1200, (300, 200, 500))
    view = image[::-1, ::-1][100:, 50:]
    assert proposer.propose(view, 24) == proposer.propose(view.copy(), 24)


def test_four_threads_give_the_answers_of_one(proposer: FaceProposer) -> None:
    pictures = [wall(900, 700, (40 * i, 30 * i, 300)) for i in range(8)]
    expected = [proposer.propose(image, 24) for image in pictures]
    assert all(expected)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda i: proposer.propose(i, 24), pictures)) == expected


def test_proposer_made_before_a_fork_answers_after_it(proposer: FaceProposer) -> None:
    image = wall(900, 700, (100, 100, 300))
    expected = proposer.propose(image, 24)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(propose_in_child, (image,)).get(timeout=30) == expected


def propose_in_child(image: NDArray[np.uint8]) -> list[Candidate]:
    # Networks are compiled once a process: these are the parent's.
    return FaceProposer().propose(image, 24)


@pytest.mark.parametrize(
    ("factor", "rows"), [(2, (0, 1)), (3, (0, 2)), (4, (1, 2)), (8, (2, 5))]
)
def test_thinned_pixel_is_the_mean_of_two_of_its_block(
    factor: int, rows: tuple[int, int]
) -> None:
    image = np.random.default_rng(1).integers(0, 256, (37, 50, 3), dtype=np.uint8)
    copy = thinned(image, factor)
    assert copy.shape == (37 // factor, 50 // factor, 3)
    for y, x in ((0, 0), (copy.shape[0] - 1, copy.shape[1] - 1)):
        pair = [image[y * factor + r, x * factor + r].astype(int) for r in rows]
        np.testing.assert_array_equal(copy[y, x], sum(pair) // 2)


def test_thinned_by_one_is_the_picture() -> None:
    image = wall(30, 20)
    np.testing.assert_array_equal(thinned(image, 1), image)


@pytest.mark.parametrize("size", [(1, 1), (3, 100), (100, 3)])
def test_picture_thinner_than_a_block_becomes_empty(size: tuple[int, int]) -> None:
    assert thinned(np.zeros((*size, 3), np.uint8), 4).size == 0


def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "face_proposals"))


@pytest.mark.parametrize("name", [CARD_FILE, NETWORK_FILE])
def test_missing_file_is_named(tmp_path: Path, name: str) -> None:
    folder = copied(tmp_path)
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match="copy models/ again$") as caught:
        FaceProposer(folder)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 5000])
def test_altered_network_is_refused(tmp_path: Path, content: bytes) -> None:
    folder = copied(tmp_path)
    (folder / NETWORK_FILE).write_bytes(content)
    with pytest.raises(ArtifactError, match=f"^{NETWORK_FILE}: its SHA-256"):
        FaceProposer(folder)


@pytest.mark.parametrize(
    "card",
    ["", "[]", "null", "{}", "[" * 100_000, '{"least_logit": 1, "files": {}}', "\0"],
)
def test_damaged_card_is_refused(tmp_path: Path, card: str) -> None:
    folder = copied(tmp_path)
    (folder / CARD_FILE).write_text(card)
    with pytest.raises(ArtifactError, match="^face proposals: expected"):
        FaceProposer(folder)


def test_missing_openvino_names_the_install_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingPackageError, match="pip install openvino$"):
        FaceProposer(copied(tmp_path))


def test_card_says_what_it_was_trained_on() -> None:
    card: dict[str, Any] = json.loads((FOLDER / CARD_FILE).read_text())
    assert card["split"] == "train"
    assert card["licence_note"]
    assert set(card["files"]) == {NETWORK_FILE}
