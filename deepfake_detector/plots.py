"""Report -> figures. Nothing here computes a metric."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from deepfake_detector.exceptions import ConfigError
from deepfake_detector.labels import CLASS_NAMES, FAKE, REAL

_BINS: Final = 15


def write_png(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG, whole or not at all, whatever its name ends in.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What is drawn.
    path : Path
        The file to write; its folder is made.

    Raises
    ------
    ConfigError
        If `path` is a folder.
    OSError
        If the file cannot be written; an older one stays.
    """
    if path.is_dir():
        raise ConfigError(
            "output: expected the name of a PNG file, got the folder "
            f"{path.resolve().name!r}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        figure.savefig(temporary, format="png")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


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


def mistakes_over_epochs(history: Sequence[Mapping[str, float]]) -> Figure:
    """Draw how often validation's reals and fakes were mistaken after every epoch.

    Parameters
    ----------
    history : sequence of mapping of str to float
        One row an epoch with `epoch` and validation's confusion matrix: `val_` before
        the names that `evaluation.confusion_counts` gives its four fields.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; shares of each class, at a threshold of 0.5 before calibration.
    """
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = figure.subplots()
    names = [name.lower() for name in CLASS_NAMES]
    for truth, answer in (names, names[::-1]):
        wrong, right = (
            np.array([row.get(f"val_{truth}_as_{a}", np.nan) for row in history])
            for a in (answer, truth)
        )
        share = wrong / np.maximum(wrong + right, 1)
        epochs = [row["epoch"] for row in history]
        axes.plot(epochs, share, marker=".", label=f"{truth} called {answer}")
    axes.set(title="Validation's mistakes", xlabel="epoch", ylabel="share", ylim=(0, 1))
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


#: Colours of Real and Fake, as in static/style.css.
_CLASS_COLOURS: Final = ("#1c6449", "#a3301f")


def class_counts(counts: Mapping[str, Mapping[str, int]], title: str) -> Figure:
    """Draw how many pictures of each class every group holds, as bars.

    Parameters
    ----------
    counts : mapping of str to mapping of str to int
        Pictures by group (a split, an encoding) and then by class name.
    title : str
        What the groups are.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; a class that a group does not name has no pictures there.
    """
    figure = Figure(figsize=(6, 1.2 + 0.55 * len(counts)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(counts))
    for offset, name, colour in zip(
        (-0.2, 0.2), CLASS_NAMES, _CLASS_COLOURS, strict=True
    ):
        values = [group.get(name, 0) for group in counts.values()]
        bars = axes.barh(places + offset, values, 0.38, label=name, color=colour)
        axes.bar_label(bars, padding=3)
    axes.set_yticks(places, list(counts))
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set(title=title, xlabel="pictures")
    axes.legend()
    return figure


def class_histogram(
    values: NDArray[np.floating[Any]], y_true: NDArray[np.integer[Any]], title: str
) -> Figure:
    """Draw how one number is distributed in each class.

    Parameters
    ----------
    values : ndarray of shape (n_samples,), float
        The number; NaN where a picture has none.
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    title : str
        What the number is.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; each class's bars add up to 1. The outermost percent of the values is
        drawn into the bars at the ends.
    """
    figure = Figure(figsize=(3.3, 2.4), layout="constrained")
    axes = figure.subplots()
    known = np.isfinite(values)
    if known.any():
        low, high = np.percentile(values[known], (0.5, 99.5))
        flat = high <= low
        edges = [low - 0.5, low + 0.5] if flat else np.linspace(low, high, 31).tolist()
        for label, (name, colour) in enumerate(
            zip(CLASS_NAMES, _CLASS_COLOURS, strict=True)
        ):
            shown = np.clip(values[known & (y_true == label)], edges[0], edges[-1])
            weights = np.full(len(shown), 1 / max(len(shown), 1))
            axes.hist(
                shown, edges, weights=weights, alpha=0.55, label=name, color=colour
            )
        axes.legend()
    axes.set(title=title, ylabel="share of the class")
    return figure


def signal_aucs(rows: Sequence[Mapping[str, Any]], limit: float) -> Figure:
    """Draw the AUC of each signal with its interval.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of a leak report that have an `auc`.
    limit : float
        AUC from which a signal is called a leak.

    Returns
    -------
    matplotlib.figure.Figure
        One panel, a line for each signal.
    """
    figure = Figure(figsize=(7, 1.2 + 0.34 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        colour = _CLASS_COLOURS[int(row["auc"] > limit)]
        axes.plot(row["auc_interval"], [place, place], color=colour, linewidth=2)
        axes.plot(row["auc"], place, marker="o", color=colour)
    axes.axvline(0.5, color="grey", linewidth=1)
    axes.axvline(limit, color="grey", linewidth=1, linestyle="--")
    axes.set_yticks(
        range(len(rows)), [f"{row['signal']} ({row['of']})" for row in rows]
    )
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.set(xlim=(0.4, 1.02), xlabel="AUC of the signal alone (0.5 says nothing)")
    return figure


def picture_grid(
    pictures: NDArray[np.uint8], title: str, columns: int = 8, inches: float = 0.9
) -> Figure:
    """Lay pictures of one size side by side.

    Parameters
    ----------
    pictures : ndarray of shape (n, h, w, 3), uint8
        RGB pictures.
    title : str
        What they are.
    columns : int, default 8
        Pictures in a row.
    inches : float, default 0.9
        Width of each.

    Returns
    -------
    matplotlib.figure.Figure
        One panel without axes.
    """
    count, height, width = pictures.shape[:3]
    columns = max(1, min(columns, count))
    rows = max(1, -(-count // columns))
    gap = 4
    sheet = np.full(
        (rows * (height + gap), columns * (width + gap), 3), 255, dtype=np.uint8
    )
    for index, picture in enumerate(pictures):
        top = index // columns * (height + gap)
        left = index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    across = max(columns * inches, 1.8)
    figure = Figure(
        figsize=(across, across * sheet.shape[0] / sheet.shape[1] + 0.4),
        layout="constrained",
    )
    axes = figure.subplots()
    axes.imshow(sheet)
    axes.set_title(title)
    axes.set_axis_off()
    return figure


def evidence_overlay(
    crop: NDArray[np.uint8], evidence: NDArray[np.floating[Any]], title: str
) -> Figure:
    """Draw a crop beside what each of its pixels says.

    Parameters
    ----------
    crop : ndarray of shape (h, w, 3), uint8
        RGB crop.
    evidence : ndarray of shape (h, w), float
        Above 0 what speaks for Fake, below 0 what speaks for Real, in logits.
    title : str
        Which score is explained, and how.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels and a colour bar; red speaks for Fake, blue for Real.
    """
    figure = Figure(figsize=(7.6, 3.8), dpi=150, layout="constrained")
    figure.suptitle(title, fontsize="medium")
    left, right = figure.subplots(1, 2)
    left.imshow(crop)
    right.imshow(crop.mean(axis=2), cmap="gray", vmin=0, vmax=255)
    limit = float(np.abs(evidence).max()) or 1.0
    drawn = right.imshow(evidence, cmap="RdBu_r", vmin=-limit, vmax=limit, alpha=0.6)
    real, fake = (name.lower() for name in CLASS_NAMES)
    bar = figure.colorbar(drawn, ax=right, fraction=0.046)
    bar.set_label(f"evidence in logits: {real} below 0, {fake} above")
    for axes in (left, right):
        axes.set_axis_off()
    return figure


def signed_regions(
    crop: NDArray[np.uint8],
    evidence: NDArray[np.floating[Any]],
    regions: NDArray[np.integer[Any]],
    count: int = 5,
) -> Figure:
    """Draw the regions of a crop that say most, as LIME's figures do.

    Parameters
    ----------
    crop : ndarray of shape (h, w, 3), uint8
        RGB crop.
    evidence : ndarray of shape (h, w), float
        Above 0 what speaks for Fake, below 0 what speaks for Real; the same all over
        a region.
    regions : ndarray of shape (h, w), int
        Number of the region that each pixel belongs to.
    count : int, default 5
        Regions to show, those with the strongest evidence.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels: the strongest regions for Fake, all else grey; and the strongest of
        either sign, red for Fake and blue for Real.
    """
    numbers, first = np.unique(regions, return_index=True)
    weights = evidence.ravel()[first]
    for_fake = np.isin(regions, _strongest(numbers, np.maximum(weights, 0), count))
    strongest = np.isin(regions, _strongest(numbers, np.abs(weights), count))
    tint = np.where((evidence > 0)[..., None], (214, 47, 39), (49, 96, 180))
    panels = {
        f"the {count} regions most for {CLASS_NAMES[FAKE].lower()}": np.where(
            for_fake[..., None], crop, 128
        ),
        f"the {count} strongest: red {CLASS_NAMES[FAKE].lower()}, "
        f"blue {CLASS_NAMES[REAL].lower()}": np.where(
            strongest[..., None], (crop + tint) / 2, crop
        ),
    }
    figure = Figure(figsize=(7.6, 3.8), dpi=150, layout="constrained")
    for axes, (title, image) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        bordered = np.where(_borders(regions), (image.astype(float) + 255) / 2, image)
        axes.imshow(bordered.astype(np.uint8))
        axes.set_title(title, fontsize="medium")
        axes.set_axis_off()
    return figure


def feature_map_grid(
    maps: Mapping[str, NDArray[np.floating[Any]]], columns: int = 8
) -> Figure:
    """Draw the first feature maps of a few layers, a row of a layer each.

    Parameters
    ----------
    maps : mapping of str to ndarray of shape (h, w, c), float
        Feature maps by the layer's name.
    columns : int, default 8
        Most maps of a layer.

    Returns
    -------
    matplotlib.figure.Figure
        Each map from its own least value (black) to its largest (white).
    """
    figure = Figure(figsize=(columns, 1.25 * len(maps)), dpi=150, layout="constrained")
    grid = figure.subplots(len(maps), columns, squeeze=False)
    for row, (name, values) in zip(grid, maps.items(), strict=True):
        for axes in row:
            axes.set_axis_off()
        for axes, channel in zip(row, np.moveaxis(values, 2, 0), strict=False):
            axes.imshow(channel, cmap="gray")
        height, width, channels = values.shape
        row[0].set_title(
            f"{name}: {min(columns, channels)} of {channels}, {width}x{height}",
            fontsize="small",
            loc="left",
        )
    return figure


def _borders(regions: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Whether a pixel's right or lower neighbour is of another region, (h, w, 1)."""
    borders = np.zeros((*regions.shape, 1), dtype=bool)
    borders[:, :-1, 0] |= regions[:, 1:] != regions[:, :-1]
    borders[:-1, :, 0] |= regions[1:] != regions[:-1]
    return borders


def _strongest(
    numbers: NDArray[np.integer[Any]], strength: NDArray[Any], count: int
) -> NDArray[np.integer[Any]]:
    """Numbers of at most `count` regions, strongest first, none without strength."""
    order = np.argsort(-strength, kind="stable")[:count]
    return numbers[order][strength[order] > 0]


def quality_against_cost(points: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw each network's ROC AUC against its time to serve, with intervals.

    Parameters
    ----------
    points : sequence of mapping
        `name`, `group` (one colour each), `cost` (milliseconds a picture), `mean` and
        `interval` of the AUC.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; time is on a logarithmic axis.
    """
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    for group in sorted({point["group"] for point in points}):
        members = [point for point in points if point["group"] == group]
        means = np.array([point["mean"] for point in members])
        bounds = np.array([point["interval"] for point in members])  # (n, 2)
        costs = [point["cost"] for point in members]
        errors = np.abs(bounds.T - means)
        axes.errorbar(costs, means, errors, fmt="o", capsize=3, label=group)
        for point in members:
            axes.annotate(
                point["name"],
                (point["cost"], point["mean"]),
                xytext=(5, 4),
                textcoords="offset points",
                fontsize=8,
            )
    axes.set(xscale="log", xlabel="serving, ms a picture", ylabel="ROC AUC, test")
    axes.axhline(0.5, color="grey", linewidth=1, linestyle=":")
    axes.grid(alpha=0.3)
    axes.legend(title="crop")
    return figure


def labelled_pictures(
    pictures: Sequence[tuple[str, NDArray[np.uint8]]], title: str, columns: int = 4
) -> Figure:
    """Lay pictures side by side, each under its own words.

    Parameters
    ----------
    pictures : sequence of (str, ndarray of shape (h, w, 3), uint8)
        Label and RGB picture.
    title : str
        What they are.
    columns : int, default 4
        Pictures in a row.

    Returns
    -------
    matplotlib.figure.Figure
        One panel for each picture.
    """
    rows = -(-len(pictures) // columns)
    figure = Figure(figsize=(2.1 * columns, 2.3 * rows + 0.4), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (label, picture) in zip(panels, pictures, strict=False):
        axes.imshow(picture)
        axes.set_title(label, fontsize=10)
    for axes in panels:
        axes.set_axis_off()
    return figure


def learning_rate_curve(
    rates: Sequence[float], losses: Sequence[float], suggestion: float | None
) -> Figure:
    """Draw what the loss did while the learning rate rose.

    Parameters
    ----------
    rates : sequence of float
        Learning rate of each step.
    losses : sequence of float
        Smoothed loss after it.
    suggestion : float or None
        The rate to mark.

    Returns
    -------
    matplotlib.figure.Figure
        One panel.
    """
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(rates, losses)
    if suggestion is not None:
        axes.axvline(
            suggestion,
            color="grey",
            linestyle="--",
            label=f"steepest: {suggestion:.1e}",
        )
        axes.legend()
    axes.set(
        xscale="log",
        xlabel="learning rate",
        ylabel="loss, smoothed",
        title="Range test",
    )
    axes.grid(alpha=0.3)
    return figure
