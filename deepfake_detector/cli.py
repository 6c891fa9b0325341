"""``python -m deepfake_detector``: predict, evaluate, inspect and list.

Results go to stdout, one JSON object a line where a program may read them; everything
else goes to stderr. Nothing here loads TensorFlow unless the Keras backend is
asked for.
"""

import dataclasses
import importlib
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any, Final

import click

from deepfake_detector.command_line import config_options, one_line_errors
from deepfake_detector.config import REPOSITORY, ServeConfig, TrainConfig
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

#: Settings of training that do not say where a dataset comes from and how it is split.
_NOT_OF_DATASETS: Final = {field.name for field in dataclasses.fields(TrainConfig)} - {
    "archive",
    "data_dir",
    "dataset_url",
    "cache_dir",
    "seed",
}

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
        scoring = _training_module("evaluate", "dataset_scoring")
        detector = Detector.load(ServeConfig.from_env(os.environ, **options))
        report = scoring.score_dataset(detector, folder, split, by_picture=picture)
    click.echo(json.dumps(report) if as_json else _table(report))


@main.command()
@click.argument("dataset")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for the page.  [default: runs/inspect-<DATASET>]",
)
@click.option(
    "--crop",
    type=click.Choice(["face", "whole", "both"]),
    default="both",
    show_default=True,
    help="Report the leaks of face crops, of whole pictures or of both.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@config_options(TrainConfig, skip=_NOT_OF_DATASETS)
def inspect(
    dataset: str, output: Path | None, crop: str, as_json: bool, **options: Any
) -> None:
    """Look at DATASET before training, and write a page on it.

    DATASET is a name that `list datasets` prints, or a folder or zip with Real/ and
    Fake/. Prints how well each trivial signal tells the classes apart. The page shows
    pictures of the set: do not publish it.
    """
    with one_line_errors():
        inspection = _training_module("inspect", "inspection")
        handler = inspection.dataset_to_inspect(dataset, os.environ, **options)
        rules = ("whole", "face") if crop == "both" else (crop,)
        found = inspection.inspect_dataset(handler, rules)
        name = Path(dataset).resolve().stem
        page = found.write(output or REPOSITORY / "runs" / f"inspect-{name}")
    click.echo(json.dumps(found.report) if as_json else found.leak_table())
    click.echo(f"wrote {page}", err=True)


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


@main.command("list")
@click.argument("table", type=click.Choice(sorted(_TABLES)))
def list_table(table: str) -> None:
    """Print every name of a TABLE with a line on each."""
    from pkgutil import resolve_name

    registry = resolve_name(_TABLES[table])
    width = max(map(len, registry))
    for name in registry:
        click.echo(f"{name:{width}}  {registry.summary(name)}")


def _training_module(command: str, name: str) -> Any:
    """A module that a command is made of; it needs more packages than serving does."""
    try:
        return importlib.import_module(f"deepfake_detector.{name}")
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"{command} needs {error.name}, which serving does not: "
            "pip install -r requirements.txt"
        ) from error


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
