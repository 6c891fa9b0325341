"""The bill of materials is valid CycloneDX, whole, and the same wherever it is made."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cyclonedx.validation.json import JsonStrictValidator

from deepfake_detector.artifact import Artifact, ModelCard, write_artifact
from deepfake_detector.config import REPOSITORY
from deepfake_detector.face_crops import CROP_RULES
from supply_chain import sbom as command
from supply_chain.finding import Finding
from supply_chain.licence_rules import ALLOWED, NOT_ALLOWED, NOT_CHECKED
from supply_chain.locked_package import LOCKS, read_lock
from supply_chain.sbom import SCHEMA_VERSION, as_json, bill_of_materials
from tests.supply_chain.conftest import lock_line, locked

MODEL = REPOSITORY / "models" / "default"


def validate(text: str) -> None:
    assert JsonStrictValidator(SCHEMA_VERSION).validate_str(text) is None


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory, listed: str) -> str:
    output = tmp_path_factory.mktemp("sbom") / "sbom.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "pip_licenses", lambda: listed)
        result = CliRunner().invoke(command.main, ["--output", str(output)])
    assert result.exit_code == 0, result.output
    assert [path.name for path in output.parent.iterdir()] == ["sbom.json"]
    return output.read_text()


@pytest.fixture(scope="module")
def bom(text: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(text)
    return fields


def test_ours_is_valid(text: str) -> None:
    validate(text)


def test_ours_names_all_that_serving_installs(bom: dict[str, Any]) -> None:
    locks = read_lock(REPOSITORY / LOCKS["serving"])
    told = {
        (part["name"], part["version"]): {
            f"sha256:{each['content']}"
            for reference in part["externalReferences"]
            for each in reference["hashes"]
        }
        for part in bom["components"]
        if part["type"] == "library"
    }
    assert told == {(each.name, each.version): set(each.hashes) for each in locks}
    assert not [
        part["name"]
        for part in bom["components"]
        if part["type"] == "library" and "licenses" not in part
    ]


def test_ours_names_the_model_by_its_files(bom: dict[str, Any]) -> None:
    (model,) = [
        part for part in bom["components"] if part["type"] == "machine-learning-model"
    ]
    for part in model["components"]:
        content = (MODEL / part["name"]).read_bytes()
        assert part["hashes"] == [
            {"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}
        ]
    assert {part["name"] for part in model["components"]} == {
        "card.json",
        "model.keras",
        "model.tflite",
    }


def test_ours_tells_what_it_is_of(bom: dict[str, Any]) -> None:
    subject = bom["metadata"]["component"]
    assert (subject["name"], subject["version"]) == ("deepfake-detector", "0.1.0")
    (relation,) = [each for each in bom["dependencies"] if "dependsOn" in each]
    assert relation["ref"] == subject["bom-ref"]
    assert any(each.startswith("pkg:pypi/flask@") for each in relation["dependsOn"])


def test_ours_holds_no_place_and_no_time(text: str, bom: dict[str, Any]) -> None:
    told = text.replace(bom["$schema"], "")
    assert not re.search(r"https?:|file:", told)
    for place in (REPOSITORY, Path.home(), Path.cwd()):
        assert f"{place}/" not in told
    assert not {"serialNumber"} & bom.keys()
    assert "timestamp" not in bom["metadata"]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    packages = locked(tmp_path, lock_line("flask", "3"), lock_line("six", "1"))
    findings = [Finding(each, ALLOWED, "", {"licence": "MIT"}) for each in packages]
    model = Artifact.load(MODEL)
    first = as_json(bill_of_materials(findings, model))
    assert first == as_json(bill_of_materials(findings[::-1], model))


@pytest.mark.parametrize("status", [NOT_CHECKED, NOT_ALLOWED])
def test_licence_that_is_not_settled_is_not_told(tmp_path: Path, status: str) -> None:
    (package,) = locked(tmp_path, lock_line("six", "1", "sys_platform == 'win32'"))
    finding = Finding(package, status, "", {"licence": "MIT"})
    text = as_json(bill_of_materials([finding], Artifact.load(MODEL)))
    validate(text)
    (part,) = [each for each in json.loads(text)["components"] if "version" in each]
    assert "licenses" not in part
    assert part["properties"][0]["value"] == 'sys_platform == "win32"'


def test_odd_names_of_a_model_stay_valid(tmp_path: Path) -> None:
    card = ModelCard(
        name='an "odd" <name> \N{PILE OF POO}',
        architecture="compact",
        input_shape=(8, 8, 3),
        crop=CROP_RULES["face"],
    )
    model = write_artifact(
        tmp_path / "model", card, lambda folder: (folder / "a b.tflite").touch()
    )
    validate(as_json(bill_of_materials([], model)))


def test_altered_model_leaves_the_older_document(tmp_path: Path) -> None:
    output, model = tmp_path / "sbom.json", tmp_path / "model"
    output.write_text("older")
    model.mkdir()
    (model / "card.json").write_bytes((MODEL / "card.json").read_bytes())
    (model / "model.tflite").write_bytes(b"another")
    (model / "model.keras").write_bytes(b"another")
    result = CliRunner().invoke(
        command.main, ["--output", str(output), "--model-dir", str(model)]
    )
    assert result.exit_code == 2
    assert "its SHA-256 is not the card's" in result.stderr
    assert output.read_text() == "older"


def test_missing_folder_is_said_before_anything_is_read(tmp_path: Path) -> None:
    output = tmp_path / "nowhere" / "sbom.json"
    result = CliRunner().invoke(command.main, ["--output", str(output)])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: --output sbom.json: expected a file in a")
    assert str(tmp_path) not in result.stderr
