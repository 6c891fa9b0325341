"""An evaluation as files: report.html, metrics.json and scores.csv."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from deepfake_detector.artifact import ModelCard
from deepfake_detector.card_figures import (
    export_differences,
    rewrite_card,
    with_export_check,
    with_figures,
)
from deepfake_detector.config import ServeConfig
from deepfake_detector.cut_off_report import ANSWER_LABELS, share_text
from deepfake_detector.detector import Detector
from deepfake_detector.evaluation_page import METRIC_LABELS, evaluation_page
from deepfake_detector.evaluation_run import (
    Evaluation,
    EvaluationOptions,
    cross_dataset_matrix,
    evaluate_sets,
    set_argument,
)
from deepfake_detector.exceptions import ConfigError
from deepfake_detector.html_report import write_page
from deepfake_detector.whole_file import write_json, write_whole

PAGE_FILE: Final = "report.html"
METRICS_FILE: Final = "metrics.json"
SCORES_FILE: Final = "scores.csv"


def evaluate_and_write(
    environ: Mapping[str, str],
    sets: Sequence[str],
    directory: Path | None,
    also_models: Sequence[Path],
    options: Mapping[str, Any],
) -> list[Evaluation]:
    """Evaluate as the command line asks.

    Parameters
    ----------
    environ : mapping of str to str
        Usually `os.environ`.
    sets : sequence of str
        What `evaluation_run.set_argument` reads.
    directory : Path or None
        Where to write the page, the numbers and the scores, if anywhere.
    also_models : sequence of Path
        Folders of further models, for the matrix.
    options : mapping
        `split`, `by_picture`, `threshold` and `robustness` as
        `evaluation_run.EvaluationOptions` has them; `into_card`, whether to write the
        figures into the model's card; `answers`, whether to report the answer to each
        picture; `check_export`, whether to score the network
        that the served file was made of too; and settings of `ServeConfig`. None where
        not given.

    Returns
    -------
    list of Evaluation
        That of the configured model, then those of the further ones.

    Raises
    ------
    DeepfakeDetectorError
        If a set or a model cannot be used, or its card cannot take these figures.
    """
    settings = dict(options)
    into_card, check_export = (
        bool(settings.pop(name, None)) for name in ("into_card", "check_export")
    )
    robustness = settings.pop("robustness")
    closely = into_card or directory is not None
    how = EvaluationOptions(
        split=settings.pop("split"),
        by_picture=settings.pop("by_picture"),
        threshold=settings.pop("threshold"),
        examine=closely,
        robustness=closely if robustness is None else robustness,
        answers=bool(settings.pop("answers", None)),
    )
    config = ServeConfig.from_env(environ, **settings)
    if into_card or check_export:
        _require_the_cards_way(config, how)
    if directory is not None:
        # A folder that cannot be made is said now, not after minutes of scoring.
        directory.mkdir(parents=True, exist_ok=True)
    places = [set_argument(text) for text in sets]
    detector = Detector.load(config)
    _require_faces_that_count(config, how, detector.card)
    evaluations = [evaluate_sets(detector, places, how)]
    plainly = replace(how, examine=False, robustness=False, answers=False)
    for model_dir in also_models:
        other = Detector.load(replace(config, model_dir=model_dir, keras_file=None))
        evaluations.append(evaluate_sets(other, places, plainly))
    if directory is not None:
        write_evaluation(directory, detector, evaluations)
    card = detector.card
    if into_card:
        card = with_figures(card, evaluations[0].to_dict())
        rewrite_card(config.model_dir, card)
    if check_export:
        network = Detector.load(replace(config, backend="keras"))
        of_network = evaluate_sets(network, places, plainly)
        card = _with_export_check(card, evaluations[0], of_network)
        rewrite_card(config.model_dir, card)
    return evaluations


def write_evaluation(
    directory: Path, detector: Detector, evaluations: Sequence[Evaluation]
) -> Path:
    """Write the page, the numbers and the scores of an evaluation.

    Parameters
    ----------
    directory : Path
        The folder to write into; made where it is missing.
    detector : Detector
        What the first evaluation is of.
    evaluations : sequence of Evaluation
        The one that is reported, then those it is compared with in the matrix.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    evaluation, matrix = evaluations[0], cross_dataset_matrix(evaluations)
    everything = {**evaluation.to_dict(), "matrix": matrix}
    write_json(directory / METRICS_FILE, everything)
    write_whole(directory / SCORES_FILE, scores_csv(evaluation))
    page = evaluation_page(detector, evaluation, matrix)
    write_page(directory / PAGE_FILE, page)
    return directory / PAGE_FILE


