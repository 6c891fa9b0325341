"""One training, in a process of its own: `python -m benchmarks.training_trial JSON`.

So memory is that of this training alone, and nothing that TensorFlow keeps warm goes
from one way to the next. Ours reads crops of `DatasetHandler` through `CropBatches`
into `DeepfakeDetectorModel`; the plain way is `image_dataset_from_directory` and `fit`
of the network as its table builds it. Initial weights, optimiser, loss, metrics and
batch size are the same. The last line on stdout is JSON.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

INPUT_SHAPE: Final = (128, 128, 3)
BATCH_SIZE: Final = 64

#: Not a network of the table: one weight for each mean colour. What is left of a step
#: is the input pipeline.
INPUT_ALONE: Final = "input alone"


@dataclass(frozen=True)
class Trial:
    """What to train, and how.

    Parameters
    ----------
    way : {'plain', 'ours'}
        Which of the two.
    architecture : str
        Name in the `architectures` table, or `INPUT_ALONE`.
    root : str
        Folder with Train/, Validation/ and Test/.
    epochs : int
        Most epochs.
    precision : {'float32', 'mixed_bfloat16'}, default 'float32'
        What the network computes in.
    cached : bool, default False
        Plain: keep decoded pictures in memory. Ours: the crops are on disk already.
    augmentation : str, default 'none'
        Name in the `augmentations` table; ours alone.
    target_auc : float or None, default None
        Stop after the epoch whose validation AUC reaches it.
    devices : int, default 1
        Virtual processors that `--strategy mirrored` shares each batch among.
    core : int or None, default None
        Run on this core alone.
    seed : int, default 0
        Seed of weights and order.
    """

    way: str
    architecture: str
    root: str
    epochs: int
    precision: str = "float32"
    cached: bool = False
    augmentation: str = "none"
    target_auc: float | None = None
    devices: int = 1
    core: int | None = None
    seed: int = 0

    def run(self) -> dict[str, Any]:
        """Train in a process of its own.

        Returns
        -------
        dict
            Of :func:`main`.

        Raises
        ------
        subprocess.CalledProcessError
            If training failed; what it said is on stderr.
        """
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "benchmarks.training_trial",
                json.dumps(asdict(self)),
            ],
            stdout=subprocess.PIPE,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            check=True,
            text=True,
        )
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return result


def main(trial: Trial) -> dict[str, Any]:
    """Train as the trial says.

    Parameters
    ----------
    trial : Trial
        What to train.

    Returns
    -------
    dict
        `first` and `later`, images a second of the first epoch with all that comes
        before it and of the last; `seconds` to the end of training and its validation,
        imports left out; `auc` of the last epoch; whether it `reached` its target;
        `peak_mb`, the largest resident memory; `processor_s`, of the last epoch.
    """
    if trial.core is not None:
        os.sched_setaffinity(0, {trial.core})
    # Imported here: TensorFlow counts the cores when it is loaded.
    from benchmarks.training_ways import train

    if trial.devices > 1:
        _split_processor(trial.devices)
    with redirect_stdout(sys.stderr):  # where Keras says how it goes
        started = time.perf_counter()
        clock = train(trial)
    return {
        "first": clock.images / (clock.ends[0] - started),
        "later": clock.images / clock.seconds[-1],
        "seconds": clock.validated[-1] - started,
        "auc": clock.aucs[-1],
        "reached": trial.target_auc is None or clock.aucs[-1] >= trial.target_auc,
        "epochs": len(clock.seconds),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "processor_s": clock.processor_seconds[-1],
    }


def _split_processor(devices: int) -> None:
    """Make the processor look like several devices to `--strategy mirrored`."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * devices
    )


def crop_folder(root: str) -> Path:
    """Return where the crops of a folder are kept between trials.

    Parameters
    ----------
    root : str
        Folder of the pictures.

    Returns
    -------
    Path
        A folder beside it.
    """
    return Path(root).with_name(Path(root).name + "-crops")


@contextmanager
def crops_for(trial: Trial) -> Iterator[Path]:
    """Give a trial the folder of its crops: an empty one, or the one that is filled.

    Parameters
    ----------
    trial : Trial
        `cached` counts.

    Yields
    ------
    Path
        The folder.
    """
    if trial.cached:
        yield crop_folder(trial.root)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


if __name__ == "__main__":
    print(json.dumps(main(Trial(**json.loads(sys.argv[1])))))
