"""``python -m deepfake_detector``: predict, scan, evaluate, explain, inspect and list.

Results go to stdout, one JSON object a line where a program may read them; everything
else goes to stderr. Nothing here loads TensorFlow unless the Keras backend is
asked for.
"""

import dataclasses
import importlib
import json
import logging
import os
import signal
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
from deepfake_detector.presets import train_config
from deepfake_detector.whole_file import write_json

#: Settings of the web server, which the command line has no use for.
_SERVER_ONLY: Final = {field.name for field in dataclasses.fields(ServeConfig)} - {
    "model_dir",
    "backend",
    "keras_file",
    "keras_score",
    "face_detector",
    "face_model",
    "max_pixels",
    "threshold",
    "stability",
}

#: Settings of an answer's words, which do not change how a data set scores.
_OF_ANSWERS: Final = ("threshold", "stability")

#: Settings of training that do not say where a dataset comes from and how it is split.
_NOT_OF_DATASETS: Final = {field.name for field in dataclasses.fields(TrainConfig)} - {
    "archive",
    "data_dir",
    "dataset_url",
    "cache_dir",
    "seed",
}

#: Settings of training that a comparison sets for each run itself.
_OF_ONE_RUN: Final = (
    "architecture",
    "crop",
    "member",
    "output",
    "resume",
    "score_test",
)

#: Exit status after Ctrl-C or being told to end, as shells have it for the first.
_STOPPED_STATUS: Final = 130

_TABLES: Final = {
    "architectures": "deepfake_detector.architectures:ARCHITECTURES",
    "augmentations": "deepfake_detector.augmentations:AUGMENTATIONS",
    "backends": "deepfake_detector.backends:BACKENDS",
    "datasets": "deepfake_detector.datasets:DATASETS",
    "explainers": "deepfake_detector.explainers:EXPLAINERS",
    "face_detectors": "deepfake_detector.face_detectors:FACE_DETECTORS",
    "presets": "deepfake_detector.presets:PRESETS",
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
@click.option(
    "--json",
    is_flag=True,
    expose_value=False,
    help="Print JSON, as it does anyway; for symmetry with evaluate.",
)
@click.option(
    "--marked",
    "marked_dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for each picture with its faces marked, <name>-marked.png.",
)
@click.option(
    "--heatmaps",
    "heatmap_dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for where the model looked in each face, <name>-face-<number>.png.",
)
@click.option(
    "--explain",
    type=click.Choice(["cam", "occlusion"]),
    help="Print where the model looked too: by its own map, or by covering one place "
    "after the other.  [default: cam for --heatmaps]",
)
@config_options(ServeConfig, skip=_SERVER_ONLY)
def predict(files: tuple[Path, ...], whole_picture: bool, **options: Any) -> None:
    """Judge each FILE and print one JSON object a line.

    A file that cannot be judged gets a line with an `error`, and exit status 1.
    """
    from deepfake_detector.detector import Detector
    from deepfake_detector.prediction_pictures import PredictionPictures

    explain = options.pop("explain")
    marked_dir, heatmap_dir = (options.pop(n) for n in ("marked_dir", "heatmap_dir"))
    pictures = PredictionPictures(marked_dir, heatmap_dir, files)
    failed = False
    with one_line_errors():
        detector = Detector.load(ServeConfig.from_env(os.environ, **options))
        for file in files:
            answer: dict[str, Any] = {"file": str(file)}
            try:
                answer |= pictures.answer(detector, file, whole_picture, explain)
            except (ImageError, OSError) as error:
                answer["error"] = _reason(error)
                failed = True
            click.echo(json.dumps(answer))
    sys.exit(1 if failed else 0)


@main.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for the rows, by its ending: .csv, .jsonl or .parquet (needs pyarrow).",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    help="Processes that judge.  [default: one for each core]",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where they run: on this machine, or over a Ray cluster (docs/scan.md).",
)
@click.option(
    "--whole-picture",
    is_flag=True,
    help="If no face is found, score the whole picture.",
)
@click.option(
    "--crops",
    is_flag=True,
    help="The pictures are ready face crops: score each as it is, without face search "
    "and stability check.",
)
@click.option(
    "--all-files",
    is_flag=True,
    help="Take every file of a folder or archive for a picture, whatever its ending.",
)
@click.option(
    "--overwrite",
    is_flag=True,
    help="Begin anew where there is an output, or an unfinished scan of it.",
)
@config_options(ServeConfig, skip=_SERVER_ONLY)
def scan(paths: tuple[str, ...], out: Path, **options: Any) -> None:
    """Judge all pictures of each PATH and write a row for each.

    PATH is a folder, an archive (.zip, .tar, .tar.gz), a picture, or a pattern in
    quotes. The same command goes on where a stopped one was. Exit status 1 if a picture
    could not be judged: its row says why.
    """
    from deepfake_detector.bulk_scan import BulkScan, ScanOptions

    names = [field.name for field in dataclasses.fields(ScanOptions)]
    how = ScanOptions(**{name: options.pop(name) for name in names})
    # Being told to end is as good a reason to stop in order as Ctrl-C.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with one_line_errors():
            config = ServeConfig.from_env(os.environ, **options)
            report = BulkScan(paths, out, config, how).run()
    except KeyboardInterrupt:
        click.echo(
            f"\nstopped; the rows so far are kept beside {out.name}: give the same "
            "command without --overwrite to go on",
            err=True,
        )
        sys.exit(_STOPPED_STATUS)
    finally:
        signal.signal(signal.SIGTERM, before)
    click.echo(str(report), err=True)
    sys.exit(1 if report.failed else 0)


