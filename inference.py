"""`python inference.py` serves the page; `inference:app` is what gunicorn loads."""

import os
import signal
from typing import Any

import click

from deepfake_detector.command_line import config_options, one_line_errors
from deepfake_detector.config import ServeConfig
from deepfake_detector.inference_model import InferenceModel
from deepfake_detector.web.log_lines import start_logging

__all__ = ["InferenceModel"]


def __getattr__(name: str) -> Any:
    """Load the model when `app` is first asked for, and not when this is imported."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    app = InferenceModel(ServeConfig.from_env(os.environ)).app
    globals()["app"] = app
    return app


@click.command()
@config_options(ServeConfig, skip=("workers", "threads"))
def main(**options: Any) -> None:
    """Serve the deepfake detector on this computer.

    Every option can also be set in the environment, by the name in brackets. For many
    visitors run `gunicorn inference:app` instead.
    """
    with one_line_errors():
        config = ServeConfig.from_env(os.environ, **options)
        start_logging(config)
        # Stopped like by Ctrl-C, so that uploads are deleted before the process ends.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        InferenceModel(config).run()


if __name__ == "__main__":
    main()
