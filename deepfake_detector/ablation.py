"""What each change of a recipe did: run folders side by side, on validation alone."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from deepfake_detector.config import TrainConfig
from deepfake_detector.exceptions import ConfigError

#: Settings that say where, not how, or that follow from the run's own steps.
_PLACES: Final = frozenset(
    {
        "archive",
        "data_dir",
        "dataset_url",
        "cache_dir",
        "output",
        "preset",
        "resume",
        "score_test",
    }
)

Row = Mapping[str, Any]


def ablation_rows(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Read run folders, or tables of them that were written before.

    Parameters
    ----------
    paths : sequence of Path
        Run folders that training finished, or JSON files of such rows.

    Returns
    -------
    list of dict
        For each run its ``settings``, its ``cost`` (epochs, minutes, images a second)
        and its ``metrics`` on validation by set: AUC, its 95 % interval and that of
        16x16 thumbnails.

    Raises
    ------
    ConfigError
        If a folder is no finished run, or a file no such table.
    """
    rows: list[dict[str, Any]] = []
    for path in paths:
        try:
            rows += _written_rows(path) if path.is_file() else [_row(path)]
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"{path.name}: expected the folder of a finished training run, or a "
                "JSON table of some; give a folder below runs/"
            ) from error
    return rows


def ablation_table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table, each with what it changed.

    Parameters
    ----------
    rows : sequence of mapping
        What :func:`ablation_rows` returns; the first is what the others are told by.

    Returns
    -------
    str
        One line a run, and one for the thumbnail baseline of the first.
    """
    sources = list(rows[0]["metrics"])
    headings = ["changed", "epochs", "minutes", "images/s", *sources]
    lines = [_line(headings), _line("---" for _ in headings)]
    first = rows[0]
    for row in rows:
        changed = _changes(first["settings"], row["settings"])
        if row is first:
            changed = "first row"
        cost = row["cost"]
        figures = [str(cost["epochs"]), f"{cost['minutes']:.0f}"]
        figures.append(f"{cost['images_per_second']:.0f}")
        lines.append(
            _line([changed, *figures, *(_auc(row["metrics"].get(s)) for s in sources)])
        )
    baselines = [_baseline(first["metrics"][source]) for source in sources]
    lines.append(_line(["16x16 thumbnails", "", "", "", *baselines]))
    return "\n".join(lines)


def _row(run_dir: Path) -> dict[str, Any]:
    config, metrics, provenance = (
        json.loads((run_dir / name).read_text(encoding="utf-8"))
        for name in ("config.json", "metrics.json", "provenance.json")
    )
    sessions = provenance["sessions"]
    # A session that was killed left its minutes, but not its speed.
    rates = [s["images_per_second"] for s in sessions if s.get("images_per_second")]
    return {
        "settings": {
            k: _shortened(v) for k, v in sorted(config.items()) if k not in _PLACES
        },
        "cost": {
            "epochs": config["epochs"],
            "minutes": sum(session["minutes"] for session in sessions),
            "images_per_second": rates[-1],
        },
        "metrics": {
            source: {
                "auc": figures["auc"],
                "interval": figures["auc_interval"],
                "thumbnail_baseline_auc": figures.get("thumbnail_baseline_auc"),
            }
            for source, figures in metrics["val"].items()
        },
    }


def _shortened(value: Any) -> Any:
    """A model folder by its last two names; where it lay is nobody's concern."""
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, str) and "/" in value:
        return "/".join(Path(value).parts[-2:])
    return value


def _written_rows(path: Path) -> list[dict[str, Any]]:
    rows = json.loads(path.read_text(encoding="utf-8"))
    if not rows:
        raise LookupError("no rows")
    for row in rows:
        ablation_table([row])  # raises KeyError or TypeError where it is something else
    return list(rows)


def _changes(first: Row, other: Row) -> str:
    """The options that tell a run from the first; what one lacks has its default."""
    defaults = TrainConfig().to_dict()
    names = sorted({*first, *other})
    told = []
    for name in names:
        before, after = (s.get(name, defaults.get(name)) for s in (first, other))
        if before != after:
            told.append(_option(name, after))
    return f"`{' '.join(told)}`" if told else "nothing"


def _option(name: str, value: Any) -> str:
    """A setting as one would type it."""
    option = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return option if value else f"--no-{option[2:]}"
    if isinstance(value, list):
        return " ".join(f"{option} {item}" for item in value)
    return f"{option} {value}"


def _auc(figures: Row | None) -> str:
    if figures is None:
        return ""
    low, high = figures["interval"]
    return f"{figures['auc']:.3f} [{low:.3f}, {high:.3f}]"


def _baseline(figures: Row) -> str:
    baseline = figures["thumbnail_baseline_auc"]
    return "" if baseline is None else f"{baseline:.3f}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
