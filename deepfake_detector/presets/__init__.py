"""Table of training recipes by name: ``python train.py --preset default``.

A new recipe is one file with a :class:`Preset`, and one line here. The command line and
the environment win over it, setting by setting.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from deepfake_detector.config import ENV_PREFIX, TrainConfig
from deepfake_detector.registry import Registry


@dataclass(frozen=True)
class Preset:
    """A recipe.

    Parameters
    ----------
    settings : mapping of str to object
        Values of `TrainConfig` by name; what is left out is as without the recipe.
    """

    settings: Mapping[str, Any]


PRESETS: Final = Registry(
    "preset",
    [
        ("default", "deepfake_detector.presets.default:DEFAULT"),
        ("reference", "deepfake_detector.presets.reference:REFERENCE"),
    ],
)


def train_config(environ: Mapping[str, str], **options: Any) -> TrainConfig:
    """Build the settings of a run, beginning with a preset where one is named.

    Parameters
    ----------
    environ : mapping of str to str
        Usually `os.environ`.
    **options : object
        Settings from the command line, `preset` among them; None where not given.

    Returns
    -------
    TrainConfig
        The preset's values, those of the environment over them, and those of the
        command line over both.

    Raises
    ------
    UnknownNameError
        If there is no such preset; the message lists the choices.
    ConfigError
        If a setting has a value it cannot have.
    """
    name = options.get("preset") or environ.get(ENV_PREFIX + "PRESET")
    if name is None:
        return TrainConfig.from_env(environ, **options)
    preset: Preset = PRESETS.get(name)
    return TrainConfig.from_env(environ, preset.settings, **options)