@main.command()
@click.argument("sets", nargs=-1, required=True, metavar="SET...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "--answers/--no-answers",
    default=None,
    help="Judge each picture as the server does too, and put its faces, boxes, scores "
    "and verdicts into the JSON.  [default: with --json]",
)
@click.option(
    "--split",
    type=click.Choice(["train", "val", "test"]),
    help="Split to score, where a SET holds splits.  [default: test]",
)
@click.option(
    "--picture",
    "by_picture",
    is_flag=True,
    help="Score each picture by its highest-scoring face, as the server does, instead "
    "of by the face nearest its centre, which the label is of.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    help="P(fake) from which the answer is Fake.  [default: the card's]",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for report.html, metrics.json and scores.csv; the page shows pictures "
    "of the set: do not publish it.",
)
@click.option(
    "--robustness/--no-robustness",
    default=None,
    help="Score perturbed copies too.  [default: with --report or --into-card]",
)
@click.option(
    "--into-card",
    is_flag=True,
    help="Write the figures into the model's card.json, in the place of what it says "
    "of that split.",
)
@click.option(
    "--check-export",
    is_flag=True,
    help="Score model.keras too, and write into the card how far model.tflite is from "
    "it (needs TensorFlow).",
)
@click.option(
    "--also-model",
    "also_models",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Another model folder to score on the same sets; may be given again.",
)
# The threshold that metrics are told at is another thing than that of an answer.
@config_options(ServeConfig, skip=(*_SERVER_ONLY, "threshold"))
def evaluate(
    sets: tuple[str, ...],
    as_json: bool,
    report: Path | None,
    also_models: tuple[Path, ...],
    **options: Any,
) -> None:
    """Score the pictures of each SET: a folder or zip which holds Real/ and Fake/.

    NAME=SET gives it a name. Prints every metric with its 95 % interval, beside what
    16x16 thumbnails give away; of several sets, a row for each.
    """
    with one_line_errors():
        evaluation = _training_module("evaluate", "evaluation_files")
        if options["answers"] is None:
            options["answers"] = as_json
        found = evaluation.evaluate_and_write(
            os.environ, sets, report, also_models, options
        )
        numbers = evaluation.figures(found)
    click.echo(json.dumps(numbers) if as_json else evaluation.figures_text(found))
    if report is not None:
        click.echo(f"wrote {report / evaluation.PAGE_FILE}", err=True)


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
@click.option(
    "--architectures", required=True, help="Networks to compare, commas between."
)
@click.option(
    "--crops",
    default="face",
    show_default=True,
    help="What they see: face, whole, or both as face,whole.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="How often each is trained: from --seed, the number after it, and so on.",
)
@click.option("--members", default="", help="Compared networks that ensembles combine.")
@click.option(
    "--leave-one-out",
    is_flag=True,
    help="Train on all datasets but one, for each of them, and score all.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=REPOSITORY / "runs" / "comparison",
    help="Folder of the run folders and the table.  [default: runs/comparison]",
)
@config_options(TrainConfig, skip=_OF_ONE_RUN)
def compare(architectures: str, crops: str, seeds: int, **options: Any) -> None:
    """Train networks under one budget and write one table of them.

    What is trained already is kept: start a cut comparison again with the same options.
    Writes comparison.md, .csv, .json and a plot, and prints the rows as JSON.
    """
    members, leave_one_out = options.pop("members"), options.pop("leave_one_out")
    logging.getLogger().setLevel(logging.INFO)
    with one_line_errors():
        comparison = _training_module("compare", "comparison")
        config = train_config(os.environ, **options)
        trials = comparison.trials_of(
            _names(architectures),
            _names(crops),
            range(config.seed, config.seed + seeds),
            config.dataset if leave_one_out else (None,),
        )
        rows = comparison.Comparison(config, trials, _names(members)).run()
    click.echo(json.dumps(rows))


@main.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="JSON file to keep the rows in; it may be given in place of the runs later.",
)
def ablation(runs: tuple[Path, ...], output: Path | None) -> None:
    """Print what each of RUNS changed and what came of it on validation.

    RUNS are run folders of train.py; the first is what the others are told by.
    """
    with one_line_errors():
        tables = _training_module("ablation", "ablation")
        rows = tables.ablation_rows(runs)
        if output is not None:
            write_json(output, rows)
    click.echo(tables.ablation_table(rows))


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--method",
    help="Name that `list explainers` prints.  [default: cam where the model has an "
    "activation map, else occlusion]",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="PNG to write.  [default: <FILE>-<METHOD>.png in this folder]",
)
@click.option(
    "--face",
    type=int,
    help="Which face, 1 for the largest.  [default: the one the answer is of]",
)
@click.option(
    "--whole-picture",
    is_flag=True,
    help="If no face is found, explain the whole picture.",
)
@click.option(
    "--feature-maps",
    is_flag=True,
    help="Write a grid of the first layers' feature maps too (needs TensorFlow).",
)
@config_options(ServeConfig, skip=_SERVER_ONLY)
def explain(
    file: Path,
    method: str | None,
    output: Path | None,
    face: int | None,
    whole_picture: bool,
    **options: Any,
) -> None:
    """Draw what speaks for and against a face of FILE being fake.

    Writes a PNG and prints what it shows as JSON. A method that needs the Keras backend
    gets it unless another is asked for.
    """
    from deepfake_detector.detector import Detector
    from deepfake_detector.explainers import needed_backend

    feature_maps = options.pop("feature_maps")
    with one_line_errors():
        explaining = _training_module("explain", "explaining")
        needed = "keras" if feature_maps else needed_backend([method] if method else [])
        options["backend"] = options["backend"] or needed
        detector = Detector.load(ServeConfig.from_env(os.environ, **options))
        explained = explaining.explain_face(detector, file, method, face, whole_picture)
        path = output or Path(f"{file.stem}-{explained.method}.png")
        files = explaining.write_figures(
            explained, path, detector if feature_maps else None
        )
    answer = (
        {"file": str(file)} | explained.to_dict() | {"wrote": list(map(str, files))}
    )
    click.echo(json.dumps(answer))


