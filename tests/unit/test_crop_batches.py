"""Batches: every crop once an epoch, beside its label, in an order that comes again."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from deepfake_detector.augmentations import AUGMENTATIONS
from deepfake_detector.crop_batches import CropBatches, Showing
from deepfake_detector.crop_cache import CropSet
from deepfake_detector.labels import FAKE, REAL

pytestmark = pytest.mark.tf

SIZE = (8, 8)
NONE, STANDARD = AUGMENTATIONS.get("none"), AUGMENTATIONS.get("standard")


def crop_set(count: int, number: int = 0) -> CropSet:
    """Crops whose first two bytes say set and row; a row's parity is its label."""
    rng = np.random.default_rng(number)
    crops = rng.integers(0, 256, (count, *SIZE, 3), dtype=np.uint8)
    crops[:, 0, 0, 0], crops[:, 0, 0, 1] = number, np.arange(count)
    return CropSet(
        source=f"set {number}",
        split="train",
        crops=crops,
        y_true=np.arange(count) % 2,
        names=tuple(map(str, range(count))),
        face_found=np.ones(count, dtype=bool),
    )


def served(batches: CropBatches) -> list[tuple[int, int, int]]:
    """Set, row and label of every crop of this epoch, in order."""
    return [
        (int(crop[0, 0, 0]), int(crop[0, 0, 1]), int(label))
        for i in range(len(batches))
        for crop, (label,) in zip(*batches[i], strict=True)
    ]


def epoch_bytes(batches: CropBatches) -> bytes:
    return b"".join(part.tobytes() for i in range(len(batches)) for part in batches[i])


@pytest.mark.parametrize("augment", [None, NONE], ids=["as they are", "shuffled"])
@pytest.mark.parametrize("counts", [[21], [5, 16], [1, 1, 1]])
@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_every_crop_comes_once_an_epoch_with_its_label(
    augment: None, counts: Sequence[int], batch_size: int
) -> None:
    sets = [crop_set(count, number) for number, count in enumerate(counts)]
    batches = CropBatches(sets, batch_size, augment, seed=3)
    expected = {(s, r, r % 2) for s, count in enumerate(counts) for r in range(count)}
    for _ in range(3):
        epoch = served(batches)
        assert len(epoch) == sum(counts)
        assert set(epoch) == expected
        batches.on_epoch_end()


def test_batches_have_the_stated_shapes_and_the_last_is_partial() -> None:
    batches = CropBatches([crop_set(10)], 4, NONE)
    shapes = [tuple(part.shape for part in batches[i]) for i in range(len(batches))]
    assert shapes == [((n, *SIZE, 3), (n, 1)) for n in (4, 4, 2)]
    crops, y_true = batches[0]
    assert (crops.dtype, y_true.dtype) == (np.uint8, np.float32)


def test_without_augmentation_the_order_is_the_sets_own() -> None:
    batches = CropBatches([crop_set(5, 0), crop_set(4, 1)], 2, seed=9)
    in_order = [(s, r, r % 2) for s, count in ((0, 5), (1, 4)) for r in range(count)]
    assert served(batches) == in_order
    batches.on_epoch_end()
    assert served(batches) == in_order


@pytest.mark.parametrize("augment", [NONE, STANDARD], ids=["none", "standard"])
def test_epoch_depends_on_seed_and_number_alone(augment: None) -> None:
    sets = [crop_set(30)]
    epochs: dict[tuple[int, int], bytes] = {}
    for seed in (0, 1):
        batches = CropBatches(sets, 8, augment, seed)
        for epoch in range(3):
            epochs[seed, epoch] = epoch_bytes(batches)
            batches.on_epoch_end()
    assert len(set(epochs.values())) == 6
    for (seed, epoch), expected in epochs.items():
        resumed = CropBatches(sets, 8, augment, seed, first_epoch=epoch)
        assert epoch_bytes(resumed) == expected


def test_asking_twice_or_out_of_order_changes_nothing() -> None:
    batches = CropBatches([crop_set(30)], 8, STANDARD)
    forth = [batches[i][0].tobytes() for i in range(len(batches))]
    back = [batches[i][0].tobytes() for i in reversed(range(len(batches)))]
    assert forth == back[::-1]


