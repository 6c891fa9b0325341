"""Recipes by name, and what wins over them."""

import dataclasses

import pytest

from deepfake_detector.architectures import ARCHITECTURES
from deepfake_detector.augmentations import AUGMENTATIONS
from deepfake_detector.config import TrainConfig
from deepfake_detector.datasets import DATASETS
from deepfake_detector.exceptions import ConfigError, UnknownNameError
from deepfake_detector.presets import PRESETS, Preset, train_config

every_preset = pytest.mark.parametrize("name", list(PRESETS))


@every_preset
def test_recipe_names_what_there_is(name: str) -> None:
    config = train_config({}, preset=name)
    assert config.preset == name
    assert config.architecture in ARCHITECTURES
    assert config.augmentation in AUGMENTATIONS
    assert set(config.dataset) <= set(DATASETS)


@every_preset
def test_recipe_sets_what_it_says_and_nothing_else(name: str) -> None:
    preset: Preset = PRESETS.get(name)
    config = dataclasses.asdict(train_config({}, preset=name))
    plain = dataclasses.asdict(TrainConfig())
    assert config == plain | dict(preset.settings) | {"preset": name}


@every_preset
def test_recipe_has_no_place_of_this_machine(name: str) -> None:
    preset: Preset = PRESETS.get(name)
    places = {"archive", "data_dir", "cache_dir", "output", "resume", "dataset_url"}
    assert not places & set(preset.settings)


def test_environment_wins_over_recipe_and_command_line_over_both() -> None:
    environ = {"DEEPFAKE_PRESET": "reference", "DEEPFAKE_EPOCHS": "7"}
    assert train_config(environ).architecture == "four_conv"
    assert train_config(environ).epochs == 7
    assert train_config(environ, epochs=9, seed=None).epochs == 9
    assert train_config(environ, preset="default").architecture != "four_conv"


def test_no_recipe_is_plain_settings() -> None:
    assert train_config({}) == TrainConfig()


@pytest.mark.parametrize("name", ["", "Default", "../default", "none", "default "])
def test_unknown_recipe_is_refused_with_the_choices(name: str) -> None:
    with pytest.raises(UnknownNameError, match="default, reference"):
        train_config({"DEEPFAKE_PRESET": name})


def test_bad_value_over_a_recipe_is_refused() -> None:
    with pytest.raises(ConfigError, match="DEEPFAKE_SELF_BLENDED"):
        train_config({"DEEPFAKE_SELF_BLENDED": "2"}, preset="default")
