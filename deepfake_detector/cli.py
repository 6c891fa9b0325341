"""``python -m deepfake_detector``: predict, evaluate and list.

Results go to stdout, one JSON object a line where a program may read them; everything
else goes to stderr. Nothing here loads TensorFlow unless the Keras backend is
asked for.
"""

import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from deepfake_detector.command_line import config_options, one_line_errors
from deepfake_detector.config import ServeConfig, TrainConfig
from deepfake_detector.exceptions import (
    DeepfakeDetectorError,
    ImageError,
    MissingPackageError,
)

#: Settings of the web server, which the command line has no use for.
_SERVER_ONLY: Final = (
    "host",
    "port",
    "upload_dir",
    "max_upload_bytes",
    "workers",
    "threads",
)

#: Settings of one training run that a comparison sets itself.
_OF_ONE_RUN: Final = ("architecture", "crop", "member", "resume", "score_test")

_TABLES: Final = {
    "architectures": "deepfake_detector.architectures:ARCHITECTURES",
    "augmentations": "deepfake_detector.augmentations:AUGMENTATIONS",
    "backends": "deepfake_detector.backends:BACKENDS",
    "datasets": "deepfake_detector.datasets:DATASETS",
    "face_detectors": "deepfake_detector.face_detectors:FACE_DETECTORS",
}


@click.group()
def main() -> None:
    """Find out whether the faces in a picture are real."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--whole-picture",
    is_flag=True,
    help="If no face is found, score the whole picture.",
)
@config_options(ServeConfig, skip=_SERVER_ONLY)
def predict(files: tuple[Path, ...], whole_picture: bool, **options: Any) -> None:
    """Judge each FILE and print one JSON object a line.

    A file that cannot be judged gets a line with an `error`, and exit status 1.
    """
    from deepfake_detector.detector import Detector

    failed = False
    with one_line_errors():
        detector = Detector.load(ServeConfig.from_env(os.environ, **options))
        for file in files:
            answer: dict[str, Any] = {"file": str(file)}
            try:
                answer |= detector.analyse(file, whole_picture).to_dict()
            except (ImageError, OSError) as error:
                answer["error"] = _reason(error)
                failed = True
            click.echo(json.dumps(answer))
    sys.exit(1 if failed else 0)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "--split",
    type=click.Choice(["train", "val", "test"]),
    help="Split to score, where FOLDER holds splits.  [default: test]",
)
@click.option(
    "--picture",
    is_flag=True,
    help="Score each picture by its highest-scoring face, as the server does, instead "
    "of by the face nearest its centre, which the label is of.",
)
@config_options(ServeConfig, skip=_SERVER_ONLY)
def evaluate(
    folder: Path, as_json: bool, split: str | None, picture: bool, **options: Any
) -> None:
    """Score the pictures of FOLDER (or zip), which holds Real/ and Fake/.

    Prints accuracy, AUC, EER, ECE and counts, beside what 16x16 thumbnails give away.
    """
    from deepfake_detector.detector import Detector

    with one_line_errors():
        score_dataset = _score_dataset()
        detector = Detector.load(ServeConfig.from_env(os.environ, **options))
        report = score_dataset(detector, folder, split, by_picture=picture)
    click.echo(json.dumps(report) if as_json else _table(report))


@main.command()
@click.option("--table", "as_table", is_flag=True, help="Its figures as Markdown.")
@click.option("--model-dir", type=click.Path(path_type=Path), help="Model folder.")
def card(as_table: bool, model_dir: Path | None) -> None:
    """Print the model card: what a model is and what was measured of it."""
    from deepfake_detector.artifact import Artifact

    with one_line_errors():
        config = ServeConfig.from_env(os.environ, model_dir=model_dir)
        fields = Artifact.load(config.model_dir).card.to_dict()
    text = json.dumps(fields, indent=2)
    click.echo(_markdown(fields["metrics"]) if as_table else text)


@main.command()
@click.option(
    "--architectures", required=True, help="Networks to compare, commas between."
)
@click.option(
    "--crops", default="face", show_default=True, help="face, whole, or both: face,whole."
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="How often each is trained, each time from another seed.",
)
@click.option("--members", default="", help="Compared networks that ensembles combine.")
@click.option(
    "--leave-one-out",
    is_flag=True,
    help="Train on all datasets but one, for each of them, and score all.",
)
@config_options(TrainConfig, skip=_OF_ONE_RUN)
def compare(architectures: str, crops: str, seeds: int, **options: Any) -> None:
    """Train networks under one budget and write one table of them.

    What is trained already is kept: start a cut comparison again with the same options.
    """
    members, leave_one_out = options.pop("members"), options.pop("leave_one_out")
    logging.getLogger().setLevel(logging.INFO)
    with one_line_errors():
        from deepfake_detector.comparison import Comparison, trials_of

        config = TrainConfig.from_env(os.environ, **options)
        trials = trials_of(
            _names(architectures),
            _names(crops),
            range(config.seed, config.seed + seeds),
            config.dataset if leave_one_out else (None,),
        )
        rows = Comparison(config, trials, _names(members)).run()
    click.echo(json.dumps(rows))


@main.command("list")
@click.argument("table", type=click.Choice(sorted(_TABLES)))
def list_table(table: str) -> None:
    """Print every name of a TABLE with a line on each."""
    from pkgutil import resolve_name

    registry = resolve_name(_TABLES[table])
    width = max(map(len, registry))
    for name in registry:
        click.echo(f"{name:{width}}  {registry.summary(name)}")


def _names(text: str) -> list[str]:
    """The words of an option that takes several."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _score_dataset() -> Callable[..., dict[str, Any]]:
    """What `evaluate` calls; it needs more packages than serving does."""
    try:
        from deepfake_detector.dataset_scoring import score_dataset
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"evaluate needs {error.name}, which serving does not: "
            "pip install -r requirements.txt"
        ) from error
    return score_dataset


def _reason(error: Exception) -> str:
    """Why a file was not judged, in words for its reader."""
    if isinstance(error, DeepfakeDetectorError):
        return str(error)
    return f"The file cannot be read ({error.__class__.__name__})."


def _markdown(metrics: dict[str, Any]) -> str:
    """The card's figures, one row for each split of each data set."""
    lines = [
        "| data set, split | pictures | AUC [95 %] | accuracy [95 %] | EER | ECE "
        "| AUC of 16x16 thumbnails |",
        "|---|---|---|---|---|---|---|",
    ]
    for split, reports in metrics.items():
        for source, figures in reports.items():
            auc, accuracy = (
                f"{figures[name]:.3f} [{low:.3f}, {high:.3f}]"
                for name in ("auc", "accuracy")
                for low, high in [figures[f"{name}_interval"]]
            )
            baseline = figures.get("thumbnail_baseline_auc")
            lines.append(
                f"| {source}, {split} | {figures['pictures']} | {auc} | {accuracy} "
                f"| {figures['eer']:.3f} | {figures['ece']:.3f} "
                f"| {'' if baseline is None else f'{baseline:.3f}'} |"
            )
    return "\n".join(lines)


def _table(report: dict[str, Any]) -> str:
    rows = (
        f"{name:24} {value:.4f}" if isinstance(value, float) else f"{name:24} {value}"
        for name, value in report.items()
    )
    return "\n".join(rows)
