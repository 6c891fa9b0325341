"""Figures of scores: curves over every threshold, histograms, robustness.

Nothing here computes a metric; curves come ready from `curves`.
"""

from collections.abc import Mapping
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from deepfake_detector.labels import CLASS_NAMES, FAKE, REAL

FloatArray = NDArray[np.floating[Any]]

#: Two coordinates of each point of a curve.
Curve = tuple[FloatArray, FloatArray]

_BINS: Final = 30
_SIZE: Final = (4.4, 3.9)

#: Error rates written on the axes of a detection error tradeoff.
_DET_TICKS: Final = (0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)

#: Error rates of 0 and 1 lie infinitely far out; they are drawn here.
_DET_EDGE: Final = 0.002

_COLOURS: Final = {REAL: "tab:blue", FAKE: "tab:red"}


def roc_figure(curves: Mapping[str, Curve], title: str) -> Figure:
    """Draw receiver operating characteristics.

    Parameters
    ----------
    curves : mapping of str to (ndarray, ndarray)
        What `curves.roc_curve` returns, by the name of the scorer.
    title : str
        Which data set and split.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; chance is the diagonal.
    """
    figure, axes = _panel(title, "false positive rate", "true positive rate")
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", label="chance")
    _draw(axes, curves)
    axes.legend(loc="lower right")
    return figure


def precision_recall_figure(
    curves: Mapping[str, Curve], fake_share: float, title: str
) -> Figure:
    """Draw precision against recall.

    Parameters
    ----------
    curves : mapping of str to (ndarray, ndarray)
        What `curves.precision_recall_curve` returns, by the name of the scorer.
    fake_share : float
        Share of fakes: the precision of chance.
    title : str
        Which data set and split.

    Returns
    -------
    matplotlib.figure.Figure
        One panel, recall to the right.
    """
    figure, axes = _panel(title, "recall", "precision")
    axes.axhline(fake_share, color="grey", linestyle="--", label="chance")
    _draw(axes, {name: (recall, p) for name, (p, recall) in curves.items()}, steps=True)
    axes.set_ylim(0, 1.03)
    axes.legend(loc="lower left")
    return figure


def det_figure(curves: Mapping[str, Curve], title: str) -> Figure:
    """Draw detection error tradeoffs on normal deviate axes.

    Parameters
    ----------
    curves : mapping of str to (ndarray, ndarray)
        What `curves.det_curve` returns, by the name of the scorer.
    title : str
        Which data set and split.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; normally distributed scores make a straight line, and lower is
        better.
    """
    figure, axes = _panel(title, "false positive rate", "false negative rate")
    _draw(axes, {name: (_deviate(x), _deviate(y)) for name, (x, y) in curves.items()})
    ticks = _deviate(np.array(_DET_TICKS))
    axes.set_xticks(ticks, [f"{rate:g}" for rate in _DET_TICKS])
    axes.set_yticks(ticks, [f"{rate:g}" for rate in _DET_TICKS])
    axes.legend()
    return figure


def score_histogram(
    y_true: NDArray[np.integer[Any]], p_fake: FloatArray, threshold: float, title: str
) -> Figure:
    """Draw how the scores of each class are spread.

    Parameters
    ----------
    y_true : ndarray of shape (n_samples,), int
        Ground truth, 0 = real, 1 = fake.
    p_fake : ndarray of shape (n_samples,), float
        P(fake) in [0, 1].
    threshold : float
        P(fake) from which the answer is Fake.
    title : str
        Which data set and split.

    Returns
    -------
    matplotlib.figure.Figure
        One panel with two histograms and the threshold.
    """
    figure, axes = _panel(title, "P(fake)", "pictures")
    for label, name in enumerate(CLASS_NAMES):
        axes.hist(
            p_fake[y_true == label],
            bins=np.linspace(0, 1, _BINS + 1).tolist(),
            color=_COLOURS[label],
            alpha=0.55,
            label=name,
        )
    axes.axvline(threshold, color="black", linestyle=":", label="threshold")
    axes.legend()
    return figure


def robustness_figure(report: Mapping[str, Mapping[str, Any]], title: str) -> Figure:
    """Draw the AUC that is left after each perturbation.

    Parameters
    ----------
    report : mapping of str to mapping
        What `robustness.robustness_report` returns.
    title : str
        Which data set and split.

    Returns
    -------
    matplotlib.figure.Figure
        One panel with a bar for each perturbation and a line for clean pictures.
    """
    names = list(report)[::-1]  # the first on top
    figure = Figure(figsize=(6.4, 0.8 + 0.26 * len(names)), layout="constrained")
    axes = figure.subplots()
    values = [report[name]["auc"] for name in names]
    axes.barh(names, values, color="tab:blue", alpha=0.7)
    axes.axvline(report["clean"]["auc"], color="black", linestyle=":", label="clean")
    axes.axvline(0.5, color="grey", linestyle="--", label="chance")
    axes.set(title=title, xlabel="ROC AUC", xlim=(min(0.4, *values), 1.0))
    axes.legend(loc="lower right")
    return figure


def _panel(title: str, xlabel: str, ylabel: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.grid(alpha=0.3)
    return figure, axes


def _draw(axes: Axes, curves: Mapping[str, Curve], steps: bool = False) -> None:
    style = "steps-pre" if steps else "default"
    for name, (x, y) in curves.items():
        axes.plot(x, y, drawstyle=style, label=name)


def _deviate(rates: FloatArray) -> FloatArray:
    """How many standard deviations out each rate lies."""
    inside = np.clip(rates, _DET_EDGE, 1 - _DET_EDGE)
    return np.array([NormalDist().inv_cdf(rate) for rate in inside])