def test_other_batch_sizes_serve_the_same_crops_in_the_same_order() -> None:
    large, small = (CropBatches([crop_set(30)], size, STANDARD) for size in (16, 3))
    crops = [
        np.concatenate([batches[i][0] for i in range(len(batches))])
        for batches in (large, small)
    ]
    np.testing.assert_array_equal(*crops)


def test_crop_is_augmented_otherwise_in_each_epoch_and_each_set() -> None:
    same = crop_set(3)
    batches = CropBatches([same, same], 6, STANDARD)
    by_label: list[bytes] = []
    for _ in range(4):
        crops, _ = batches[0]
        by_label += [crop.tobytes() for crop in crops]
        batches.on_epoch_end()
    assert len(set(by_label)) == len(by_label)


def test_augmentation_does_not_write_into_the_cache() -> None:
    crops = crop_set(6)
    crops.crops.flags.writeable = False
    before = crops.crops.copy()
    batches = CropBatches([crops], 4, AUGMENTATIONS.get("robust"))
    epoch_bytes(batches)
    np.testing.assert_array_equal(crops.crops, before)


def test_balanced_sources_count_the_same_and_lose_no_crop() -> None:
    sets = [crop_set(20, 0), crop_set(6, 1), crop_set(1, 2)]
    batches = CropBatches(sets, 7, NONE, showing=Showing(sources=True))
    counts = Counter(row[:2] for row in served(batches))
    by_set = [
        Counter({r: n for (s, r), n in counts.items() if s == i}) for i in range(3)
    ]
    assert [count.total() for count in by_set] == [20, 20, 20]
    assert [len(count) for count in by_set] == [20, 6, 1]
    assert set(by_set[1].values()) == {3, 4}


def test_balanced_sources_repeat_other_crops_in_other_epochs() -> None:
    batches = CropBatches(
        [crop_set(20, 0), crop_set(6, 1)], 7, NONE, showing=Showing(sources=True)
    )
    often: list[frozenset[tuple[int, int, int]]] = []
    for _ in range(5):
        counts = Counter(served(batches))
        often.append(frozenset(row for row, n in counts.items() if n == 4))
        batches.on_epoch_end()
    assert len(set(often)) > 1


def uneven(reals: int, fakes: int, number: int = 0) -> CropSet:
    """A set with so many reals, then so many fakes."""
    y_true = np.repeat([0, 1], [reals, fakes])
    return replace(crop_set(reals + fakes, number), y_true=y_true)


def test_balanced_classes_count_the_same_in_every_set_and_lose_no_crop() -> None:
    sets = [uneven(3, 10, 0), uneven(7, 2, 1)]
    epoch = served(CropBatches(sets, 5, NONE, showing=Showing(classes=True)))
    assert Counter((s, label) for s, _, label in epoch) == {
        (0, 0): 10,
        (0, 1): 10,
        (1, 0): 7,
        (1, 1): 7,
    }
    assert {row[:2] for row in epoch} == {
        (s, r) for s in (0, 1) for r in range(13 - 4 * s)
    }


def test_balance_by_source_and_class_makes_all_four_count_the_same() -> None:
    sets = [uneven(3, 10, 0), uneven(7, 2, 1)]
    showing = Showing(sources=True, classes=True)
    epoch = served(CropBatches(sets, 5, NONE, showing=showing))
    assert set(Counter((s, label) for s, _, label in epoch).values()) == {10}


def test_class_that_a_set_lacks_is_not_made_up() -> None:
    epoch = served(CropBatches([uneven(4, 0)], 5, NONE, showing=Showing(classes=True)))
    assert sorted(epoch) == [(0, row, 0) for row in range(4)]


def fed_by_keras(epochs: int, initial_epoch: int = 0) -> list[bytes]:
    """Every batch that `fit` hands to the network; it reads ahead in threads."""
    import keras

    fed: list[bytes] = []

    class Recorder(keras.Model):
        def train_step(self, data: tuple[Any, Any]) -> dict[str, float]:
            fed.append(b"".join(np.asarray(part).tobytes() for part in data))
            return {"loss": 0.0}

    batches = CropBatches([crop_set(13)], 4, STANDARD, first_epoch=initial_epoch)
    recorder = Recorder()
    recorder.compile(run_eagerly=True)
    recorder.fit(
        batches, initial_epoch=initial_epoch, epochs=epochs, shuffle=False, verbose=0
    )
    return fed


