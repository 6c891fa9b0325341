"""Settings: defaults, the environment, the command line, and what is refused."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from deepfake_detector.config import ENV_PREFIX, ServeConfig, TrainConfig
from deepfake_detector.exceptions import ConfigError

CONFIGS = pytest.mark.parametrize("config", [ServeConfig, TrainConfig])


@CONFIGS
def test_every_setting_says_what_it_means(config: Any) -> None:
    for field in dataclasses.fields(config):
        assert field.metadata["help"].endswith("."), field.name


@CONFIGS
def test_empty_environment_gives_the_defaults(config: Any) -> None:
    assert config.from_env({}) == config()


@CONFIGS
def test_other_variables_do_not_count(config: Any) -> None:
    assert config.from_env({"PORT": "1", "SEED": "2", "EPOCHS": "3"}) == config()


@CONFIGS
def test_configuration_cannot_be_changed(config: Any) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        config().seed = 1


@pytest.mark.parametrize(
    "config, variable, text, expected",
    [
        (ServeConfig, "PORT", "9000", 9000),
        (ServeConfig, "HOST", "0.0.0.0", "0.0.0.0"),  # noqa: S104
        (ServeConfig, "MODEL_DIR", "models/other", Path("models/other")),
        (ServeConfig, "KERAS_FILE", "old.keras", Path("old.keras")),
        (ServeConfig, "KERAS_FILE", "", None),
        (ServeConfig, "KERAS_SCORE", "p_real", "p_real"),
        (ServeConfig, "THRESHOLD", "0.9", 0.9),
        (ServeConfig, "THRESHOLD", "0", 0.0),
        (ServeConfig, "THRESHOLD", "1", 1.0),
        (ServeConfig, "THRESHOLD", "", None),
        (ServeConfig, "STABILITY", "0", False),
        (TrainConfig, "LEARNING_RATE", "3e-4", 3e-4),
        (TrainConfig, "MIXED_PRECISION", "Yes", True),
        (TrainConfig, "MIXED_PRECISION", "0", False),
        (TrainConfig, "DATASET", "folder, synthetic,", ("folder", "synthetic")),
        (TrainConfig, "ARCHIVE", "faces.zip", (Path("faces.zip"),)),
        (TrainConfig, "ARCHIVE", "", ()),
        (TrainConfig, "RESUME", "", None),
    ],
)
def test_variable_is_cast_to_its_type(
    config: Any, variable: str, text: str, expected: object
) -> None:
    settings = config.from_env({ENV_PREFIX + variable: text})
    assert getattr(settings, variable.lower()) == expected


@pytest.mark.parametrize(
    "config, variable, text",
    [
        (ServeConfig, "PORT", "http"),
        (ServeConfig, "PORT", "65536"),
        (ServeConfig, "PORT", "-1"),
        (ServeConfig, "PORT", ""),
        (ServeConfig, "WORKERS", "0"),
        (ServeConfig, "THREADS", "1.5"),
        (ServeConfig, "THREADS", "0"),
        (ServeConfig, "THREADS", "13"),
        (ServeConfig, "MAX_UPLOAD_BYTES", "10MB"),
        (ServeConfig, "MAX_PIXELS", "1000000000"),
        (ServeConfig, "KERAS_SCORE", "fake"),
        (ServeConfig, "THRESHOLD", "nan"),
        (ServeConfig, "THRESHOLD", "inf"),
        (ServeConfig, "THRESHOLD", "-1"),
        (ServeConfig, "THRESHOLD", "2"),
        (ServeConfig, "THRESHOLD", " "),
        (ServeConfig, "THRESHOLD", "abc"),
        (ServeConfig, "THRESHOLD", "0,5"),
        (ServeConfig, "THRESHOLD", "50 %"),
        (ServeConfig, "STABILITY", "perhaps"),
        (TrainConfig, "EPOCHS", "0"),
        (TrainConfig, "IMAGE_SIZE", "8"),
        (TrainConfig, "BATCH_SIZE", "many"),
        (TrainConfig, "LEARNING_RATE", "nan"),
        (TrainConfig, "SEED", "-1"),
        (TrainConfig, "MIXED_PRECISION", "maybe"),
        (TrainConfig, "SCHEDULE", "linear"),
        (TrainConfig, "STRATEGY", "many"),
        (TrainConfig, "EARLY_STOPPING_METRIC", "val_f1"),
        (TrainConfig, "EARLY_STOPPING_METRIC", "loss"),
        (TrainConfig, "WARMUP_EPOCHS", "-1"),
        (TrainConfig, "WEIGHT_DECAY", "-0.1"),
        (TrainConfig, "CLIP_NORM", "0"),
        (TrainConfig, "LABEL_SMOOTHING", "1"),
        (TrainConfig, "EMA_DECAY", "1"),
        (TrainConfig, "HEAD_EPOCHS", "half"),
        (TrainConfig, "FINE_TUNE_FACTOR", "0"),
    ],
)
def test_bad_value_names_the_variable(config: Any, variable: str, text: str) -> None:
    with pytest.raises(ConfigError, match=ENV_PREFIX + variable):
        config.from_env({ENV_PREFIX + variable: text})


def test_metric_that_nobody_logs_lists_the_choices() -> None:
    with pytest.raises(
        ConfigError, match="expected one of val_loss, val_accuracy, .*got 'val_f1'"
    ):
        TrainConfig(early_stopping_metric="val_f1")


def test_command_line_wins_over_the_environment() -> None:
    environ = {"DEEPFAKE_PORT": "9000", "DEEPFAKE_THREADS": "100"}
    config = ServeConfig.from_env(environ, port=9001, threads=None)
    assert (config.port, config.threads) == (9001, 100)


def test_false_on_the_command_line_wins_as_well() -> None:
    environ = {"DEEPFAKE_MIXED_PRECISION": "yes"}
    config = TrainConfig.from_env(environ, mixed_precision=False)
    assert config.mixed_precision is False


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"dataset": ()}, "dataset: expected at least one"),
        (
            {"dataset": ("a", "b"), "archive": (Path("a.zip"),)},
            "archive: expected one for each of the 2 datasets",
        ),
        (
            {"data_dir": (Path("a"), Path("b"))},
            "data_dir: expected one for each of the 1 datasets",
        ),
        (
            {"archive": (Path("a.zip"),), "data_dir": (Path("a"),)},
            "one or the other",
        ),
        (
            {"dataset": ("a", "b"), "dataset_url": "https://example.org"},
            "one dataset",
        ),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        TrainConfig(**settings)


def test_lists_line_up() -> None:
    archives = (Path("a.zip"), Path("b.zip"))
    config = TrainConfig(dataset=("folder", "folder"), archive=archives)
    assert list(zip(config.dataset, config.archive, strict=True))[1][1] == archives[1]


@pytest.mark.parametrize(
    "config",
    [
        ServeConfig(),
        TrainConfig(),
        ServeConfig(keras_file=Path("old.keras"), keras_score="p_real"),
        TrainConfig(dataset=("folder",), data_dir=(Path("a"),), mixed_precision=True),
    ],
    ids=["serve", "train", "serve from a file", "train from a folder"],
)
def test_configuration_survives_json(config: Any) -> None:
    fields = json.loads(json.dumps(config.to_dict()))
    assert type(config).from_dict(fields) == config


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"epochz": 3}, "unknown settings: epochz"),
        ({"a\nb": 3, "c": 4}, r"unknown settings: 'a\\nb', c$"),
        ({"epochs": "many"}, "epochs: expected int, got 'many'"),
        ({"epochs": None}, "epochs: expected int"),
        ({"epochs": [3]}, "epochs: expected int"),
        ({"mixed_precision": 7}, "mixed_precision: expected bool"),
    ],
)
def test_saved_configuration_with_a_bad_field_is_refused(
    fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        TrainConfig.from_dict(fields)


def test_message_is_one_line_whatever_the_names_are() -> None:
    variables = {"DEEPFAKE_DATASET": "a\nb,c", "DEEPFAKE_ARCHIVE": "x"}
    with pytest.raises(ConfigError, match="archive: expected one for each") as error:
        TrainConfig.from_env(variables)
    assert str(error.value).isprintable()


def test_paths_do_not_depend_on_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = ServeConfig.from_env({}).model_dir
    monkeypatch.chdir(tmp_path)
    assert ServeConfig.from_env({}).model_dir == before
    assert before.is_absolute()
