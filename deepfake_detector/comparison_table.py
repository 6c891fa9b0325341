"""A comparison's rows as tables: Markdown to read, CSV to go on with, and a plot."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from deepfake_detector import plots
from deepfake_detector.artifact import POOLED
from deepfake_detector.whole_file import write_whole

MARKDOWN_FILE: Final = "comparison.md"
CSV_FILE: Final = "comparison.csv"
PLOT_FILE: Final = "quality_against_cost.png"

#: A row's word on its AUC against the best one's, by whether their intervals overlap.
_BEST, _LIKE, _BELOW = "best", "not distinguishable", "lower"

_HEADINGS: Final = (
    "network",
    "crop",
    "AUC [95 %]",
    "against the best",
    "accuracy",
    "EER",
    "ECE",
    "TPR at 5 % FPR",
    "parameters",
    "GFLOPs",
    "training, images/s",
    "serving, ms",
    "file, MB",
)

Row = Mapping[str, Any]


def markdown_table(rows: Iterable[Row], source: str, split: str = "test") -> str:
    """Return the rows of one dataset's split as a Markdown table, the best AUC first.

    Parameters
    ----------
    rows : iterable of mapping
        What `Comparison.rows` returns.
    source : str
        Dataset to show.
    split : {'test', 'val'}, default 'test'
        Its split.

    Returns
    -------
    str
        The table; the thumbnail baseline has a row for each crop, and networks whose
        training failed come last, with the reason.
    """
    shown = [row for row in rows if source in row["metrics"].get(split, {})]
    shown.sort(key=lambda row: -_figure(row, split, source, "auc")["mean"])
    lines = [_line(_HEADINGS), _line("---" for _ in _HEADINGS)]
    for row in shown:
        figures = row["metrics"][split][source]
        standing = _standing(figures["auc"], shown[0]["metrics"][split][source]["auc"])
        lines.append(_line([*_quality(row, figures, standing), *_cost(row["cost"])]))
    for crop, auc in _baselines(shown, split, source).items():
        lines.append(
            _line(
                ["16x16 thumbnails", crop, f"{auc:.3f}", *[""] * (len(_HEADINGS) - 3)]
            )
        )
    for row in rows:
        for reason in row["failed"]:
            lines.append(f"\n{row['architecture']}, {row['crop']}: failed ({reason})")
    return "\n".join(lines)


def cross_dataset_table(rows: Iterable[Row], sources: Sequence[str]) -> str:
    """Return a Markdown matrix: trained on what, and AUC on the test split of each set.

    Parameters
    ----------
    rows : iterable of mapping
        What `Comparison.rows` returns.
    sources : sequence of str
        Every dataset of the comparison, in the order of the columns.

    Returns
    -------
    str
        The matrix; a set that a network was not trained on is in bold, with the
        thumbnail baseline of the same training pictures after it.
    """
    lines = [
        _line(["network", "crop", "trained without", *sources]),
        _line("---" for _ in range(3 + len(sources))),
    ]
    for row in rows:
        cells = [
            _matrix_cell(
                row["metrics"].get("test", {}).get(source), source == row["held_out"]
            )
            for source in sources
        ]
        without = row["held_out"] or "none"
        lines.append(_line([row["architecture"], row["crop"], without, *cells]))
    return "\n".join(lines)


def csv_text(rows: Iterable[Row]) -> str:
    """Return every figure of every row, one a line.

    Parameters
    ----------
    rows : iterable of mapping
        What `Comparison.rows` returns.

    Returns
    -------
    str
        CSV with a heading.
    """
    buffer = io.StringIO()
    keys = ("architecture", "crop", "held_out", "seeds")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        [*keys, "split", "dataset", "figure", "mean", "spread", "low", "high"]
    )
    for row in rows:
        start = [row[key] for key in keys]
        for name, value in row["cost"].items():
            writer.writerow([*start, "", "", name, value, "", "", ""])
        for split, sources in row["metrics"].items():
            for source, figures in sources.items():
                for name, figure in figures.items():
                    interval = figure.get("interval", ["", ""])
                    writer.writerow(
                        [*start, split, source, name]
                        + [figure["mean"], figure["spread"], *interval]
                    )
    return buffer.getvalue()


def write_comparison(directory: Path, rows: Sequence[Row]) -> None:
    """Write the tables and the plot, each whole or not at all.

    Parameters
    ----------
    directory : Path
        An existing folder.
    rows : sequence of mapping
        What `Comparison.rows` returns.
    """
    sources = _sources(rows)
    tables = [
        f"## {source}, test\n\n{markdown_table(rows, source)}" for source in sources
    ]
    if any(row["held_out"] for row in rows):
        matrix = cross_dataset_table(rows, sources)
        tables = [f"## AUC on each set, test\n\n{matrix}"]
    write_whole(directory / MARKDOWN_FILE, "\n\n".join(tables) + "\n")
    write_whole(directory / CSV_FILE, csv_text(rows))
    measured = [row for row in rows if row["cost"] and row["metrics"]]
    if measured:
        figure = plots.quality_against_cost(_points(measured, sources[0]))
        plots.write_png(figure, directory / PLOT_FILE)


def _sources(rows: Iterable[Row]) -> list[str]:
    """Every dataset that a row was scored on, in the order of first mention."""
    names = [name for row in rows for name in row["metrics"].get("test", {})]
    return [name for name in dict.fromkeys(names) if name != POOLED]


def _points(rows: Iterable[Row], source: str) -> list[dict[str, Any]]:
    return [
        {
            "name": _name(row),
            "group": row["crop"],
            "cost": row["cost"]["serve_ms"],
            **row["metrics"]["test"][source]["auc"],
        }
        for row in rows
        if source in row["metrics"]["test"]
    ]


def _name(row: Row) -> str:
    """The network, and what it was not trained on."""
    without = f", no {row['held_out']}" if row["held_out"] else ""
    return f"{row['architecture']}{without}"


def _figure(row: Row, split: str, source: str, name: str) -> Mapping[str, Any]:
    figure: Mapping[str, Any] = row["metrics"][split][source][name]
    return figure


def _standing(auc: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    if auc is best:
        return _BEST
    return _LIKE if auc["interval"][1] >= best["interval"][0] else _BELOW


def _quality(row: Row, figures: Row, standing: str) -> list[str]:
    auc = figures["auc"]
    low, high = auc["interval"]
    return [
        row["architecture"],
        row["crop"],
        f"{_mean(auc)} [{low:.3f}, {high:.3f}]",
        standing,
        *(_mean(figures[n]) for n in ("accuracy", "eer", "ece", "tpr_at_fpr_5")),
    ]


def _mean(figure: Mapping[str, Any]) -> str:
    """Mean, and the spread over seeds where there are several."""
    spread = "" if figure["spread"] is None else f" ± {figure['spread']:.3f}"
    return f"{figure['mean']:.3f}{spread}"


def _cost(cost: Mapping[str, Any]) -> list[str]:
    if not cost:
        return [""] * 5
    flops, rate = cost["flops"], cost["train_images_per_second"]
    return [
        f"{cost['parameters']:,}",
        "" if flops is None else f"{flops / 1e9:.2f}",
        "" if rate is None else f"{rate:.0f}",
        f"{cost['serve_ms']:.1f}",
        f"{cost['file_bytes'] / 1e6:.1f}",
    ]


def _baselines(rows: Iterable[Row], split: str, source: str) -> dict[str, float]:
    """What thumbnails of each crop give away."""
    return {
        row["crop"]: _figure(row, split, source, "thumbnail_baseline_auc")["mean"]
        for row in rows
        if "thumbnail_baseline_auc" in row["metrics"][split][source]
    }


def _matrix_cell(figures: Row | None, is_unseen: bool) -> str:
    if figures is None:
        return ""
    low, high = figures["auc"]["interval"]
    cell = f"{_mean(figures['auc'])} [{low:.3f}, {high:.3f}]"
    baseline = figures.get("thumbnail_baseline_auc")
    if is_unseen:
        cell = f"**{cell}**"
    return cell if baseline is None else f"{cell}; thumbnails {baseline['mean']:.3f}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
