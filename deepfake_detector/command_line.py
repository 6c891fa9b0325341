"""Command line options made from the settings, and errors said in one line.

An option exists because its field exists: name, type, default and help are the field's.
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from deepfake_detector.config import ENV_PREFIX, REPOSITORY, ServeConfig, TrainConfig
from deepfake_detector.exceptions import DeepfakeDetectorError

#: Exit status after a bad setting, model or input, as click's own for a bad option.
BAD_INPUT_STATUS: Final = 2

_Command = Callable[..., Any]


def config_options(
    config_type: type[ServeConfig] | type[TrainConfig], skip: Collection[str] = ()
) -> Callable[[_Command], _Command]:
    """Give a command one option for each setting.

    An option that is not given is None, so that ``config_type.from_env`` can take the
    environment's value or the default.

    Parameters
    ----------
    config_type : type
        `ServeConfig` or `TrainConfig`.
    skip : collection of str, optional
        Settings that this command has no use for.

    Returns
    -------
    callable
        A decorator; the command takes the settings as keyword arguments.
    """
    hints = typing.get_type_hints(config_type)
    fields = [f for f in dataclasses.fields(config_type) if f.name not in skip]

    def decorate(command: _Command) -> _Command:
        for field in reversed(fields):  # click lists the last one applied first
            command = _option(field, hints[field.name])(command)
        return command

    return decorate


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn errors that a user can mend into one line on stderr and exit status 2.

    Raises
    ------
    click.ClickException
        Instead of any `DeepfakeDetectorError` or `OSError`.
    """
    try:
        yield
    except DeepfakeDetectorError as error:
        raise _BadInput(str(error)) from error
    except OSError as error:
        name = Path(str(error.filename or "")).name
        reason = error.strerror or type(error).__name__
        raise _BadInput(
            f"{name or 'a file or address'}: {reason}; check that it exists, is of the "
            "right kind and may be used"
        ) from error


class _BadInput(click.ClickException):
    exit_code = BAD_INPUT_STATUS


def _option(
    field: "dataclasses.Field[Any]", kind: Any
) -> Callable[[_Command], _Command]:
    name = "--" + field.name.replace("_", "-")
    help_text = f"{field.metadata['help']}  [{_default_text(field)}]"
    if kind in (bool, bool | None):
        name += "/--no-" + field.name.replace("_", "-")
        return click.option(name, field.name, default=None, help=help_text)
    repeated = typing.get_origin(kind) is tuple
    return click.option(
        name,
        field.name,
        type=_click_type(kind),
        default=None,
        multiple=repeated,
        callback=_none_if_empty if repeated else None,
        help=help_text,
    )


def _default_text(field: "dataclasses.Field[Any]") -> str:
    """The default and the variable that changes it; paths as seen from the top."""
    variable = ENV_PREFIX + field.name.upper()
    if field.default in (None, ()):
        return variable
    values = field.default if isinstance(field.default, tuple) else (field.default,)
    shown = (v.relative_to(REPOSITORY) if isinstance(v, Path) else v for v in values)
    return f"default: {', '.join(map(str, shown))}; {variable}"


def _click_type(kind: Any) -> Any:
    """The type that click checks: of a list its items', of an optional the value's."""
    if typing.get_origin(kind) in (tuple, types.UnionType):
        kind = typing.get_args(kind)[0]
    if kind is Path:
        return click.Path(path_type=Path)
    return kind


def _none_if_empty(
    context: click.Context, parameter: click.Parameter, value: tuple[Any, ...]
) -> tuple[Any, ...] | None:
    return value or None
