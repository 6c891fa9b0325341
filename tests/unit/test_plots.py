"""Figures: what is drawn where. No picture is compared."""

import io
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray

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


def test_mistakes_are_shares_of_each_class_after_every_epoch() -> None:
    counts = [(6, 2, 4, 4), (8, 0, 2, 6)]
    names = ("real_as_real", "real_as_fake", "fake_as_real", "fake_as_fake")
    history = [
        {"epoch": epoch}
        | {f"val_{name}": n for name, n in zip(names, row, strict=True)}
        for epoch, row in enumerate(counts, start=1)
    ]
    (axes,) = plots.mistakes_over_epochs(history).axes
    assert {line.get_label(): line.get_xydata().tolist() for line in axes.lines} == {
        "real called fake": [[1, 0.25], [2, 0.0]],
        "fake called real": [[1, 0.5], [2, 0.25]],
    }


@pytest.mark.parametrize("history", [[], HISTORY])
def test_mistakes_are_drawn_of_any_history(history: list[dict[str, float]]) -> None:
    assert saved(plots.mistakes_over_epochs(history)).startswith(b"\x89PNG")


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


def test_class_counts_are_written_at_their_bars() -> None:
    counts = {"train": {"Real": 1200, "Fake": 900}, "val": {"Real": 30}}
    (axes,) = plots.class_counts(counts, "Splits").axes
    assert [text.get_text() for text in axes.texts] == ["1200", "30", "900", "0"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["train", "val"]
    assert axes.get_title() == "Splits"


@pytest.mark.parametrize(
    "values",
    [np.arange(6.0), np.full(6, 3.0), np.array([1, 2, np.nan, 4, np.nan, 9])],
)
def test_histogram_of_each_class_adds_up_to_one(values: np.ndarray) -> None:
    y_true = np.array([0, 0, 0, 1, 1, 1])
    figure = plots.class_histogram(values, y_true, "Brightness")
    (axes,) = figure.axes
    for bars in axes.containers:
        assert sum(bar.get_height() for bar in bars) == pytest.approx(1)
    assert len(axes.containers) == 2
    assert saved(figure).startswith(b"\x89PNG")


def test_histogram_of_nothing_is_drawn_empty() -> None:
    figure = plots.class_histogram(np.full(2, np.nan), np.array([0, 1]), "Face")
    assert figure.axes[0].containers == []
    assert saved(figure).startswith(b"\x89PNG")


def test_signals_stand_at_their_auc_with_their_interval() -> None:
    rows = [
        {"signal": "size", "of": "picture", "auc": 0.9, "auc_interval": [0.8, 0.95]},
        {"signal": "size", "of": "face crop", "auc": 0.52, "auc_interval": [0.4, 0.6]},
    ]
    (axes,) = plots.signal_aucs(rows, 0.6).axes
    drawn = [line.get_xydata().tolist() for line in axes.lines]
    assert drawn[:4] == [
        [[0.8, 0.0], [0.95, 0.0]],
        [[0.9, 0.0]],
        [[0.4, 1.0], [0.6, 1.0]],
        [[0.52, 1.0]],
    ]
    assert axes.lines[0].get_color() != axes.lines[2].get_color()
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["size (picture)", "size (face crop)"]


@pytest.mark.parametrize("count", [0, 1, 8, 11])
def test_grid_holds_every_picture(count: int) -> None:
    pictures = np.arange(count, dtype=np.uint8)[:, None, None, None] + np.zeros(
        (1, 5, 7, 3), dtype=np.uint8
    )
    figure = plots.picture_grid(pictures, "Real", columns=4)
    sheet = figure.axes[0].images[0].get_array() if count else np.full((1, 1, 3), 255)
    for level in range(count):
        assert (sheet == level).all(axis=-1).sum() == 5 * 7
    assert saved(figure).startswith(b"\x89PNG")


def test_evidence_lies_over_the_crop_with_zero_in_the_middle() -> None:
    crop = np.full((6, 8, 3), 90, dtype=np.uint8)
    evidence = np.linspace(-1, 3, 48, dtype=np.float32).reshape(6, 8)
    figure = plots.evidence_overlay(crop, evidence, "by cam")
    shown, overlay, bar = figure.axes
    np.testing.assert_array_equal(shown.images[0].get_array(), crop)
    np.testing.assert_array_equal(overlay.images[1].get_array(), evidence)
    assert overlay.images[1].get_clim() == (-3, 3)
    assert "real below 0, fake above" in bar.get_ylabel()
    assert figure.get_suptitle() == "by cam"


def test_evidence_of_nothing_is_drawn() -> None:
    crop = np.zeros((1, 1, 3), dtype=np.uint8)
    figure = plots.evidence_overlay(crop, np.zeros((1, 1)), "")
    assert saved(figure).startswith(b"\x89PNG")


#: Six columns of one region each, and what each says.
REGIONS = np.broadcast_to(np.arange(6).repeat(4), (8, 24))
WEIGHTS = np.array([3.0, -5.0, 0.0, 1.0, 2.0, -0.5])


def inner(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A pixel inside each region, off its border: (6, 3)."""
    return image[3, 1::4]


@pytest.mark.parametrize(
    ("count", "kept", "red", "blue"),
    [
        (2, {0, 4}, {0}, {1}),
        (3, {0, 4, 3}, {0, 4}, {1}),
        (6, {0, 4, 3}, {0, 4, 3}, {1, 5}),
    ],
)
def test_strongest_regions_are_shown_by_their_sign(
    count: int, kept: set[int], red: set[int], blue: set[int]
) -> None:
    crop = np.full((8, 24, 3), 40, dtype=np.uint8)
    figure = plots.signed_regions(crop, WEIGHTS[REGIONS], REGIONS, count)
    images = [axes.images[0].get_array() for axes in figure.axes]
    for_fake, signed = map(inner, images)
    assert (images[0][3, 3::4][:-1] > 140).all()  # borders are bright
    assert {i for i, rgb in enumerate(for_fake) if (rgb == 40).all()} == kept
    assert {i for i, (r, _, b) in enumerate(signed.astype(int)) if r > b} == red
    assert {i for i, (r, _, b) in enumerate(signed.astype(int)) if b > r} == blue
    assert saved(figure).startswith(b"\x89PNG")


def test_feature_maps_have_a_row_a_layer() -> None:
    rng = np.random.default_rng(0)
    maps = {"first": rng.normal(size=(8, 6, 3)), "second": rng.normal(size=(4, 3, 20))}
    axes = plots.feature_map_grid(maps, columns=5).axes
    drawn = [len(panel.images) for panel in axes]
    assert drawn == [1, 1, 1, 0, 0, 1, 1, 1, 1, 1]
    np.testing.assert_array_equal(axes[5].images[0].get_array(), maps["second"][..., 0])
    assert axes[0].get_title(loc="left") == "first: 3 of 3, 6x8"
    assert axes[5].get_title(loc="left") == "second: 5 of 20, 3x4"


def test_feature_maps_of_one_value_are_drawn() -> None:
    figure = plots.feature_map_grid({"dead": np.zeros((2, 2, 1))})
    assert saved(figure).startswith(b"\x89PNG")


def test_quality_against_cost_names_each_network_at_its_place() -> None:
    points = [
        {
            "name": name,
            "group": group,
            "cost": cost,
            "mean": mean,
            "interval": [mean - 0.03, mean + 0.02],
        }
        for name, group, cost, mean in (
            ("compact", "face", 1.0, 0.9),
            ("compact", "whole", 1.0, 0.8),
            ("resnet50", "face", 20.0, 0.7),
        )
    ]
    (axes,) = plots.quality_against_cost(points).axes
    assert {(text.get_text(), text.xy) for text in axes.texts} == {
        (point["name"], (point["cost"], point["mean"])) for point in points
    }
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "face",
        "whole",
    ]


def test_every_labelled_picture_stands_under_its_words() -> None:
    pictures = [(f"step {n}", np.full((4, 6, 3), n, np.uint8)) for n in range(5)]
    figure = plots.labelled_pictures(pictures, "steps", columns=2)
    drawn = {
        axes.get_title(): int(np.asarray(axes.images[0].get_array())[0, 0, 0])
        for axes in figure.axes
        if axes.images
    }
    assert drawn == {f"step {n}": n for n in range(5)}
    assert saved(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("suggestion", [None, 1e-3])
def test_range_test_marks_the_suggestion(suggestion: float | None) -> None:
    figure = plots.learning_rate_curve([1e-4, 1e-3, 1e-2], [3.0, 2.0, 9.0], suggestion)
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    assert axes.lines[0].get_ydata().tolist() == [3.0, 2.0, 9.0]
    marks = [line.get_xdata()[0] for line in axes.lines[1:]]
    assert marks == ([] if suggestion is None else [suggestion])
    assert saved(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["new/figure.png", "figure.txt"])
def test_figure_is_written_as_a_png_whatever_its_name(
    tmp_path: Path, name: str
) -> None:
    plots.write_png(Figure(), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in (tmp_path / name).parent.iterdir()] == [
        Path(name).name
    ]
