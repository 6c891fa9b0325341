import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from deepfake_detector.artifact import ModelCard, write_artifact
from deepfake_detector.cli import main
from deepfake_detector.config import REPOSITORY
from deepfake_detector.face_crops import CROP_RULES
from tests.drawn_sets import write_drawn_set

FIGURES = {
    "pictures": 20,
    "real": 10,
    "fake": 10,
    "auc": 0.9,
    "auc_interval": [0.8, 1.0],
    "accuracy": 0.85,
    "accuracy_interval": [0.7, 0.95],
    "eer": 0.1,
    "ece": 0.05,
    "thumbnail_baseline_auc": 0.6,
}


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    card = ModelCard(
        name="stand-in",
        architecture="compact",
        input_shape=(32, 32, 3),
        crop=CROP_RULES["face"],
        metrics={"val": {"openforensics": FIGURES}},
    )
    folder = tmp_path / "model"
    write_artifact(folder, card, lambda staging: None)
    return folder


@pytest.fixture
def labelled_folder(tmp_path: Path, portrait_jpeg: bytes) -> Path:
    for name in ("Real", "Fake"):
        folder = tmp_path / "labelled" / name
        folder.mkdir(parents=True)
        for index in range(2):
            (folder / f"{index}.jpg").write_bytes(portrait_jpeg)
    return tmp_path / "labelled"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_predict_prints_one_json_object_a_line(
    model_dir: Path, labelled_folder: Path
) -> None:
    files = sorted((labelled_folder / "Real").iterdir())
    result = run("predict", *files, "--model-dir", model_dir, "--backend", "constant")
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [answer["file"] for answer in answers] == list(map(str, files))
    assert answers[0]["p_fake"] == 0.5
    assert 179 in [face["box"]["left"] for face in answers[0]["faces"]]


def test_predict_goes_on_after_a_bad_file(
    model_dir: Path, labelled_folder: Path, tmp_path: Path
) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("not a picture")
    good = labelled_folder / "Real" / "0.jpg"
    missing = tmp_path / "missing.jpg"
    options = ("--model-dir", model_dir, "--backend", "constant")
    result = run("predict", text, missing, good, *options)
    first, second, third = map(json.loads, result.stdout.splitlines())
    assert "not a JPEG, PNG or WebP" in first["error"]
    assert "FileNotFoundError" in second["error"]
    assert third["verdict"] == "inconclusive"
    assert result.exit_code == 1


def test_predict_scores_the_whole_picture_only_when_asked(
    model_dir: Path, tmp_path: Path
) -> None:
    flat = tmp_path / "flat.png"
    Image.fromarray(np.full((64, 64, 3), 90, dtype=np.uint8)).save(flat)
    options = ("--model-dir", model_dir, "--backend", "constant")
    plain = json.loads(run("predict", flat, *options).stdout)
    whole = json.loads(run("predict", flat, "--whole-picture", *options).stdout)
    assert (plain["verdict"], plain["p_fake"]) == ("no_face", None)
    assert whole["p_fake"] == 0.5


def test_predict_draws_what_is_asked_for(
    model_dir: Path, labelled_folder: Path, tmp_path: Path
) -> None:
    files = [labelled_folder / name / "0.jpg" for name in ("Real", "Fake")]
    options = ("--model-dir", model_dir, "--backend", "constant")
    folders = ("--marked", tmp_path / "marked", "--heatmaps", tmp_path / "maps")
    result = run("predict", *files, *options, *folders, "--explain", "occlusion")
    assert result.exit_code == 0, result.stderr
    first, second = map(json.loads, result.stdout.splitlines())
    assert first["faces"][0]["heatmap"]["method"] == "occlusion"
    assert str(tmp_path / "marked" / "0-marked.png") in first["wrote"]
    assert str(tmp_path / "maps" / "0-2-face-1.png") in second["wrote"]
    assert all(Path(file).is_file() for file in first["wrote"] + second["wrote"])


def test_predict_says_that_a_folder_cannot_be_written_to(
    model_dir: Path, labelled_folder: Path
) -> None:
    file = labelled_folder / "Real" / "0.jpg"
    options = ("--model-dir", model_dir, "--backend", "constant")
    result = run("predict", file, *options, "--marked", file / "in")
    assert result.exit_code == 2
    assert "folders that can be written to" in result.stderr
    assert "Traceback" not in result.stderr


