"""Crops as a stream of training batches, in an order that a resumed run repeats."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from deepfake_detector.augmentations import Augmentation
from deepfake_detector.augmentations.self_blended import blend
from deepfake_detector.crop_cache import CropSet
from deepfake_detector.labels import FAKE, REAL

#: Threads that cut and augment batches ahead of the network, and how far ahead.
_WORKERS: Final = 2
_QUEUE: Final = 8


@dataclass(frozen=True)
class Showing:
    """What is shown how often; where it is rarer, its pictures are repeated.

    Parameters
    ----------
    sources : bool, default False
        Every set, however few pictures it has.
    classes : bool, default False
        Both classes of every set.
    self_blended : float, default 0.0
        Share of the fakes, in [0, 1], in whose place a real picture of the same set is
        shown, blended with itself.
    augmented : float, default 1.0
        Share of the pictures, in [0, 1], that are augmented.
    ramp_epochs : int, default 0
        First epochs, over which both shares climb from nothing. A network that has
        learned what untouched pictures show is much faster to learn the rest.
    """

    sources: bool = False
    classes: bool = False
    self_blended: float = 0.0
    augmented: float = 1.0
    ramp_epochs: int = 0

    def strength(self, epoch: int) -> float:
        """Return how far both shares have climbed in an epoch, in [0, 1].

        Parameters
        ----------
        epoch : int
            Epochs before it.

        Returns
        -------
        float
            0 in the first of the ramp's epochs, 1 after the last.
        """
        return min(1.0, epoch / self.ramp_epochs) if self.ramp_epochs else 1.0

    @property
    def repeats(self) -> bool:
        """Whether any picture is shown more than once an epoch."""
        return self.sources or self.classes


#: Every picture once an epoch.
AS_THEY_ARE: Final = Showing()


class CropBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Shuffled, augmented batches; order and chance depend on seed and epoch alone.

    Parameters
    ----------
    crop_sets : sequence of CropSet
        One split of one or more datasets.
    batch_size : int
        Crops in a batch; the last of an epoch may be smaller.
    augment : Augmentation or None, default None
        Changes one crop; None leaves them and keeps their order.
    seed : int, default 0
        Seed of order and augmentation.
    showing : Showing, default AS_THEY_ARE
        Which pictures to repeat until all sets, or both classes, count the same.
    first_epoch : int, default 0
        Epoch to start at, for a resumed run.
    """

    def __init__(
        self,
        crop_sets: Sequence[CropSet],
        batch_size: int,
        augment: Augmentation | None = None,
        seed: int = 0,
        showing: Showing = AS_THEY_ARE,
        first_epoch: int = 0,
    ) -> None:
        super().__init__(workers=_WORKERS, max_queue_size=_QUEUE)
        self.crop_sets = crop_sets
        self.batch_size = batch_size
        self.augment = augment
        self.seed = seed
        self.showing = showing
        self.epoch = first_epoch
        self._reals = [np.flatnonzero(s.y_true == REAL) for s in crop_sets]
        self._order = self._order_of_epoch()

    def __len__(self) -> int:
        return -(-len(self._order) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        start = index * self.batch_size
        rows = self._order[start : start + self.batch_size]  # (n, 2): set, row
        crops = np.stack(
            [self._crop(start + i, *row) for i, row in enumerate(rows)]
        )  # (n, h, w, 3)
        y_true = [self.crop_sets[s].y_true[r] for s, r in rows]
        return crops, np.array(y_true, dtype=np.float32)[:, None]  # (n, 1)

    @property
    def pictures(self) -> int:
        """Pictures shown in an epoch."""
        return len(self._order)

    def class_weights(self) -> dict[int, float]:
        """Return what each class must weigh for both to count the same.

        Returns
        -------
        dict of int to float
            Weight by label; the mean over an epoch's pictures is 1.
        """
        labels = np.array([self.crop_sets[s].y_true[r] for s, r in self._order])
        counts = np.bincount(labels, minlength=2)
        return {
            label: float(len(labels) / (2 * counts[label]))
            for label in (REAL, FAKE)
            if counts[label]
        }

    def on_epoch_end(self) -> None:
        """Draw the next epoch's order; Keras calls this."""
        self.epoch += 1
        self._order = self._order_of_epoch()

    def _crop(self, place: int, set_index: int, row: int) -> NDArray[np.uint8]:
        """The crop at a place of the epoch; a repeated picture changes each time."""
        crops, reals = self.crop_sets[set_index].crops, self._reals[set_index]
        if self.augment is None:
            crop: NDArray[np.uint8] = crops[row]
            return crop
        rng = np.random.default_rng((self.seed, self.epoch, place))
        strength = self.showing.strength(self.epoch)
        crop = crops[row]
        is_fake = self.crop_sets[set_index].y_true[row] == FAKE
        blended = rng.random() < strength * self.showing.self_blended
        if blended and is_fake and len(reals):
            crop = blend(crops[rng.choice(reals)], rng)
        augmented = rng.random() < strength * self.showing.augmented
        return self.augment(crop, rng) if augmented else crop

    def _order_of_epoch(self) -> NDArray[np.int64]:
        """Pairs of set and row, (n, 2), shuffled where there is augmentation."""
        rng = np.random.default_rng((self.seed, self.epoch))
        cells = [self._cells(crop_set) for crop_set in self.crop_sets]
        largest = [max(map(len, cells_of_set)) for cells_of_set in cells]
        parts: list[Any] = []
        for index, cells_of_set in enumerate(cells):
            wanted = max(largest) if self.showing.sources else largest[index]
            for rows in cells_of_set:
                if self.showing.repeats:
                    rows = np.resize(rng.permutation(rows), wanted)
                parts.append(np.column_stack([np.full(len(rows), index), rows]))
        order = np.concatenate(parts).astype(np.int64)
        return order if self.augment is None else rng.permutation(order)

    def _cells(self, crop_set: CropSet) -> list[NDArray[np.int64]]:
        """Rows of a set that are to be shown as often as those of every other cell."""
        if not self.showing.classes:
            return [np.arange(len(crop_set))]
        of_class = (np.flatnonzero(crop_set.y_true == label) for label in (REAL, FAKE))
        return [rows for rows in of_class if len(rows)]
