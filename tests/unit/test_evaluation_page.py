"""What the page of an evaluation says, and what it never lets through."""

from pathlib import Path
from typing import Any

import pytest

from deepfake_detector import dataset_scoring
from deepfake_detector.detector import Detector
from deepfake_detector.evaluation_page import (
    CALIBRATION_LABELS,
    METRIC_LABELS,
    evaluation_page,
)
from deepfake_detector.evaluation_run import (
    Evaluation,
    EvaluationOptions,
    cross_dataset_matrix,
    evaluate_sets,
)
from deepfake_detector.html_report import Page, Table, render_page
from deepfake_detector.stability import CHECKS
from tests.bright_sets import bright_detector, write_bright_set


@pytest.fixture(scope="module")
def detector() -> Detector:
    return bright_detector()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_bright_set(tmp_path_factory.mktemp("sets") / "pictures")
    # One mistake of each kind.
    (folder / "Real" / "0.png").rename(folder / "moved")
    (folder / "FAKE" / "0.png").rename(folder / "Real" / "0.png")
    (folder / "moved").rename(folder / "FAKE" / "0.png")
    return folder


def evaluation_of(detector: Detector, *sets: Path, **options: Any) -> Evaluation:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset_scoring, "CACHE_DIR", sets[0].parent / "cache")
        places = [(None, folder) for folder in sets]
        return evaluate_sets(detector, places, EvaluationOptions(**options))


@pytest.fixture(scope="module")
def evaluation(detector: Detector, folder: Path) -> Evaluation:
    return evaluation_of(detector, folder, examine=True, robustness=True)


@pytest.fixture(scope="module")
def page(detector: Detector, evaluation: Evaluation) -> Page:
    return evaluation_page(detector, evaluation, cross_dataset_matrix([evaluation]))


def tables(page: Page, heading: str) -> list[Table]:
    (section,) = [s for s in page.sections if s.heading == heading]
    return list(section.tables)


def test_page_of_one_set_has_all_its_sections(page: Page) -> None:
    assert [section.heading for section in page.sections] == [
        "pictures",
        "pictures: curves",
        "pictures: stability",
        "pictures: slices",
        "pictures: robustness",
        "pictures: worst mistakes",
        "pictures: do heatmaps mark what counts",
    ]
    assert "thumbnails alone reach" in page.lead
    assert page.notice


def test_every_metric_stands_beside_its_interval_and_baseline(
    page: Page, evaluation: Evaluation
) -> None:
    report = evaluation.sets[0].report
    rows = {row[0].text: row for row in tables(page, "pictures")[0].cells}
    assert list(rows) == list(METRIC_LABELS.values())
    for name, label in METRIC_LABELS.items():
        low, high = report[f"{name}_interval"]
        assert [cell.text for cell in rows[label][1:]] == [
            f"{report[name]:.3f}",
            f"{low:.3f} to {high:.3f}",
            f"{report['thumbnail_baseline'][name]:.3f}",
        ]


def test_what_the_baseline_does_as_well_is_marked(page: Page) -> None:
    rows = {row[0].text: row[1] for row in tables(page, "pictures")[0].cells}
    # Thumbnails see the brightness too.
    assert rows["Accuracy"].tone == "bad"


def test_calibration_stands_beside_chance(page: Page, evaluation: Evaluation) -> None:
    report = evaluation.sets[0].report
    (row,) = tables(page, "pictures")[1].cells
    assert [cell.text for cell in row[1:]] == [
        f"{report['ece']:.3f}",
        f"{report['ece_chance_95']:.3f}",
    ]
    assert row[1].tone == ("bad" if report["ece"] > report["ece_chance_95"] else "")


def test_answers_at_the_cut_offs_have_exact_intervals(page: Page) -> None:
    answers = tables(page, "pictures")[2]
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in answers.cells}
    # One real of ten is called fake: it was put there.
    assert rows["reals called likely fake"] == ["1", "10", "0.100", "0.003 to 0.445"]
    assert "Likely real below 0.475" in answers.caption