def test_predict_takes_a_threshold_and_leaves_the_check_out(
    model_dir: Path, labelled_folder: Path
) -> None:
    file = labelled_folder / "Real" / "0.jpg"
    options = ("--model-dir", model_dir, "--backend", "constant")
    asked = run("predict", file, *options, "--threshold", "0.4", "--no-stability")
    answer = json.loads(asked.stdout)
    assert answer["verdict"] == "likely_fake"
    assert answer["cut_offs"] == {"likely_real": 0.4, "likely_fake": 0.4}
    assert answer["faces"][0]["stability"] is None
    assert run("predict", file, "--json", *options).exit_code == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--backend", "onnx"), "choose from: constant, keras, litert, openvino, "),
        (("--model-dir", "nowhere"), "train one with"),
        (("--max-pixels", "0"), "max_pixels"),
        (("--max-pixels", "many"), "not a valid int"),
    ],
)
def test_bad_options_end_with_what_to_do(options: tuple[str, str], told: str) -> None:
    result = run("predict", "any.jpg", *options)
    assert result.exit_code == 2
    assert told in result.stderr


@pytest.mark.parametrize("mode", [(), ("--picture",)])
def test_evaluate_prints_metrics_as_json(
    model_dir: Path,
    labelled_folder: Path,
    mode: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deepfake_detector.dataset_scoring.CACHE_DIR", tmp_path / "c")
    options = ("--model-dir", model_dir, "--backend", "constant", "--json")
    result = run("evaluate", labelled_folder, *options, *mode)
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (report["real"], report["fake"]) == (2, 2)
    assert {"accuracy", "auc", "eer", "ece"} <= set(report)
    assert report["auc"] == 0.5


def test_evaluate_refuses_a_folder_with_one_class(
    model_dir: Path, labelled_folder: Path
) -> None:
    for file in (labelled_folder / "Fake").iterdir():
        file.unlink()
    options = ("--model-dir", model_dir, "--backend", "constant")
    result = run("evaluate", labelled_folder, *options)
    assert result.exit_code == 2
    assert "no pictures of class Fake" in result.stderr


def test_evaluate_names_a_package_that_serving_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evaluation = ("evaluation_files", "evaluation_page", "evaluation_run")
    for name in (*evaluation, "set_examination", "dataset_scoring", "dataset_handler"):
        monkeypatch.delitem(sys.modules, f"deepfake_detector.{name}", False)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    result = run("evaluate", "any")
    assert result.exit_code == 2
    assert "pip install -r requirements.txt" in result.stderr


def inspect_set(folder: Path, tmp_path: Path, *options: object) -> Result:
    output = ("--output", tmp_path / "report", "--cache-dir", tmp_path / "cache")
    return run("inspect", folder, *output, *options)


def test_inspect_writes_a_page_and_prints_the_leaks(tmp_path: Path) -> None:
    result = inspect_set(write_drawn_set(tmp_path / "set"), tmp_path)
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    for of in ("picture", "face"):
        assert ["16x16", "thumbnail", of] in [line[:3] for line in lines]
    assert "inspection.html" in result.stderr
    files = {file.name for file in (tmp_path / "report").iterdir()}
    assert files == {"inspection.html", "inspection.json"}


def test_inspect_prints_what_it_writes_as_json(tmp_path: Path) -> None:
    folder = write_drawn_set(tmp_path / "set")
    result = inspect_set(folder, tmp_path, "--json", "--crop", "face")
    written = (tmp_path / "report" / "inspection.json").read_text(encoding="utf-8")
    report = json.loads(written)
    assert json.loads(result.stdout) == report
    assert report["pictures"]["train"] == {"Real": 8, "Fake": 8}
    assert {row["of"] for row in report["leak_report"]} == {"face crop"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere",), "choose from: dfdc_faces, folder"),
        (("folder",), "give --archive FILE or --data-dir DIR"),
        (("openforensics", "--archive", "nowhere.zip"), "there is no such file"),
        (("openforensics", "--seed", "-1"), "seed"),
        (("openforensics", "--crop", "half"), "is not one of"),
        ((".", "--archive", "any.zip"), "give no --archive"),
    ],
)
def test_inspect_says_what_to_give_instead(
    tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    result = run("inspect", *arguments, "--cache-dir", tmp_path)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_inspect_names_a_package_that_serving_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("inspection", "dataset_handler"):
        monkeypatch.delitem(sys.modules, f"deepfake_detector.{name}", False)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    result = run("inspect", "any")
    assert result.exit_code == 2
    assert "inspect needs tqdm" in result.stderr


def test_explain_writes_a_figure_and_says_what_it_shows(
    model_dir: Path, labelled_folder: Path, tmp_path: Path
) -> None:
    file, output = labelled_folder / "Real" / "0.jpg", tmp_path / "figure.png"
    options = ("--model-dir", model_dir, "--backend", "constant", "--output", output)
    result = run("explain", file, *options)
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (answer["method"], answer["p_fake"]) == ("occlusion", 0.5)
    assert answer["wrote"] == [str(output)]
    assert output.read_bytes().startswith(b"\x89PNG")


def test_explain_writes_into_the_current_folder_unless_told(
    model_dir: Path,
    labelled_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    file = labelled_folder / "Real" / "0.jpg"
    result = run("explain", file, "--model-dir", model_dir, "--backend", "constant")
    assert result.exit_code == 0
    assert [path.name for path in here.iterdir()] == ["0-occlusion.png"]


@pytest.mark.parametrize(
    ("file", "options", "told"),
    [
        ("missing.jpg", (), "missing.jpg: No such file"),
        ("text.jpg", (), "not a JPEG, PNG or WebP"),
        ("flat.png", (), "No face was found"),
        ("face.jpg", ("--face", "99"), "face: expected 1 to"),
        ("face.jpg", ("--method", "tea"), "choose from: cam, grad_cam, lime, occ"),
        ("face.jpg", ("--method", "cam"), "choose occlusion, lime or grad_cam"),
        ("face.jpg", ("--method", "grad_cam"), "give --backend keras"),
        ("face.jpg", ("--feature-maps",), "give --backend keras"),
        ("face.jpg", ("--output", "text.jpg/figure.png"), "text.jpg: File exists"),
        ("face.jpg", ("--output", "."), "got the folder"),
    ],
)
def test_explain_says_in_a_line_why_it_cannot(
    model_dir: Path,
    portrait_jpeg: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    options: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.jpg").write_text("not a picture")
    Path("face.jpg").write_bytes(portrait_jpeg)
    flat = np.full((64, 64, 3), 90, dtype=np.uint8)
    Image.fromarray(flat).save("flat.png")
    before = sorted(tmp_path.iterdir())
    model = ("--model-dir", model_dir, "--backend", "constant")
    result = run("explain", file, *model, *options)
    assert result.exit_code == 2
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


def test_deletion_test_prints_one_json_object_a_method(
    model_dir: Path,
    labelled_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deepfake_detector.explainer_scoring.CACHE_DIR", tmp_path / "c")
    options = ("--model-dir", model_dir, "--backend", "constant", "--method")
    result = run("deletion-test", labelled_folder, *options, "occlusion")
    assert result.exit_code == 0
    (row,) = map(json.loads, result.stdout.splitlines())
    assert (row["method"], row["crops"], row["passed"]) == ("occlusion", 4, False)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--method", "tea"), "choose from: cam, grad_cam, lime, occlusion"),
        (("--method", "cam"), "choose occlusion, lime or grad_cam"),
        (("--pictures", "1"), "--pictures"),
        (("--blank", "black"), "--blank"),
    ],
)
def test_deletion_test_says_why_it_cannot(
    model_dir: Path, options: tuple[str, ...], told: str
) -> None:
    model = ("--model-dir", model_dir, "--backend", "constant")
    result = run("deletion-test", "anywhere", *model, *options)
    assert result.exit_code == 2
    assert told in result.stderr


@pytest.mark.parametrize(
    ("command", "module", "lacking"),
    [
        ("explain", "explaining", "matplotlib"),
        ("deletion-test", "explainer_scoring", "tqdm"),
    ],
)
def test_explaining_names_a_package_that_serving_lacks(
    monkeypatch: pytest.MonkeyPatch, command: str, module: str, lacking: str
) -> None:
    for name in (module, "plots", "dataset_handler"):
        monkeypatch.delitem(sys.modules, f"deepfake_detector.{name}", False)
        monkeypatch.delattr(f"deepfake_detector.{name}", raising=False)
    monkeypatch.setitem(sys.modules, lacking, None)
    monkeypatch.setitem(sys.modules, f"{lacking}.figure", None)
    result = run(command, "any")
    assert result.exit_code == 2
    assert "pip install -r requirements.txt" in result.stderr


def test_card_table_holds_the_figures_and_their_baseline(model_dir: Path) -> None:
    result = run("card", "--table", "--model-dir", model_dir)
    row = result.stdout.splitlines()[-1]
    assert row == (
        "| openforensics, val | 20 | 0.900 [0.800, 1.000] | 0.850 [0.700, 0.950] "
        "| 0.100 | 0.050 | 0.600 |"
    )


def test_model_card_is_printed_or_written(model_dir: Path, tmp_path: Path) -> None:
    printed = run("model-card", "--model-dir", model_dir)
    assert printed.exit_code == 0, printed.stderr
    assert printed.stdout.startswith("# Model card: stand-in\n")
    output = tmp_path / "card.md"
    written = run("model-card", "--model-dir", model_dir, "--output", output)
    assert (written.exit_code, written.stdout) == (0, "")
    assert output.read_text(encoding="utf-8") == printed.stdout


def test_model_card_takes_leave_one_out_rows_into_the_card(model_dir: Path) -> None:
    rows = REPOSITORY / "docs" / "comparison" / "leave-one-out.json"
    options = ("--model-dir", model_dir, "--leave-one-out", rows)
    assert "| dfdc_faces | 0.531 [0.488, 0.575] |" in run("model-card", *options).stdout
    # It stays there.
    assert "0.531" in run("model-card", "--model-dir", model_dir).stdout


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--model-dir", "nowhere"), "expected a folder with card.json"),
        (("--leave-one-out", "nowhere.json"), "nowhere.json: expected the comparison"),
        (("--leave-one-out", REPOSITORY / "README.md"), "README.md: expected the comp"),
        (("--output", "nowhere/card.md"), "card.md"),
    ],
)
def test_model_card_says_in_a_line_what_it_cannot(
    options: tuple[str, object], told: str, model_dir: Path
) -> None:
    before = (model_dir / "card.json").read_bytes()
    given = ("--model-dir", model_dir) if options[0] != "--model-dir" else ()
    result = run("model-card", *given, *options)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert (model_dir / "card.json").read_bytes() == before


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("architectures", "four_conv"),
        ("augmentations", "robust"),
        ("backends", "openvino"),
        ("datasets", "openforensics"),
        ("explainers", "grad_cam"),
        ("face_detectors", "dlib_hog"),
    ],
)
def test_list_says_a_line_on_each_entry(table: str, name: str) -> None:
    lines = run("list", table).stdout.splitlines()
    row = next(line for line in lines if line.startswith(f"{name} "))
    assert len(row.split()) > 3


