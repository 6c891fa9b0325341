"""Train a detector: ``python train.py --help`` lists every setting.

Progress goes to stderr and the log; the last line on stdout is JSON.
"""

import json
import logging
import os
import shlex
import sys
from typing import Any

import click

from deepfake_detector.command_line import config_options, one_line_errors
from deepfake_detector.config import TrainConfig
from deepfake_detector.dataset_handler import DatasetHandler
from deepfake_detector.deepfake_detector_model import DeepfakeDetectorModel
from deepfake_detector.train_model import TrainModel

__all__ = ["DatasetHandler", "DeepfakeDetectorModel", "TrainModel", "main"]

#: What a shell reports for a program that Ctrl-C ended.
_INTERRUPTED_STATUS = 130


@click.command()
@config_options(TrainConfig)
@click.option(
    "--find-learning-rate",
    is_flag=True,
    help="Train a few steps at ever higher learning rates instead, draw the loss and "
    "suggest one.",
)
def main(find_learning_rate: bool, **options: Any) -> None:
    """Train a detector and save it as a run folder with a model that can be served."""
    logging.basicConfig(
        level=logging.INFO, format="%(levelname)s %(name)s: %(message)s"
    )
    with one_line_errors():
        run = TrainModel.from_options(os.environ, **options)
        try:
            summary = (
                run.find_learning_rate() if find_learning_rate else run.run_training()
            )
        except KeyboardInterrupt:
            if find_learning_rate:
                sys.exit(_INTERRUPTED_STATUS)
            folder = shlex.quote(str(run.run_dir))
            click.echo(
                f"Stopped. Go on with: python train.py --resume {folder}", err=True
            )
            sys.exit(_INTERRUPTED_STATUS)
    click.echo(json.dumps(summary))


if __name__ == "__main__":
    main()
