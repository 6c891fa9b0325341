"""What framing alone gives away: a ridge regression on 16x16 grey thumbnails.

A detector that does not beat it has learned nothing that a glance from across the room
would not tell.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deepfake_detector.calibration import sigmoid
from deepfake_detector.labels import FAKE, REAL

#: Side of the grey thumbnail that the baseline sees, pixels.
THUMBNAIL_PX: Final = 16

_FOLDS: Final = 5
_ALPHA: Final = 100.0

#: Logits for each unit of the regression: a slope of 1 at one half.
_SLOPE: Final = 4.0

IntArray = NDArray[np.integer[Any]]
Thumbnails = NDArray[np.uint8]


def thumbnails(crops: Iterable[NDArray[np.uint8]]) -> Thumbnails:
    """Make the baseline's grey thumbnails.

    Parameters
    ----------
    crops : iterable of ndarray of shape (h, w, 3), uint8
        RGB crops, at least one.

    Returns
    -------
    ndarray of shape (n, 256), uint8
        One thumbnail a row.
    """
    size = (THUMBNAIL_PX, THUMBNAIL_PX)
    return np.stack(
        [
            np.asarray(
                Image.fromarray(np.asarray(crop))
                .convert("L")
                .resize(size, Image.Resampling.BOX)
            ).ravel()
            for crop in crops
        ]
    )


class ThumbnailBaseline:
    """Fitted baselines, one for each fold that it must not have seen.

    Parameters
    ----------
    parts : list of (ndarray of int, fitted pipeline)
        Which pictures a pipeline scores.
    """

    def __init__(self, parts: list[tuple[IntArray, Any]]) -> None:
        self._parts = parts

    @classmethod
    def cross_fitted(
        cls,
        rows: Thumbnails,
        y_true: IntArray,
        groups: Sequence[str] | None = None,
    ) -> Self | None:
        """Fit on four fifths of a set, five times.

        Parameters
        ----------
        rows : ndarray of shape (n, 256), uint8
            One row a picture.
        y_true : ndarray of shape (n,), int
            Ground truth, 0 = real, 1 = fake.
        groups : sequence of str, optional
            What each picture was made from. A real and a fake of one video look alike:
            a fit that has seen the one would be wrong of the other on purpose.

        Returns
        -------
        ThumbnailBaseline or None
            None where a class has fewer than five pictures, or there are too few
            groups.
        """
        from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

        if min(np.sum(y_true == REAL), np.sum(y_true == FAKE)) < _FOLDS:
            return None
        if groups is not None and len(set(groups)) < _FOLDS:
            return None
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        folds = kind(_FOLDS, shuffle=True, random_state=0)
        return cls(
            [
                (held_out, _fit(rows[rest], y_true[rest]))
                for rest, held_out in folds.split(rows, y_true, groups)
            ]
        )

    @classmethod
    def fitted(cls, rows: Thumbnails, y_true: IntArray, n_scored: int) -> Self:
        """Fit on other pictures than those that will be scored.

        Parameters
        ----------
        rows : ndarray of shape (n, 256), uint8
            One row a picture to fit on.
        y_true : ndarray of shape (n,), int
            Their labels.
        n_scored : int
            How many pictures will be scored.

        Returns
        -------
        ThumbnailBaseline
            The baseline.
        """
        return cls([(np.arange(n_scored), _fit(rows, y_true))])

    def p_fake(self, rows: Thumbnails) -> NDArray[np.float64]:
        """Score the pictures, each by a fit that has not seen it.

        Parameters
        ----------
        rows : ndarray of shape (n, 256), uint8
            The pictures in their own order, possibly perturbed since.

        Returns
        -------
        ndarray of shape (n,), float64
            In (0, 1): the regression's answer, about 0 for real and 1 for fake, brought
            into range by a logistic curve that keeps its order and its one half.
        """
        answers = np.empty(len(rows))
        for scored, model in self._parts:
            answers[scored] = model.predict(_features(rows[scored]))
        return sigmoid(_SLOPE * (answers - 0.5))


def _fit(rows: Thumbnails, y_true: IntArray) -> Any:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), Ridge(alpha=_ALPHA))
    return model.fit(_features(rows), y_true)


def _features(rows: Thumbnails) -> NDArray[np.float64]:
    return rows.astype(np.float64)
