"""Scenes for the network that proposes faces say where faces are, and how whole."""

import numpy as np
import pytest

from deepfake_detector.face_crops import FaceBox
from deepfake_detector.planted_scenes import Scene, drawn_heads
from deepfake_detector.proposal_scenes import (
    SCENE_PX,
    ProposalScenes,
    targets_of,
)


def scenes(seed: int) -> ProposalScenes:
    pictures = [Scene(head.image, (head.box,)) for head in drawn_heads(3)]
    background = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    return ProposalScenes(pictures, [background], np.random.default_rng(seed))


def test_generator_decides_the_scenes() -> None:
    one, same, other = (scenes(seed).draw(5) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one[0], same[0])
    assert one[1] == same[1]
    assert (one[0] != other[0]).any()


def test_scenes_hold_faces_of_many_sides() -> None:
    pixels, faces = scenes(1).draw(20)
    assert pixels.shape == (20, SCENE_PX, SCENE_PX, 3)
    sides = [face.width for seen in faces for face, _ in seen]
    assert 7.9 < min(sides) < 12
    assert 34 < max(sides) < 48.1


def test_covered_face_is_seen_less() -> None:
    _, faces = scenes(2).draw(60)
    shares = [share for seen in faces for _, share in seen]
    assert 0 <= min(shares) < 0.3
    assert sum(share > 0.95 for share in shares) >= 10


@pytest.mark.parametrize(
    ("side", "share", "yes", "counts"),
    [
        (17, 1.0, True, True),
        (17, 0.5, False, False),
        (17, 0.1, False, True),
        (9, 1.0, False, False),
        (30, 1.0, False, False),
        (50, 1.0, False, True),
    ],
)
def test_what_counts_as_a_face(
    side: float, share: float, yes: bool, counts: bool
) -> None:
    face = FaceBox(50 - side / 2, 34 - side / 2, side, side)
    target = targets_of([(face, share)])[8, 12]  # the cell around (50, 34)
    assert bool(target[0]) is yes
    assert bool(target[1]) is counts
    if yes:
        assert target[2] == pytest.approx(np.log2(side / 17))


def test_scene_without_faces_is_all_no() -> None:
    targets = targets_of([])
    assert not targets[..., 0].any()
    assert targets[..., 1].all()