@main.command("deletion-test")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--method",
    "methods",
    multiple=True,
    default=["cam", "occlusion"],
    show_default=True,
    help="Name that `list explainers` prints; repeat it for several.",
)
@click.option(
    "--pictures",
    type=click.IntRange(2),
    default=60,
    show_default=True,
    help="Crops to explain, half of each class.",
)
@click.option(
    "--split",
    type=click.Choice(["train", "val", "test"]),
    help="Split to take, where FOLDER holds splits.  [default: test]",
)
@click.option(
    "--blank",
    type=click.Choice(["mean", "blur"]),
    default="mean",
    show_default=True,
    help="What stands in for a blanked pixel: the crop's mean colour, or a blur.",
)
@config_options(ServeConfig, skip=(*_SERVER_ONLY, *_OF_ANSWERS))
def deletion(folder: Path, methods: tuple[str, ...], **options: Any) -> None:
    """Test on FOLDER (or zip) whether heatmaps mark what the score rests on.

    Blanks the most important fifth of each crop, then as large a fifth elsewhere, and
    prints a JSON object a line: by how much the logit falls for each.
    """
    from deepfake_detector.detector import Detector
    from deepfake_detector.explainers import needed_backend

    asked = {name: options.pop(name) for name in ("pictures", "split", "blank")}
    with one_line_errors():
        scoring = _training_module("deletion-test", "explainer_scoring")
        options["backend"] = options["backend"] or needed_backend(methods)
        detector = Detector.load(ServeConfig.from_env(os.environ, **options))
        rows = scoring.score_explainers(detector, folder, methods, **asked)
    for row in rows:
        click.echo(json.dumps(row))


