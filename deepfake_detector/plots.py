"""Report -> figures. Nothing here computes a metric."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from deepfake_detector.labels import CLASS_NAMES

_BINS: Final = 15


def training_curves(history: Sequence[Mapping[str, float]]) -> Figure:
    """Draw loss and AUC of training and validation over the epochs.

    Parameters
    ----------
    history : sequence of mapping of str to float
        One row an epoch with `epoch`, `loss`, `val_loss`, `auc` and `val_auc`.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs = [row["epoch"] for row in history]
    for axes, name, title in zip(
        figure.subplots(1, 2), ("loss", "auc"), ("Loss", "ROC AUC"), strict=True
    ):
        for prefix, label in (("", "train"), ("val_", "validation")):
            values = [row.get(prefix + name, np.nan) for row in history]
            axes.plot(epochs, values, marker=".", label=label)
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def confusion_matrix(confusion: Mapping[str, int], title: str) -> Figure:
    """Draw an annotated confusion matrix.

    Parameters
    ----------
    confusion : mapping of str to int
        What `evaluation.confusion_counts` returns.
    title : str
        Which data set and split.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; rows are the truth, columns the answer.
    """
    names = [name.lower() for name in CLASS_NAMES]
    counts = np.array([[confusion[f"{t}_as_{a}"] for a in names] for t in names])
    figure = Figure(figsize=(4, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.imshow(
        counts / counts.sum(axis=1, keepdims=True), cmap="Blues", vmin=0, vmax=1
    )
    for (row, column), count in np.ndenumerate(counts):
        dark = count > counts[row].sum() / 2
        colour = "white" if dark else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=colour)
    axes.set(title=title, xlabel="answer", ylabel="truth")
    axes.set_xticks([0, 1], CLASS_NAMES)
    axes.set_yticks([0, 1], CLASS_NAMES)
    return figure


def reliability_diagram(
    y_true: NDArray[np.integer[Any]], p_fake: NDArray[np.floating[Any]], title: str
) -> Figure:
    """Draw the share of fakes against P(fake), bin by bin.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    p_fake : ndarray of shape (n_samples,), float
        P(fake) in [0, 1].
    title : str
        Which data set and split.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; a calibrated model lies on the diagonal.
    """
    bins = np.minimum((p_fake * _BINS).astype(int), _BINS - 1)
    used = np.unique(bins)
    figure = Figure(figsize=(4, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", label="calibrated")
    axes.plot(
        [p_fake[bins == b].mean() for b in used],
        [y_true[bins == b].mean() for b in used],
        marker="o",
        label="model",
    )
    axes.set(title=title, xlabel="P(fake)", ylabel="share of fakes")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
