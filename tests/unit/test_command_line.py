"""Options made from the settings."""

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from deepfake_detector.command_line import config_options, one_line_errors
from deepfake_detector.config import ServeConfig, TrainConfig
from deepfake_detector.exceptions import ConfigError


def parsed(config_type: Any, *arguments: str, **options: Any) -> dict[str, Any]:
    """What a command with the options of a configuration is called with."""
    seen: dict[str, Any] = {}

    @click.command()
    @config_options(config_type, **options)
    def command(**values: Any) -> None:
        seen.update(values)

    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return seen


def test_every_setting_is_an_option_that_is_none_unless_given() -> None:
    for config_type in (ServeConfig, TrainConfig):
        values = parsed(config_type)
        assert set(values) == set(config_type().to_dict())
        assert set(values.values()) == {None}


def test_options_have_the_types_of_their_settings() -> None:
    arguments = ("--dataset", "a", "--dataset", "b", "--learning-rate", "1e-3")
    arguments += ("--resume", "runs/x", "--mixed-precision", "--no-balance-sources")
    values = parsed(TrainConfig, *arguments)
    assert values["dataset"] == ("a", "b")
    assert values["learning_rate"] == 0.001
    assert values["resume"] == Path("runs/x")
    assert (values["mixed_precision"], values["balance_sources"]) == (True, False)


def test_values_reach_the_configuration() -> None:
    values = parsed(ServeConfig, "--port", "9000", skip=("workers",))
    environ = {"DEEPFAKE_PORT": "8001", "DEEPFAKE_HOST": "box"}
    config = ServeConfig.from_env(environ, **values)
    assert (config.port, config.host, config.workers) == (9000, "box", 2)


def test_help_says_default_and_variable() -> None:
    command = click.Command("serve", params=[])
    command = click.command()(config_options(ServeConfig)(lambda **_: None))
    text = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    assert "Port to listen on. [default: 8000; DEEPFAKE_PORT]" in text
    assert "[default: models/default; DEEPFAKE_MODEL_DIR]" in text


def test_error_is_one_line_and_status_2() -> None:
    @click.command()
    def command() -> None:
        with one_line_errors():
            raise ConfigError("port: expected a number, got 'x'")

    result = CliRunner().invoke(command)
    assert result.exit_code == 2
    assert result.stderr == "Error: port: expected a number, got 'x'\n"


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), one_line_errors():
        1 / 0  # noqa: B018


def test_file_that_cannot_be_used_is_one_line_without_its_folder(
    tmp_path: Path,
) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(click.ClickException) as caught, one_line_errors():
        (tmp_path / "taken" / "runs").mkdir()
    assert "Not a directory" in caught.value.message
    assert str(tmp_path) not in caught.value.message