@main.command("show-augmentation")
@click.argument("name")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="PNG to write.  [default: runs/augmentation-<NAME>.png]",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Seed of the draws.",
)
def show_augmentation(
    name: str, file: Path | None, output: Path | None, seed: int
) -> None:
    """Draw what the augmentation NAME makes of FILE, or of a drawn face.

    The picture comes first, then several draws, then each step of the recipe alone.
    """
    from deepfake_detector.images import decode

    with one_line_errors():
        gallery = _training_module("show-augmentation", "augmentation_gallery")
        picture = None if file is None else decode(file)
        figure = gallery.augmentation_gallery(name, picture, seed)
        path = output or REPOSITORY / "runs" / f"augmentation-{name}.png"
        _training_module("show-augmentation", "plots").write_png(figure, path)
    click.echo(f"wrote {path}", err=True)


@main.command()
@click.option("--table", "as_table", is_flag=True, help="Its figures as Markdown.")
@click.option("--model-dir", type=click.Path(path_type=Path), help="Model folder.")
def card(as_table: bool, model_dir: Path | None) -> None:
    """Print the model card: what a model is and what was measured of it."""
    from deepfake_detector.artifact import Artifact

    with one_line_errors():
        config = ServeConfig.from_env(os.environ, model_dir=model_dir)
        fields = Artifact.load(config.model_dir).card.to_dict()
    if as_table:
        page = _training_module("card --table", "model_card_page")
        click.echo(page.figures_table(fields["metrics"]))
    else:
        click.echo(json.dumps(fields, indent=2))


@main.command("model-card")
@click.option("--model-dir", type=click.Path(path_type=Path), help="Model folder.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write.  [default: print it]",
)
@click.option(
    "--leave-one-out",
    "comparison",
    type=click.Path(path_type=Path),
    help="A comparison.json of `compare --leave-one-out`, whose rows of this network "
    "are put into the card first.",
)
def model_card(
    model_dir: Path | None, output: Path | None, comparison: Path | None
) -> None:
    """Lay the model's card out as a page of Markdown, which holds its every figure."""
    from deepfake_detector.artifact import Artifact
    from deepfake_detector.whole_file import write_whole

    with one_line_errors():
        config = ServeConfig.from_env(os.environ, model_dir=model_dir)
        fields = Artifact.load(config.model_dir).card
        if comparison is not None:
            figures = _training_module("model-card", "card_figures")
            rows = figures.read_comparison(comparison)
            fields = figures.with_leave_one_out(fields, rows)
            figures.rewrite_card(config.model_dir, fields)
        page = _training_module("model-card", "model_card_page")
        text = page.model_card_page(fields)
        if output is not None:
            write_whole(output, text)
    if output is None:
        click.echo(text, nl=False)
    else:
        click.echo(f"wrote {output}", err=True)


