"""An evaluation as a page: tables, curves and the worst mistakes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deepfake_detector import curves, plots, score_plots
from deepfake_detector.cut_off_report import ANSWER_LABELS
from deepfake_detector.detector import Detector
from deepfake_detector.evaluation import ERRORS
from deepfake_detector.evaluation_run import (
    EvaluatedSet,
    Evaluation,
)
from deepfake_detector.html_report import (
    Cell,
    Drawing,
    Page,
    Section,
    Table,
)
from deepfake_detector.labels import CLASS_NAMES
from deepfake_detector.robustness import DESCRIPTIONS

#: What a reader calls each metric, in the order of the table.
METRIC_LABELS: Final = {
    "auc": "ROC AUC",
    "average_precision": "Average precision",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "precision": "Precision, Fake",
    "recall": "Recall, Fake",
    "f1": "F1, Fake",
    "precision_real": "Precision, Real",
    "recall_real": "Recall, Real",
    "f1_real": "F1, Real",
    "tpr_at_fpr_1": "True positives at 1 % false positives",
    "tpr_at_fpr_5": "True positives at 5 % false positives",
    "eer": "Equal error rate",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "ece": "Calibration error (ECE, 15 bins)",
}

#: What the calibration error is of; the second is told of pooled sets alone.
CALIBRATION_LABELS: Final = {
    "ece": "every picture weighs the same",
    "ece_sources_equal": "every set weighs the same",
}

_NOTICE: Final = (
    "This page shows pictures of the data set and names its files. Check the set's "
    "licence before you pass it on."
)

_BASELINE_WORDS: Final = {
    "train": "Thumbnails are scored by a fit on the training split.",
    "folds": "Thumbnails are scored in fifths, each by a fit on the other four.",
}

_Row = tuple[Cell | str | int | float | None, ...]


def evaluation_page(
    detector: Detector, evaluation: Evaluation, matrix: Mapping[str, Any]
) -> Page:
    """Lay an evaluation out as a page.

    Parameters
    ----------
    detector : Detector
        What was evaluated.
    evaluation : Evaluation
        What it gets.
    matrix : mapping
        What `evaluation_run.cross_dataset_matrix` returns.

    Returns
    -------
    Page
        The sets side by side where there are several, then set by set.
    """
    sections = []
    if len(evaluation.sets) > 1 or len(matrix) > 1:
        sections.append(_matrix_section(matrix))
    if evaluation.pooled is not None:
        sections.append(_pooled_section(evaluation))
    for one in evaluation.sets:
        sections += _set_sections(detector, one, evaluation.threshold)
    shown = evaluation.pooled or evaluation.sets[0].report
    low, high = shown["auc_interval"]
    sets = ", ".join(f"{o.scored.name} ({o.scored.split})" for o in evaluation.sets)
    return Page(
        title=f"Evaluation of {evaluation.model}",
        lead=(
            f"ROC AUC {shown['auc']:.3f} [{low:.3f}, {high:.3f}] on "
            f"{shown['pictures']:,} pictures of {sets}; 16x16 thumbnails "
            f"alone reach {_text(shown['thumbnail_baseline_auc'])}."
        ),
        sections=tuple(sections),
        notice=_NOTICE,
    )


def _matrix_section(matrix: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Section:
    rows: list[_Row] = [
        (model, name, cell["pictures"], cell["auc"], _range(cell["auc_interval"]))
        + (cell["accuracy"], cell["eer"], cell["ece"], cell["thumbnail_baseline_auc"])
        for model, cells in matrix.items()
        for name, cell in cells.items()
    ]
    columns = ("model", "set", "pictures", "ROC AUC", "95 %", "accuracy", "EER", "ECE")
    names = list(next(iter(matrix.values())))
    square: list[_Row] = [
        (model, *(cells[name]["auc"] for name in names))
        for model, cells in matrix.items()
    ]
    return Section(
        "Sets side by side",
        tables=(
            Table(("ROC AUC of", *names), tuple(square), "Each model on each set"),
            Table((*columns, "thumbnail AUC"), tuple(rows), "The same in full"),
        ),
    )


def _pooled_section(evaluation: Evaluation) -> Section:
    pooled: Mapping[str, Any] = evaluation.pooled or {}
    tables = [
        _metrics_table(pooled),
        _calibration_table(pooled),
        _answers_table(pooled["cut_offs"]),
        *_slice_tables(pooled),
    ]
    if pooled.get("stability"):
        tables += _stability_tables(pooled["stability"])
    if pooled.get("robustness"):
        tables.append(_robustness_table(pooled["robustness"]))
    return Section("All sets together", tables=tuple(tables))


def _set_sections(
    detector: Detector, one: EvaluatedSet, threshold: float
) -> list[Section]:
    """Everything on one set."""
    report, name = one.report, one.scored.name
    sections = [
        Section(
            name,
            text=(_how_scored(report),),
            tables=(
                _metrics_table(report),
                _calibration_table(report),
                _answers_table(report["cut_offs"]),
                *_confusion_tables(report, threshold),
            ),
        ),
        Section(f"{name}: curves", figures=_curves(one, threshold)),
    ]
    if report.get("stability"):
        sections.append(_stability_section(name, report["stability"]))
    if report.get("slices"):
        sections.append(Section(f"{name}: slices", tables=_slice_tables(report)))
    if report.get("robustness"):
        sections.append(_robustness_section(name, report["robustness"]))
    if report.get("worst"):
        sections.append(_mistakes_section(detector, one))
    if report.get("deletion_test"):
        sections.append(_deletion_section(name, report["deletion_test"]))
    return sections


def _how_scored(report: Mapping[str, Any]) -> str:
    shares = report.get("face_found_share", {})
    found = ", ".join(f"{share:.1%} of {name}" for name, share in shares.items())
    words = [
        f"Split {report['split']}, scored by {report['scored_by']}.",
        f"A face was found in {found}." if found else "",
        f"{report['unreadable']} pictures could not be read.",
        f"{report['not_judged']} held no face large enough to judge."
        if "not_judged" in report
        else "",
        _BASELINE_WORDS[report["thumbnail_baseline_fitted_on"]],
        f"SHA-256 of the data: {report['data_sha256']}.",
    ]
    return " ".join(filter(None, words))


def _metrics_table(report: Mapping[str, Any]) -> Table:
    """Every metric beside the baseline's; red where the baseline is as good."""
    baseline = report.get("thumbnail_baseline") or {}
    rows: list[_Row] = []
    for name, label in METRIC_LABELS.items():
        other = baseline.get(name)
        worse = other is not None and _gain(name, report[name], other) <= 0
        value = Cell(report[name], "bad" if worse else "")
        rows.append((label, value, _range(report[f"{name}_interval"]), other))
    return Table(
        ("metric", "value", "95 %", "16x16 thumbnails"),
        tuple(rows),
        f"{report['pictures']:,} pictures, {report['real']:,} real and "
        f"{report['fake']:,} fake; Fake from {report['threshold']:g} on; red: "
        "thumbnails do as well",
    )


