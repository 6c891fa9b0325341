"""Any strings for settings: a configuration, or a message that names the setting."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from deepfake_detector.config import ENV_PREFIX, ServeConfig, TrainConfig
from deepfake_detector.exceptions import ConfigError
from tests.fuzz.settings import VALUES, Config, check_environment, check_message

configs = st.sampled_from([ServeConfig, TrainConfig])
texts = st.sampled_from(VALUES) | st.text(max_size=30) | st.integers().map(str)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def names_of(config: Config) -> st.SearchStrategy[str]:
    return st.sampled_from([field.name for field in dataclasses.fields(config)])


@given(configs, st.data())
def test_any_environment(config: Config, data: st.DataObject) -> None:
    found = data.draw(st.dictionaries(names_of(config), texts, max_size=4))
    check_environment(config, {ENV_PREFIX + k.upper(): v for k, v in found.items()})


@given(configs, texts)
def test_each_variable_with_any_text(config: Config, text: str) -> None:
    for field in dataclasses.fields(config):
        check_environment(config, {ENV_PREFIX + field.name.upper(): text})


@given(configs, st.data())
def test_any_fields_of_a_file(config: Config, data: st.DataObject) -> None:
    found = data.draw(st.dictionaries(names_of(config), json_values, max_size=3))
    try:
        made = config.from_dict(found)
    except ConfigError as error:
        check_message(config, str(error))
    else:
        assert config.from_dict(made.to_dict()) == made


@given(configs, st.text(max_size=20), texts)
def test_unknown_variables_change_nothing(config: Config, name: str, text: str) -> None:
    known = {field.name.upper() for field in dataclasses.fields(config)}
    if name.upper() not in known:
        assert config.from_env({ENV_PREFIX + name: text, name: text}) == config()
