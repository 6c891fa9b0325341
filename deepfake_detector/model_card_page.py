"""A model's card as a page of Markdown; every figure on it is the card's."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, StrictUndefined, Template

from deepfake_detector.artifact import LITERT_FILE, POOLED, ModelCard
from deepfake_detector.cut_off_report import ANSWER_LABELS, share_text
from deepfake_detector.robustness import DESCRIPTIONS
from deepfake_detector.verdict import MIN_FACE_PX

#: Lies beside this module, so that it goes wherever the package goes.
_TEMPLATE: Final = Path(__file__).with_name("model_card_page.md")

#: Kinds of fakes that pictures of faces may be, in the words of `datasets`.
_KINDS: Final = ("entire-face synthesis", "face swap", "splice", "reenactment")

#: What no set in the `datasets` table holds, whatever a model was trained on.
_NEVER_SEEN: Final = (
    "faces made by diffusion models, or by any generator that its sets do not name",
    "video as video: lip-sync, movement, sound; it sees one picture at a time",
    "retouching, filters, make-up and ageing applications, morphed passport pictures",
    "changes outside the face: bodies, backgrounds, whole generated scenes",
    "drawings, statues, masks and prints of faces held before a camera",
)

#: The split whose figures tell how good a model is.
_TEST: Final = "test"

#: Least pictures of each class in a part that is named as weak.
_LEAST_OF_CLASS: Final = 30

#: How many of the weakest are named.
_WEAKEST: Final = 5

#: Letters of a line of text.
_WIDTH: Final = 112

#: How a table's cell says what would end it.
_PIPE: Final = "\\|"

_METRICS: Final = {
    "auc": "ROC AUC",
    "average_precision": "average precision",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "precision": "precision, Fake",
    "recall": "recall, Fake",
    "f1": "F1, Fake",
    "precision_real": "precision, Real",
    "recall_real": "recall, Real",
    "f1_real": "F1, Real",
    "tpr_at_fpr_1": "true positives at 1 % false positives",
    "tpr_at_fpr_5": "true positives at 5 % false positives",
    "eer": "equal error rate",
    "log_loss": "log loss",
    "brier": "Brier score",
    "ece": "calibration error (ECE)",
}

Report = Mapping[str, Any]


def model_card_page(card: ModelCard) -> str:
    """Lay a card out as a page.

    Parameters
    ----------
    card : ModelCard
        The card; what it does not hold is left out, or said to be missing.

    Returns
    -------
    str
        Markdown, one line feed at its end.
    """
    reports = {
        split: {name: report for name, report in sets.items() if "auc" in report}
        for split, sets in card.metrics.items()
    }
    test = reports.get(_TEST, {})
    text = _template().render(
        card=card,
        least_px=MIN_FACE_PX,
        never_seen=_never_seen(card),
        data_table=_data_table(card),
        figures_table=figures_table(card.metrics),
        calibration_table=_calibration_table(reports),
        answers_table=_answers_table(reports),
        stability_table=_stability_table(test),
        robustness_table=_robustness_table(test),
        perturbations=DESCRIPTIONS,
        slice_tables=list(_slice_tables(test)),
        weaknesses=list(_weaknesses(test)),
        deletion_table=_deletion_table(test),
        leave_one_out_table=_leave_one_out_table(card.leave_one_out),
        export_table=_export_table(card.export_check),
        shipped_file=LITERT_FILE,
        cpu_hours=training_cpu_hours(card.provenance),
        sessions=card.provenance.get("sessions", []),
        training=card.provenance.get("config", {}),
        best_epoch=card.provenance.get("best_epoch"),
        evaluations=card.provenance.get("evaluations", {}),
        metric_tables=list(_metric_tables(reports)),
    )
    blocks = (block.strip("\n") for block in text.split("\n\n"))
    return "\n\n".join(_wrapped(block) for block in blocks if block) + "\n"


def figures_table(metrics: Mapping[str, Mapping[str, Report]]) -> str:
    """Lay the most important figures out as a table.

    Parameters
    ----------
    metrics : mapping
        A card's `metrics`: by split and data set.

    Returns
    -------
    str
        Markdown, one row for each split of each data set.
    """
    rows = [
        (
            f"{source}, {split}",
            report["pictures"],
            _with_interval(report, "auc"),
            _with_interval(report, "accuracy"),
            _number(report["eer"]),
            _number(report["ece"]),
            _number(report.get("thumbnail_baseline_auc")),
        )
        for split, reports in metrics.items()
        for source, report in reports.items()
    ]
    heads = ("data set, split", "pictures", "AUC [95 %]", "accuracy [95 %]")
    return _table((*heads, "EER", "ECE", "AUC of 16x16 thumbnails"), rows)


def training_cpu_hours(provenance: Mapping[str, Any]) -> tuple[float, bool] | None:
    """Add up the processor's time in all sessions of training.

    Parameters
    ----------
    provenance : mapping
        A card's `provenance`.

    Returns
    -------
    (float, bool) or None
        Hours of one core, and whether each session measured them; one that did not
        counts all its cores for as long as it ran. None where a session noted neither.
    """
    minutes, measured = 0.0, True
    sessions = provenance.get("sessions", [])
    for session in sessions:
        worked = session.get("cpu_minutes")
        if worked is None:
            measured = False
            if not {"minutes", "cores"} <= set(session):
                return None
            worked = session["minutes"] * session["cores"]
        minutes += worked
    return (minutes / 60, measured) if sessions else None


def _data(card: ModelCard) -> Mapping[str, Any]:
    data: Mapping[str, Any] = card.provenance.get("data", {})
    return data


def _never_seen(card: ModelCard) -> list[str]:
    """What it was not trained on."""
    known = {data["fake_kind"] for data in _data(card).values()}
    kinds = [f"fakes by {kind}" for kind in _KINDS if kind not in known]
    if card.provenance.get("config", {}).get("self_blended"):
        blends = " made by hand: it saw blends of a picture with itself alone"
        kinds = [kind + blends if kind.endswith("splice") else kind for kind in kinds]
    return [*kinds, *_NEVER_SEEN]


def _data_table(card: ModelCard) -> str:
    rows = []
    for name, data in _data(card).items():
        pictures = " / ".join(
            f"{data['pictures'].get(split, 0):,}" for split in ("train", "val", "test")
        )
        found = ", ".join(
            f"{share:.1%} of {label}"
            for label, share in data["face_found_share"].items()
        )
        row = (name, data["fake_kind"], pictures, found, data["licence"])
        rows.append((*row, data["citation"], f"`{data['sha256'][:12]}`"))
    heads = ("data set", "fakes by", "train / val / test", "face found (train)")
    return _table((*heads, "licence", "source", "SHA-256 begins"), rows)


def _calibration_table(reports: Mapping[str, Mapping[str, Report]]) -> str:
    rows = []
    for split, sets in reports.items():
        for name, report in sets.items():
            kinds = {"ece": name, "ece_sources_equal": f"{name}, each set the same"}
            for kind, label in kinds.items():
                if f"{kind}_chance_95" in report:
                    chance = report[f"{kind}_chance_95"]
                    word = "no" if report[kind] <= chance else "yes"
                    value = _with_interval(report, kind)
                    rows.append((f"{label}, {split}", value, _number(chance), word))
    heads = ("data set, split", "ECE [95 %]", "perfect calibration, 95th percentile")
    return _table((*heads, "more than chance"), rows)


def _answers_table(reports: Mapping[str, Mapping[str, Report]]) -> str:
    shown = [name for name in ANSWER_LABELS if name != "reals_called_real"]
    rows = [
        (f"{name}, {split}", *(share_text(report["cut_offs"][a]) for a in shown))
        for split, sets in reports.items()
        for name, report in sets.items()
        if "cut_offs" in report
    ]
    return _table(("data set, split", *(ANSWER_LABELS[name] for name in shown)), rows)


def _stability_table(sets: Mapping[str, Report]) -> str:
    rows = []
    for name, report in sets.items():
        if not report.get("stability"):
            continue
        of = report["stability"]
        parts = ("overturned", "reals_called_fake", "fakes_called_fake", "inconclusive")
        rows.append((name, *(share_text(of[part]) for part in parts)))
    heads = ("data set", "answers overturned", "then: reals called likely fake")
    return _table((*heads, "fakes called likely fake", "inconclusive"), rows)


def _robustness_table(sets: Mapping[str, Report]) -> str:
    """A row for each perturbation, a column for each set."""
    tables = {
        name: report["robustness"]
        for name, report in sets.items()
        if report.get("robustness")
    }
    names = list(next(iter(tables.values()), {}))
    rows = [
        (name, *(_drop_text(name, table[name]) for table in tables.values()))
        for name in names
    ]
    heads = (f"{name}: AUC, drop [95 %]" for name in tables)
    return _table(("what was done", *heads), rows)


def _drop_text(name: str, row: Report) -> str:
    if name == "clean":
        return f"{row['auc']:.3f}"
    low, high = row["auc_drop_interval"]
    return f"{row['auc']:.3f}, {row['auc_drop']:.3f} [{low:.3f}, {high:.3f}]"


def _slice_tables(sets: Mapping[str, Report]) -> Iterator[tuple[str, str]]:
    """A caption and a table for each slicing of each set."""
    for name, report in sets.items():
        for slicing, parts in (report.get("slices") or {}).items():
            rows = [
                (
                    part,
                    of["real"],
                    of["fake"],
                    _with_interval(of, "accuracy"),
                    "" if of["auc"] is None else _with_interval(of, "auc"),
                    _number(of.get("thumbnail_baseline_auc")),
                )
                for part, of in parts.items()
            ]
            heads = (slicing, "real", "fake", "accuracy [95 %]", "AUC [95 %]")
            yield f"{name}, by {slicing}", _table((*heads, "AUC of thumbnails"), rows)


def _weaknesses(sets: Mapping[str, Report]) -> Iterator[str]:
    """What the test splits show to be weakest, in a sentence each."""
    single = {name: report for name, report in sets.items() if name != POOLED}
    yield from _weak_parts(single)
    yield from _weak_copies(single)
    yield from _weak_answers(single)


def _weak_parts(sets: Mapping[str, Report]) -> Iterator[str]:
    parts = [
        (of["auc"], f"{name}, {slicing} {part}", of)
        for name, report in sets.items()
        for slicing, slices in (report.get("slices") or {}).items()
        for part, of in slices.items()
        if of["auc"] is not None and min(of["real"], of["fake"]) >= _LEAST_OF_CLASS
    ]
    whole = [(report["auc"], f"{name}, whole", report) for name, report in sets.items()]
    for _, label, of in sorted(parts + whole, key=lambda part: part[0])[:_WEAKEST]:
        yield f"{label}: AUC {_with_interval(of, 'auc')} on {of['pictures']:,} pictures"


def _weak_copies(sets: Mapping[str, Report]) -> Iterator[str]:
    copies = [
        (row["auc_drop"], name, perturbation, row)
        for name, report in sets.items()
        for perturbation, row in (report.get("robustness") or {}).items()
        if row["auc_drop_interval"][0] > 0
    ]
    copies.sort(key=lambda copy: -copy[0])
    for drop, name, perturbation, row in copies[:_WEAKEST]:
        low, high = row["auc_drop_interval"]
        yield (
            f"{name} after `{perturbation}`: AUC falls by {drop:.3f} "
            f"[{low:.3f}, {high:.3f}] to {row['auc']:.3f}"
        )


def _weak_answers(sets: Mapping[str, Report]) -> Iterator[str]:
    for name, report in sets.items():
        if "cut_offs" not in report:
            continue
        alarms, missed = (
            report["cut_offs"][kind]
            for kind in ("reals_called_fake", "fakes_called_real")
        )
        yield (
            f"{name}: {share_text(alarms)} of the reals are called likely fake, "
            f"{share_text(missed)} of the fakes likely real"
        )


def _deletion_table(sets: Mapping[str, Report]) -> str:
    rows = []
    for name, report in sets.items():
        if not (test := report.get("deletion_test")):
            continue
        low, high = test["difference_interval"]
        drops = (_number(test[f"drop_{kind}"]) for kind in ("important", "random"))
        difference = f"{test['difference']:.3f} [{low:.3f}, {high:.3f}]"
        passed = "passed" if test["passed"] else "not passed"
        rows.append((name, test["method"], test["crops"], *drops, difference, passed))
    heads = ("data set", "map", "found fakes", "logit falls: marked fifth")
    return _table((*heads, "a fifth elsewhere", "difference [95 %]", "test"), rows)


def _leave_one_out_table(rows: Iterable[Report]) -> str:
    def auc_text(row: Report) -> str:
        auc = row["auc"]
        low, high = auc["interval"]
        spread = "" if auc["spread"] is None else f" ± {auc['spread']:.3f}"
        return f"{auc['mean']:.3f}{spread} [{low:.3f}, {high:.3f}]"

    heads = ("trained without, tested on", "AUC [95 %]", "AUC of 16x16 thumbnails")
    lines = [
        (row["held_out"], auc_text(row), _number(row["thumbnail_baseline_auc"]))
        + (row["epochs"], row["augmentation"], row["seeds"])
        for row in rows
    ]
    return _table((*heads, "passes", "augmentation", "seeds"), lines)


def _export_table(check: Mapping[str, Mapping[str, Report]]) -> str:
    rows = [
        (f"{name}, {split}", found["pictures"], f"{found['p_fake_difference']:.6f}")
        + (f"{found['auc_difference']:.6f}",)
        for split, sets in check.items()
        for name, found in sets.items()
    ]
    heads = ("data set, split", "pictures", "largest difference of P(fake)")
    return _table((*heads, "difference of AUC"), rows)


def _metric_tables(
    reports: Mapping[str, Mapping[str, Report]],
) -> Iterator[tuple[str, str]]:
    """Every metric of every set, with its interval, beside the baseline's."""
    for split, sets in reports.items():
        for name, report in sets.items():
            baseline = report.get("thumbnail_baseline") or {
                "auc": report.get("thumbnail_baseline_auc")
            }
            rows = [
                (label, _with_interval(report, metric), _number(baseline.get(metric)))
                for metric, label in _METRICS.items()
                if metric in report
            ]
            caption = (
                f"{name}, {split}: {report['real']:,} real, {report['fake']:,} fake"
            )
            yield caption, _table(("metric", "value [95 %]", "16x16 thumbnails"), rows)


def _with_interval(report: Report, name: str) -> str:
    ends: Sequence[float] | None = report.get(f"{name}_interval")
    shown = "" if ends is None else f" [{ends[0]:.3f}, {ends[1]:.3f}]"
    return f"{report[name]:.3f}{shown}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; nothing where it would have no rows."""
    if not rows:
        return ""
    lines = [heads, ["---"] * len(heads), *rows]
    lined = [
        f"| {' | '.join(str(cell).replace('|', _PIPE) for cell in cells)} |"
        for cells in lines
    ]
    lined[1] = f"|{'---|' * len(heads)}"
    return "\n".join(lined)


def _wrapped(block: str) -> str:
    """A paragraph in lines of even length; tables, lists and code as they are."""
    if block.startswith(("|", "#", "```", "- ")):
        return block
    return textwrap.fill(
        " ".join(block.split()), _WIDTH, break_long_words=False, break_on_hyphens=False
    )


@cache
def _template() -> Template:
    # Markdown is not HTML, and what is put into it is the card's own.
    environment = Environment(  # noqa: S701
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