def _calibration_table(report: Mapping[str, Any]) -> Table:
    """The calibration error beside chance; red where it is more than chance."""
    rows: list[_Row] = []
    for name, label in CALIBRATION_LABELS.items():
        if name in report:
            chance = report[f"{name}_chance_95"]
            more = report[name] > chance
            rows.append((label, Cell(report[name], "bad" if more else ""), chance))
    return Table(
        ("calibration error (ECE)", "value", "95 % of perfectly calibrated are below"),
        tuple(rows),
        "Labels drawn 2,000 times by the model's own probabilities; red: more than "
        "chance",
    )


def _answers_table(answers: Mapping[str, Any]) -> Table:
    """How often each answer is given at the card's cut-offs."""
    rows = tuple(
        (label, answers[name]["count"], answers[name]["of"], answers[name]["share"])
        + (_range(answers[name]["interval"]),)
        for name, label in ANSWER_LABELS.items()
    )
    return Table(
        ("answer", "count", "of", "share", "95 % (Clopper-Pearson)"),
        rows,
        f"Likely real below {answers['likely_real']:.3f}, likely fake from "
        f"{answers['likely_fake']:.3f} on, inconclusive between",
    )


def _gain(name: str, value: float, other: float) -> float:
    return other - value if name in ERRORS else value - other


def _confusion_tables(report: Mapping[str, Any], threshold: float) -> list[Table]:
    tables = []
    for key, at in (("confusion", threshold), ("confusion_at_half", 0.5)):
        counts = report[key]
        names = [name.lower() for name in CLASS_NAMES]
        rows: list[_Row] = [
            (f"truth: {truth}", *(counts[f"{truth}_as_{answer}"] for answer in names))
            for truth in names
        ]
        columns = ("", *(f"answer: {name}" for name in names))
        tables.append(Table(columns, tuple(rows), f"Answers at threshold {at:g}"))
    return tables[: 1 if threshold == 0.5 else 2]


def _curves(one: EvaluatedSet, threshold: float) -> tuple[Drawing, ...]:
    scored, title = one.scored, _title(f"{one.scored.name}, {one.scored.split}")
    y_true, p_fake = scored.y_true, scored.p_fake
    scorers = {"model": p_fake}
    if scored.baseline_scores is not None:
        scorers["16x16 thumbnails"] = scored.baseline_scores

    def drawn(curve: Callable[..., Any]) -> dict[str, Any]:
        return {name: curve(y_true, scores) for name, scores in scorers.items()}

    share = float(np.mean(y_true))
    return (
        Drawing(
            score_plots.roc_figure(drawn(curves.roc_curve), title),
            "Receiver operating characteristic: higher is better",
        ),
        Drawing(
            score_plots.precision_recall_figure(
                drawn(curves.precision_recall_curve), share, title
            ),
            "Precision and recall of class Fake",
        ),
        Drawing(
            score_plots.det_figure(drawn(curves.det_curve), title),
            "Detection error tradeoff: lower is better",
        ),
        Drawing(
            plots.reliability_diagram(y_true, p_fake, title),
            "Reliability: how many of the pictures with that P(fake) are fake",
        ),
        Drawing(
            score_plots.score_histogram(y_true, p_fake, threshold, title),
            "Scores of reals and fakes",
        ),
        Drawing(
            plots.confusion_matrix(one.report["confusion"], title),
            f"Answers at threshold {threshold:g}",
        ),
    )