def test_resumed_fit_is_fed_what_an_uninterrupted_one_is() -> None:
    whole = fed_by_keras(epochs=3)
    assert len(set(whole)) == 12
    assert fed_by_keras(epochs=3, initial_epoch=1) == whole[4:]


@pytest.mark.parametrize(
    ("counts", "showing", "expected"),
    [
        ([8], Showing(), {0: 1.0, 1: 1.0}),
        ([9], Showing(), {0: 0.9, 1: 1.125}),
        ([9], Showing(classes=True), {0: 1.0, 1: 1.0}),
        ([1], Showing(), {0: 0.5}),
    ],
)
def test_class_weights_make_up_for_what_is_shown(
    counts: list[int], showing: Showing, expected: dict[int, float]
) -> None:
    sets = [crop_set(count, number) for number, count in enumerate(counts)]
    batches = CropBatches(sets, 4, NONE, showing=showing)
    assert batches.class_weights() == pytest.approx(expected)


def test_number_of_pictures_is_that_of_an_epoch() -> None:
    sets = [crop_set(3, 0), crop_set(8, 1)]
    assert CropBatches(sets, 4, NONE).pictures == 11
    assert CropBatches(sets, 4, NONE, showing=Showing(sources=True)).pictures == 16


def mark_half(crop: Any, rng: np.random.Generator) -> Any:
    """An augmentation that leaves set and row readable and marks what it changed."""
    changed = crop.copy()
    changed[-1, -1] = 255
    return changed


def marked_share(batches: CropBatches) -> float:
    crops = np.concatenate([batches[i][0] for i in range(len(batches))])
    return float((crops[:, -1, -1] == 255).all(axis=1).mean())


def shown_labels(batches: CropBatches) -> list[int]:
    return [int(y) for i in range(len(batches)) for y in batches[i][1][:, 0]]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_so_large_a_share_is_augmented(share: float) -> None:
    showing = Showing(augmented=share)
    batches = CropBatches([crop_set(200)], 16, mark_half, showing=showing)
    assert marked_share(batches) == pytest.approx(share, abs=0.12)


def test_shares_climb_over_the_ramp() -> None:
    showing = Showing(ramp_epochs=4)
    batches = CropBatches([crop_set(200)], 16, mark_half, showing=showing)
    shares = []
    for _ in range(6):
        shares.append(marked_share(batches))
        batches.on_epoch_end()
    assert shares == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1], abs=0.12)


def test_repeated_picture_is_augmented_anew_each_time() -> None:
    few, many = crop_set(2, 0), crop_set(40, 1)
    batches = CropBatches(
        [few, many], 8, AUGMENTATIONS.get("robust"), showing=Showing(sources=True)
    )
    crops = np.concatenate([batches[i][0] for i in range(len(batches))])
    assert len({crop.tobytes() for crop in crops}) > 60


def test_fakes_are_made_of_reals_of_the_same_set() -> None:
    """Where all fakes are blended, no fake of the archive is shown at all."""
    sets = [crop_set(30, 0), crop_set(30, 1)]
    for index, one in enumerate(sets):
        one.crops[one.y_true == FAKE] = 255
        one.crops[one.y_true == REAL] = 60 + 60 * index
    batches = CropBatches(sets, 8, NONE, showing=Showing(self_blended=1.0))
    for i in range(len(batches)):
        for crop, (label,) in zip(*batches[i], strict=True):
            assert crop.max() < 255 if label == FAKE else crop.max() in (60, 120)


def test_blending_leaves_labels_and_order() -> None:
    plain = CropBatches([crop_set(40)], 8, NONE)
    blended = CropBatches([crop_set(40)], 8, NONE, showing=Showing(self_blended=0.5))
    assert shown_labels(plain) == shown_labels(blended)


def test_set_without_reals_shows_its_own_fakes() -> None:
    fakes = replace(crop_set(8), y_true=np.ones(8, dtype=np.int64))
    batches = CropBatches([fakes], 4, NONE, showing=Showing(self_blended=1.0))
    assert sorted(row for _, row, _ in served(batches)) == list(range(8))
