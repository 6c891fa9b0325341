"""Settings: any strings give a configuration, or a message that names a setting."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from deepfake_detector.config import ENV_PREFIX, ServeConfig, TrainConfig
from deepfake_detector.exceptions import ConfigError

MAX_LEN = 1_024

Config = type[ServeConfig] | type[TrainConfig]

VALUES = ("", "0", "-1", "1e999", "nan", "١٢", "yes", "a,b", "::1", "/", "\0", " 5 ")


def seeds() -> Iterator[bytes]:
    """Each field with values of several kinds."""
    for which, config in enumerate((ServeConfig, TrainConfig)):
        for number, _ in enumerate(dataclasses.fields(config)):
            for value in VALUES[number % 3 :: 3]:
                yield bytes([which, number]) + value.encode()


def check(data: bytes) -> None:
    """Which configuration, then variables: number of the field, and its text."""
    config: Config = (
        TrainConfig if data[:1] > b"\x7f" or data[:1] == b"\1" else ServeConfig
    )
    fields = dataclasses.fields(config)
    environ = {}
    for part in data[1:].split(b"\xff\xfe"):
        if part:
            name = ENV_PREFIX + fields[part[0] % len(fields)].name.upper()
            environ[name] = part[1:].decode("utf-8", "surrogateescape")
    check_environment(config, environ)


def check_environment(config: Config, environ: Mapping[str, str]) -> None:
    """Hold what becomes of an environment against what is promised."""
    try:
        made = config.from_env(environ)
    except ConfigError as error:
        check_message(config, str(error))
        return
    fields = made.to_dict()
    assert config.from_dict(fields) == made
    assert made == config.from_env({}, **_given(made))


def check_message(config: Config, message: str) -> None:
    """One line that names a setting, and the whole of it can be printed."""
    assert message.isprintable(), ascii(message)
    names = [field.name for field in dataclasses.fields(config)]
    assert any(n in message or ENV_PREFIX + n.upper() in message for n in names)


def _given(made: Any) -> dict[str, Any]:
    return {f.name: getattr(made, f.name) for f in dataclasses.fields(made)}