def _slice_tables(report: Mapping[str, Any]) -> tuple[Table, ...]:
    tables = []
    for slicing, parts in report["slices"].items():
        rows: list[_Row] = [
            (part, of["pictures"], of["real"], of["fake"], of["accuracy"])
            + (_range(of["accuracy_interval"]), of["auc"], _range(of["auc_interval"]))
            + (of["thumbnail_baseline_auc"],)
            for part, of in parts.items()
        ]
        columns = (slicing, "pictures", "real", "fake", "accuracy", "95 %", "ROC AUC")
        columns_left = ("95 %", "thumbnail AUC")
        table = Table((*columns, *columns_left), tuple(rows), f"By {slicing}")
        tables.append(table)
    return tuple(tables)


def _robustness_table(report: Mapping[str, Any]) -> Table:
    rows: list[_Row] = []
    for name, of in report.items():
        surely_worse = of["auc_drop_interval"][0] > 0
        drop = Cell(of["auc_drop"], "bad" if surely_worse else "")
        rows.append(
            (name, of["auc"], drop, _range(of["auc_drop_interval"]), of["accuracy"])
            + (of["eer"], of["tpr_at_fpr_5"], of["thumbnail_baseline_auc"])
        )
    columns = ("perturbation", "ROC AUC", "drop from clean", "95 %", "accuracy", "EER")
    return Table(
        (*columns, "true positives at 5 %", "thumbnail AUC"),
        tuple(rows),
        "Applied to the source picture before cropping; red: the drop's interval lies "
        "above 0",
    )


def _robustness_section(name: str, report: Mapping[str, Any]) -> Section:
    figure = score_plots.robustness_figure(report, _title(name))
    meanings = "; ".join(f"{family}: {words}" for family, words in DESCRIPTIONS.items())
    return Section(
        f"{name}: robustness",
        text=(f"{meanings}.",),
        tables=(_robustness_table(report),),
        figures=(Drawing(figure, "ROC AUC that is left"),),
    )


def _stability_section(name: str, report: Mapping[str, Any]) -> Section:
    return Section(
        f"{name}: stability",
        text=("What a re-encoding overturns is called inconclusive by the server.",),
        tables=_stability_tables(report),
    )


def _stability_tables(report: Mapping[str, Any]) -> tuple[Table, Table]:
    """What is overturned, and the answers with that."""
    kinds = {"any of them": report["overturned"], **report["overturned_by"]}
    rows = tuple(
        (label, share["count"], share["of"], share["share"], _range(share["interval"]))
        for label, share in kinds.items()
    )
    columns = ("overturned by", "count", "of", "share", "95 % (Clopper-Pearson)")
    caption = "Answers likely real and likely fake that a re-encoding overturns"
    return Table(columns, rows, caption), _answers_table(report)


def _mistakes_section(detector: Detector, one: EvaluatedSet) -> Section:
    titles = {"false_alarms": "Reals called fake", "misses": "Fakes called real"}
    tables, figures = [], []
    for kind, title in titles.items():
        worst = one.report["worst"][kind]
        rows: list[_Row] = [
            (i + 1, mistake["file"], mistake["p_fake"])
            for i, mistake in enumerate(worst)
        ]
        caption = f"{title}, the worst first"
        tables.append(Table(("", "file", "P(fake)"), tuple(rows), caption))
        if worst:
            crops: NDArray[np.uint8] = one.crops_of(
                detector, [mistake["index"] for mistake in worst]
            )
            sheet = plots.picture_grid(crops, title, columns=6)
            figures.append(Drawing(sheet, f"{caption}, as the network sees them"))
    return Section(
        f"{one.scored.name}: worst mistakes",
        tables=tuple(tables),
        figures=tuple(figures),
    )


def _deletion_section(name: str, test: Mapping[str, Any]) -> Section:
    low, high = test["difference_interval"]
    verdict = "passed" if test["passed"] else "not passed"
    words = (
        f"Of {test['crops']} found fakes the fifth that {test['method']} marks as "
        f"most important was blanked, then a fifth of the same shape elsewhere. The "
        f"logit fell by {test['drop_important']:.3f} and {test['drop_random']:.3f}: a "
        f"difference of {test['difference']:.3f} [{low:.3f}, {high:.3f}]. "
        f"Test {verdict}."
    )
    return Section(f"{name}: do heatmaps mark what counts", text=(words,))


def _title(name: str) -> str:
    """A set's name as matplotlib shows it, which reads what is between $ as TeX."""
    return name.replace("$", r"\$")


def _range(ends: Sequence[float] | None) -> str | None:
    return None if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def _text(value: float | None) -> str:
    return "nothing that could be measured" if value is None else f"{value:.3f}"