@pytest.mark.parametrize("table", ["architectures", "explainers"])
def test_list_loads_no_tensorflow(table: str) -> None:
    code = (
        "import sys; from deepfake_detector.cli import main;"
        f"main(['list', '{table}'], standalone_mode=False);"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)


def test_show_augmentation_writes_a_picture(
    labelled_folder: Path, tmp_path: Path
) -> None:
    drawn, own = tmp_path / "new" / "drawn.png", tmp_path / "own.png"
    face = labelled_folder / "Real" / "0.jpg"
    assert run("show-augmentation", "none", "--output", drawn).exit_code == 0
    assert run("show-augmentation", "none", face, "--output", own).exit_code == 0
    for path in (drawn, own):
        with Image.open(path) as picture:
            assert picture.format == "PNG"
    assert drawn.read_bytes() != own.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("weak",), "choose from: none, robust, standard"),
        (("none", "text.jpg"), "not a JPEG, PNG or WebP"),
        (("none", "missing.jpg"), "missing.jpg: No such file"),
        (("none", "--seed", "-1"), "-1 is not in the range"),
        (("none", "--output", "."), "expected the name of a PNG file"),
    ],
)
def test_show_augmentation_refuses_what_it_cannot_draw(
    arguments: tuple[str, ...],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.jpg").write_text("not a picture")
    result = run("show-augmentation", "--output", "out.png", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert not (tmp_path / "out.png").exists()


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Comparisons that a command asks for; none is trained."""
    from deepfake_detector.comparison import Comparison

    plans: list[Any] = []

    def keep(self: Comparison) -> list[dict[str, Any]]:
        plans.append(self)
        return [{"architecture": "compact"}]

    monkeypatch.setattr(Comparison, "run", keep)
    return plans


@pytest.mark.tf
def test_compare_plans_every_combination_and_prints_rows(
    planned: list[Any], tmp_path: Path
) -> None:
    result = run(
        *("compare", "--architectures", "compact, ensemble ,tuned_64"),
        *("--crops", "whole,face", "--seeds", 2, "--seed", 7, "--epochs", 3),
        *("--members", "compact,tuned_64", "--output", tmp_path),
    )
    assert json.loads(result.stdout) == [{"architecture": "compact"}]
    (plan,) = planned
    assert (plan.config.epochs, plan.directory) == (3, tmp_path)
    assert plan.members == ("compact", "tuned_64")
    assert [trial.folder for trial in plan.trials] == [
        f"{name}-{crop}-seed{seed}"
        for seed in (7, 8)
        for crop in ("whole", "face")
        for name in ("compact", "tuned_64", "ensemble")
    ]


@pytest.mark.tf
def test_compare_leaves_each_set_out_in_turn(planned: list[Any]) -> None:
    run(
        *("compare", "--architectures", "compact", "--leave-one-out"),
        *("--dataset", "openforensics", "--dataset", "dfdc_faces"),
    )
    (plan,) = planned
    left_out = [trial.held_out for trial in plan.trials]
    assert left_out == ["openforensics", "dfdc_faces"]


BAD_COMPARISONS = {
    "no network": (["--architectures", " , "], "expected at least one name, got none"),
    "unknown network": (["--architectures", "vit"], "unknown architecture 'vit'"),
    "unknown crop": (
        ["--architectures", "compact", "--crops", "half"],
        "unknown crop 'half'; choose from: face, whole",
    ),
    "no seed": (["--architectures", "compact", "--seeds", "0"], "not in the range"),
    "ensemble of nothing": (["--architectures", "ensemble"], "needs members"),
    "only set left out": (
        ["--architectures", "compact", "--leave-one-out"],
        "cannot be left out of: openforensics",
    ),
    "bad setting": (
        ["--architectures", "compact", "--epochs", "0"],
        "epochs (DEEPFAKE_EPOCHS): expected a number",
    ),
}


@pytest.mark.tf
@pytest.mark.parametrize(
    ("options", "words"), BAD_COMPARISONS.values(), ids=list(BAD_COMPARISONS)
)
def test_compare_refuses_a_bad_plan_in_a_line(
    options: list[str], words: str, planned: list[Any]
) -> None:
    result = run("compare", *options)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert planned == []


def test_ablation_prints_the_table_of_rows_it_wrote(tmp_path: Path) -> None:
    row = {
        "settings": {"augmentation": "none"},
        "cost": {"epochs": 5, "minutes": 4.2, "images_per_second": 300.0},
        "metrics": {
            "drawn": {
                "auc": 0.7,
                "interval": [0.6, 0.8],
                "thumbnail_baseline_auc": 0.61,
            }
        },
    }
    (tmp_path / "rows.json").write_text(json.dumps([row]))
    first = run("ablation", tmp_path / "rows.json", "--output", tmp_path / "again.json")
    assert first.exit_code == 0
    assert "| first row | 5 | 4 | 300 | 0.700 [0.600, 0.800] |" in first.stdout
    assert run("ablation", tmp_path / "again.json").stdout == first.stdout


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_ablation_of_no_run_ends_in_one_line(tmp_path: Path, name: str) -> None:
    result = run("ablation", tmp_path / name)
    assert result.exit_code == 2
    assert "expected the folder of a finished training run" in result.stderr


def test_api_key_prints_a_key_that_its_setting_opens() -> None:
    result = CliRunner().invoke(main, ["api-key"])
    assert result.exit_code == 0
    (_, key), (_, setting) = (line.split() for line in result.output.splitlines())
    assert setting == f"DEEPFAKE_API_KEY_HASHES={sha256(key.encode()).hexdigest()}"
    assert CliRunner().invoke(main, ["api-key"]).output != result.output
