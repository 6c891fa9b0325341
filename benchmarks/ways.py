"""How each of the two ways is started, and where it takes pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.gunicorn_server import HOST, Command
from deepfake_detector.artifact import KERAS_FILE
from deepfake_detector.config import ENV_PREFIX, REPOSITORY

_PLAIN_WORKERS: Final = 2


@dataclass(frozen=True)
class Way:
    """One way to serve.

    Parameters
    ----------
    command : Command
        How its server is started.
    post_path : str
        Path that takes a picture and answers JSON.
    """

    command: Command
    post_path: str


def our_way(model_dir: Path, upload_dir: Path, **others: str) -> Way:
    """Serve a model folder as `make run` does, settings at their defaults.

    Parameters
    ----------
    model_dir : Path
        The model.
    upload_dir : Path
        Where uploads lie while they are judged.
    **others : str
        Other settings by name, such as ``BACKEND="litert"``.

    Returns
    -------
    Way
        Our way.
    """
    settings = {
        "HOST": HOST,
        "PORT": "{port}",
        "MODEL_DIR": str(model_dir.resolve()),
        "UPLOAD_DIR": str(upload_dir),
        **others,
    }
    command = Command(
        arguments=("inference:app",),
        environment={ENV_PREFIX + name: value for name, value in settings.items()},
        directory=REPOSITORY,
        ready_path="/readyz",
    )
    return Way(command, "/api/v1/predict")


def plain_way(model_dir: Path, upload_dir: Path) -> Way:
    """Serve the `.keras` file of a model folder by two sync workers.

    Parameters
    ----------
    model_dir : Path
        The model.
    upload_dir : Path
        Where uploads are saved; also the folder it starts in, away from our own
        gunicorn.conf.py, which gunicorn would read.

    Returns
    -------
    Way
        The plain way.
    """
    keras_file = str((model_dir / KERAS_FILE).resolve())
    command = Command(
        arguments=(
            "--bind",
            f"{HOST}:{{port}}",
            "--workers",
            str(_PLAIN_WORKERS),
            "--timeout",
            "120",
            "--no-control-socket",
            "--pythonpath",
            str(REPOSITORY),
            f"benchmarks.plain_way:create_app({keras_file!r}, {str(upload_dir)!r})",
        ),
        environment={},
        directory=upload_dir,
        ready_path="/",
    )
    return Way(command, "/")
