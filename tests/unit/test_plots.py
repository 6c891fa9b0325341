"""Figures: what is drawn where. No picture is compared."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from deepfake_detector import plots

HISTORY = [
    {"epoch": 1, "loss": 0.7, "val_loss": 0.8, "auc": 0.5, "val_auc": 0.45},
    {"epoch": 2, "loss": 0.4, "val_loss": 0.5, "auc": 0.8, "val_auc": 0.75},
]

CONFUSION = {
    "real_as_real": 90,
    "real_as_fake": 10,
    "fake_as_real": 3,
    "fake_as_fake": 27,
}


def saved(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def test_curves_show_loss_and_auc_of_both_splits_over_the_epochs() -> None:
    panels = plots.training_curves(HISTORY).axes
    assert [axes.get_title() for axes in panels] == ["Loss", "ROC AUC"]
    drawn = {
        (axes.get_title(), line.get_label()): line.get_xydata().tolist()
        for axes in panels
        for line in axes.lines
    }
    assert drawn == {
        ("Loss", "train"): [[1, 0.7], [2, 0.4]],
        ("Loss", "validation"): [[1, 0.8], [2, 0.5]],
        ("ROC AUC", "train"): [[1, 0.5], [2, 0.8]],
        ("ROC AUC", "validation"): [[1, 0.45], [2, 0.75]],
    }


@pytest.mark.parametrize(
    "history", [[], HISTORY[:1], [{"epoch": 1, "loss": float("nan")}]]
)
def test_curves_are_drawn_of_any_history(history: list[dict[str, float]]) -> None:
    assert saved(plots.training_curves(history)).startswith(b"\x89PNG")


def test_confusion_matrix_has_truth_in_rows_and_answers_in_columns() -> None:
    (axes,) = plots.confusion_matrix(CONFUSION, "drawn, test").axes
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written == {(0, 0): "90", (1, 0): "10", (0, 1): "3", (1, 1): "27"}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("answer", "truth")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Real", "Fake"]
    assert axes.get_title() == "drawn, test"


def test_confusion_matrix_is_coloured_by_the_share_of_its_row() -> None:
    (axes,) = plots.confusion_matrix(CONFUSION, "").axes
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.9, 0.1], [0.1, 0.9]])


def test_count_is_written_so_that_it_can_be_read_on_its_colour() -> None:
    (axes,) = plots.confusion_matrix(CONFUSION, "").axes
    colours = {text.get_text(): text.get_color() for text in axes.texts}
    assert colours == {"90": "white", "10": "black", "3": "black", "27": "white"}


def test_reliability_is_the_share_of_fakes_in_each_bin() -> None:
    p_fake = np.array([0.01, 0.03, 0.5, 0.5, 0.5, 0.5, 0.98, 1.0])
    y_true = np.array([0, 0, 1, 0, 0, 0, 1, 1])
    (axes,) = plots.reliability_diagram(y_true, p_fake, "drawn, val").axes
    model = next(line for line in axes.lines if line.get_label() == "model")
    np.testing.assert_allclose(model.get_xydata(), [[0.02, 0], [0.5, 0.25], [0.99, 1]])
    assert axes.get_title() == "drawn, val"


def test_reliability_of_one_bin_is_drawn() -> None:
    figure = plots.reliability_diagram(np.array([0, 1]), np.array([1.0, 1.0]), "")
    assert saved(figure).startswith(b"\x89PNG")