def figures(evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    """Return an evaluation as plain numbers.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        The one that is reported, then those it is compared with in the matrix.

    Returns
    -------
    dict
        The report itself of one model on one set; else reports by set, `pooled` and
        `matrix`.
    """
    first = evaluations[0]
    if len(evaluations) == 1 and len(first.sets) == 1:
        return first.sets[0].report
    return {**first.to_dict(), "matrix": cross_dataset_matrix(evaluations)}


def figures_text(evaluations: Sequence[Evaluation]) -> str:
    """Return the most important numbers of an evaluation for a terminal.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        The one that is reported, then those it is compared with in the matrix.

    Returns
    -------
    str
        Lines: every metric of one model on one set, else a row for each set.
    """
    first = evaluations[0]
    if len(evaluations) == 1 and len(first.sets) == 1:
        report = first.sets[0].report
        lines = [*_facts_lines(report), *_answer_lines(report), *_metric_lines(report)]
        return "\n".join(lines)
    lines = [f"{'model':24} {'set':20} pictures    AUC  95 %            accuracy"]
    lines[0] += "    EER    ECE chance  thumbnail AUC"
    for model, cells in cross_dataset_matrix(evaluations).items():
        for name, cell in cells.items():
            low, high = cell["auc_interval"]
            lines.append(
                f"{model:24} {name:20} {cell['pictures']:8} {cell['auc']:6.3f}  "
                f"[{low:.3f}, {high:.3f}]  {cell['accuracy']:8.3f} {cell['eer']:6.3f} "
                f"{cell['ece']:6.3f} {cell['ece_chance_95']:6.3f}  "
                f"{_number(cell['thumbnail_baseline_auc'])}"
            )
    return "\n".join([*lines, "", *_answer_rows(evaluations)])


def scores_csv(evaluation: Evaluation) -> str:
    """Return one row for each judged picture.

    Parameters
    ----------
    evaluation : Evaluation
        What was scored.

    Returns
    -------
    str
        CSV with a header; what was not looked for is empty.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ("set", "split", "file", "y_true", "p_fake", "answer", "thumbnail_baseline")
        + ("face_px", "sharpness")
    )
    for one in evaluation.sets:
        scored, found = one.scored, one.examination
        for i, picture in enumerate(scored.pictures):
            answer = int(scored.p_fake[i] >= evaluation.threshold)
            baseline = scored.baseline_scores
            writer.writerow(
                (
                    *(scored.name, scored.split, picture.name, picture.label),
                    *(float(scored.p_fake[i]), answer),
                    "" if baseline is None else round(float(baseline[i]), 6),
                    *(("", "") if found is None else found.of_picture(i)),
                )
            )
    return text.getvalue()


def _require_the_cards_way(config: ServeConfig, how: EvaluationOptions) -> None:
    """A card's figures are of the file that serves, scored the one way."""
    given = {
        "--keras-file": config.keras_file is not None,
        "--backend": config.backend != ServeConfig.backend,
        "--picture": how.by_picture,
        "--threshold": how.threshold is not None,
    }
    if wrong := [option for option, is_given in given.items() if is_given]:
        raise ConfigError(
            "a card holds figures of its own model.tflite, by centre faces and at its "
            f"own threshold: leave out {' and '.join(wrong)}"
        )


def _require_faces_that_count(
    config: ServeConfig, how: EvaluationOptions, card: ModelCard
) -> None:
    """Crops of centre faces are those of training, whoever else was asked to look."""
    own = card.crop.detector
    if not how.by_picture and config.face_detector not in (None, own):
        raise ConfigError(
            f"face_detector: centre faces are found by {own}, as in training; leave "
            f"out --face-detector {config.face_detector}, or give --picture too"
        )


def _with_export_check(
    card: ModelCard, shipped: Evaluation, network: Evaluation
) -> ModelCard:
    differences = {
        one.scored.name: export_differences(
            one.scored.y_true, one.scored.p_fake, other.scored.p_fake
        )
        for one, other in zip(shipped.sets, network.sets, strict=True)
    }
    return with_export_check(card, shipped.sets[0].scored.split, differences)


def _facts_lines(report: Mapping[str, Any]) -> list[str]:
    """What is no metric and no table: names, counts, the confusion matrix."""
    tables = ("slices", "robustness", "worst", "thumbnail_baseline", "deletion_test")
    return [
        f"{name:24} {value:.4f}" if isinstance(value, float) else f"{name:24} {value}"
        for name, value in report.items()
        if name not in (*tables, "cut_offs", "stability", "answers")
        and name.removesuffix("_interval") not in METRIC_LABELS
    ]


def _answer_lines(report: Mapping[str, Any]) -> list[str]:
    """Every kind of answer at the card's cut-offs."""
    answers = report["cut_offs"]
    return [
        f"likely real below {answers['likely_real']:.4f}, likely fake from "
        f"{answers['likely_fake']:.4f} on",
        *(f"{name:24} {share_text(answers[name])}" for name in ANSWER_LABELS),
        *_stability_lines(report),
    ]


def _stability_lines(report: Mapping[str, Any]) -> list[str]:
    """What becomes of those answers when serving checks them."""
    if "stability" not in report:
        return []
    checked = report["stability"]
    return [
        f"overturned by re-encoding, and then inconclusive: "
        f"{share_text(checked['overturned'])}; with that",
        *(f"{name:24} {share_text(checked[name])}" for name in ANSWER_LABELS),
    ]


def _answer_rows(evaluations: Sequence[Evaluation]) -> list[str]:
    """The answers at the cut-offs that matter most, a row for each set."""
    shown = ("reals_called_fake", "fakes_called_fake", "inconclusive")
    lines = [f"{'at the cut-offs of':24} {'set':20} "]
    lines[0] += " ".join(f"{ANSWER_LABELS[name]:32}" for name in shown).rstrip()
    for model, cells in cross_dataset_matrix(evaluations).items():
        for name, cell in cells.items():
            shares = " ".join(f"{share_text(cell['cut_offs'][s]):32}" for s in shown)
            lines.append(f"{model:24} {name:20} {shares}".rstrip())
    return lines


def _metric_lines(report: Mapping[str, Any]) -> list[str]:
    baseline = report["thumbnail_baseline"] or {}
    lines = [f"{'metric':24} value   95 %              16x16 thumbnails"]
    for name in METRIC_LABELS:
        low, high = report[f"{name}_interval"]
        lines.append(
            f"{name:24} {report[name]:.4f}  [{low:.4f}, {high:.4f}]  "
            f"{_number(baseline.get(name))}"
        )
    for name, row in (report.get("robustness") or {}).items():
        low, high = row["auc_drop_interval"]
        lines.append(
            f"{name:24} {row['auc']:.4f}  AUC drop {row['auc_drop']:.4f} "
            f"[{low:.4f}, {high:.4f}]  {_number(row['thumbnail_baseline_auc'])}"
        )
    return lines


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
