"""Figures of scores: what is drawn where. No picture is compared."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from deepfake_detector import curves, score_plots

Y_TRUE = np.array([0, 0, 0, 1, 1, 1])
P_FAKE = np.array([0.1, 0.3, 0.7, 0.4, 0.8, 0.9])

REPORT = {"clean": {"auc": 0.9}, "jpeg_30": {"auc": 0.7}, "blur_2": {"auc": 0.3}}


def lines(figure: Figure) -> dict[str, list[list[float]]]:
    (axes,) = figure.axes
    return {
        str(line.get_label()): np.asarray(line.get_xydata()).tolist()
        for line in axes.lines
    }


def test_roc_has_the_curve_and_chance() -> None:
    curve = curves.roc_curve(Y_TRUE, P_FAKE)
    drawn = lines(score_plots.roc_figure({"model": curve}, "drawn, test"))
    assert drawn["chance"] == [[0, 0], [1, 1]]
    assert drawn["model"] == np.transpose(curve).tolist()


def test_precision_is_drawn_over_recall_and_chance_is_the_share_of_fakes() -> None:
    curve = curves.precision_recall_curve(Y_TRUE, P_FAKE)
    figure = score_plots.precision_recall_figure({"model": curve}, 0.5, "")
    drawn = lines(figure)
    assert drawn["model"] == np.transpose(curve[::-1]).tolist()
    assert [y for _, y in drawn["chance"]] == [0.5, 0.5]


def test_det_axes_are_normal_deviates_marked_with_rates() -> None:
    rates = np.array([0.0, 0.5, 0.841345, 1.0])
    figure = score_plots.det_figure({"model": (rates, rates[::-1])}, "")
    drawn = np.array(lines(figure)["model"])
    np.testing.assert_allclose(drawn[1:3, 0], [0, 1], atol=1e-3)
    assert np.isfinite(drawn).all()
    (axes,) = figure.axes
    marks = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
    assert {label.get_text(): round(at, 2) for at, label in marks}["0.5"] == 0


def test_histogram_counts_each_class_and_marks_the_threshold() -> None:
    figure = score_plots.score_histogram(Y_TRUE, P_FAKE, 0.6, "")
    (axes,) = figure.axes
    for container in axes.containers:
        assert sum(bar.get_height() for bar in container) == 3
    assert [x for x, _ in lines(figure)["threshold"]] == [0.6, 0.6]


def test_every_perturbation_has_a_bar_the_first_on_top() -> None:
    (axes,) = score_plots.robustness_figure(REPORT, "drawn").axes
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == [0.3, 0.7, 0.9]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["blur_2", "jpeg_30", "clean"]
    assert axes.get_xlim()[0] <= 0.3


@pytest.mark.parametrize(
    "figure",
    [
        score_plots.roc_figure({}, ""),
        score_plots.precision_recall_figure({}, 0.5, ""),
        score_plots.det_figure({"m": curves.det_curve(Y_TRUE, P_FAKE)}, ""),
        score_plots.score_histogram(np.array([1]), np.array([1.0]), 0.5, ""),
        score_plots.robustness_figure({"clean": {"auc": 1.0}}, "a_b"),
    ],
)
def test_figures_of_little_are_drawn(figure: Figure) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    assert buffer.getvalue().startswith(b"\x89PNG")