@main.command("measure-faces")
@click.argument(
    "archives", nargs=-1, metavar="[SET.zip]...", type=click.Path(path_type=Path)
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "--scenes",
    type=click.IntRange(1, 1000),
    default=12,
    show_default=True,
    help="Scenes with planted faces to make, of 1, 4 and 12 megapixels in turn.",
)
@click.option(
    "--pictures",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="Pictures of each SET to search, of its train split where it has one.",
)
def measure_faces(
    archives: tuple[Path, ...], as_json: bool, scenes: int, pictures: int
) -> None:
    """Measure the face search on made-up scenes and on the pictures of each SET.

    Scenes hold faces of the SETs, or drawn ones without any. Prints, for each setting
    of the search, the share of planted faces found, false boxes and processor time.
    """
    with one_line_errors():
        measuring = _training_module("measure-faces", "face_measuring")
        found = measuring.measure_faces(archives, scenes, pictures)
    click.echo(json.dumps(found) if as_json else measuring.faces_table(found))


@main.command("train-face-proposals")
@click.argument(
    "archives", nargs=-1, metavar="[SET.zip]...", type=click.Path(path_type=Path)
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=REPOSITORY / "models" / "face_proposals",
    show_default="models/face_proposals",
    help="Folder to write.",
)
@click.option("--pictures", type=click.IntRange(1), default=1500, show_default=True)
@click.option("--scenes", type=click.IntRange(1), default=8000, show_default=True)
@click.option("--epochs", type=click.IntRange(1), default=12, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def train_face_proposals(archives: tuple[Path, ...], out: Path, **recipe: int) -> None:
    """Train the network that proposes faces in large pictures, on faces of each SET.

    The train splits teach, the val splits say from which score a place is proposed.
    Without a SET the faces are drawn. Prints the card that goes with the network.
    """
    with one_line_errors():
        training = _training_module("train-face-proposals", "proposal_training")
        made = training.ProposalRecipe(**recipe)
        card = training.train_face_proposals(archives, out, made)
    click.echo(json.dumps(card, indent=2))


@main.command("list")
@click.argument("table", type=click.Choice(sorted(_TABLES)))
def list_table(table: str) -> None:
    """Print every name of a TABLE with a line on each."""
    from pkgutil import resolve_name

    registry = resolve_name(_TABLES[table])
    width = max(map(len, registry))
    for name in registry:
        click.echo(f"{name:{width}}  {registry.summary(name)}")


@main.command("api-key")
def api_key() -> None:
    """Make a key for the API, and its hash for the server.

    The server keeps the hash alone: the key is shown here and never again.
    """
    from deepfake_detector.web.api_keys import hash_of, new_key

    key = new_key()
    click.echo(f"key      {key}")
    click.echo(f"setting  DEEPFAKE_API_KEY_HASHES={hash_of(key)}")


def _training_module(command: str, name: str) -> Any:
    """A module that a command is made of; it needs more packages than serving does."""
    try:
        return importlib.import_module(f"deepfake_detector.{name}")
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"{command} needs {error.name}, which serving does not: "
            "pip install -r requirements.txt"
        ) from error


def _names(text: str) -> list[str]:
    """The words of an option that takes several, commas between."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _reason(error: Exception) -> str:
    """Why a file was not judged, in words for its reader."""
    if isinstance(error, DeepfakeDetectorError):
        return str(error)
    return f"The file cannot be read ({error.__class__.__name__})."