def test_stability_tells_what_becomes_of_the_answers(page: Page) -> None:
    overturned, answers = tables(page, "pictures: stability")
    names = [row[0].text for row in overturned.cells]
    assert names == ["any of them", *CHECKS]
    assert [row[1].text for row in overturned.cells] == ["0"] * 4
    assert answers.cells[0][0].text == "reals called likely fake"


def test_curves_are_six_and_say_of_what(page: Page) -> None:
    (section,) = [s for s in page.sections if s.heading == "pictures: curves"]
    assert len(section.figures) == 6
    for drawing in section.figures:
        assert drawing.figure.axes[0].get_title() == "pictures, all"
        assert drawing.address.startswith("data:image/png")


def test_worst_mistakes_are_named_and_shown(page: Page) -> None:
    alarms, misses = tables(page, "pictures: worst mistakes")
    assert [row[1].text for row in alarms.cells] == ["Real/0.png"]
    assert [row[1].text for row in misses.cells] == ["FAKE/0.png"]


def test_certain_drops_are_marked(detector: Detector, folder: Path) -> None:
    evaluation = evaluation_of(detector, folder, examine=True, robustness=True)
    row = evaluation.sets[0].report["robustness"]["jpeg_30"]
    row |= {"auc_drop": 0.3, "auc_drop_interval": [0.1, 0.5]}
    marked = evaluation_page(detector, evaluation, cross_dataset_matrix([evaluation]))
    drops = {r[0].text: r[2] for r in tables(marked, "pictures: robustness")[0].cells}
    assert (drops["jpeg_30"].tone, drops["clean"].tone) == ("bad", "")


def test_second_confusion_matrix_is_of_another_threshold(
    detector: Detector, folder: Path, page: Page
) -> None:
    assert len(tables(page, "pictures")) == 4
    evaluation = evaluation_of(detector, folder, threshold=0.7)
    other = evaluation_page(detector, evaluation, cross_dataset_matrix([evaluation]))
    captions = [table.caption for table in tables(other, "pictures")[3:]]
    assert captions == ["Answers at threshold 0.7", "Answers at threshold 0.5"]


def test_several_sets_begin_side_by_side(detector: Detector, folder: Path) -> None:
    other = folder.with_name("other")
    if not other.exists():
        write_bright_set(other, 6)
    evaluation = evaluation_of(detector, folder, other, robustness=True)
    page = evaluation_page(detector, evaluation, cross_dataset_matrix([evaluation]))
    headings = [section.heading for section in page.sections]
    assert headings[:3] == ["Sets side by side", "All sets together", "pictures"]
    calibration = tables(page, "All sets together")[1].cells
    assert [row[0].text for row in calibration] == list(CALIBRATION_LABELS.values())
    square, full = tables(page, "Sets side by side")
    assert square.columns == ("ROC AUC of", "pictures", "other", "pooled")
    assert [row[1].text for row in full.cells] == ["pictures", "other", "pooled"]


def test_few_pictures_and_no_second_look_make_a_page(
    detector: Detector, tmp_path: Path
) -> None:
    evaluation = evaluation_of(detector, write_bright_set(tmp_path / "few", 2))
    page = evaluation_page(detector, evaluation, cross_dataset_matrix([evaluation]))
    assert [section.heading for section in page.sections] == ["few", "few: curves"]
    assert "nothing that could be measured" in page.lead


@pytest.mark.parametrize("name", ["<script>x", "$\\frac$", "{{ 7*7 }}"])
def test_name_of_a_set_is_text_whatever_it_says(
    detector: Detector, tmp_path: Path, name: str
) -> None:
    evaluation = evaluation_of(detector, write_bright_set(tmp_path / name))
    page = evaluation_page(detector, evaluation, cross_dataset_matrix([evaluation]))
    html = render_page(page)
    assert "<script>" not in html
    assert "49" not in page.lead


def test_page_names_no_folder_of_this_machine(page: Page, folder: Path) -> None:
    assert str(folder.parent) not in render_page(page)
