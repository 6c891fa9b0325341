"""The server as it ships at full load for ten minutes: `python -m benchmarks.soak`.

Load comes in rounds, with a rest after each: what a worker still has then, it keeps.
A round begins with a burst of more clients than are taken in, so that every worker has
all its threads early on: each keeps some memory, and there is a limit to them.

Everything is as in gunicorn.conf.py but two things: the limit for each address, which
one computer would hit at once, and after how many requests a worker is replaced, which
would else take hours to happen.
"""

import dataclasses
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from benchmarks.crowd import Crowd, Outcome
from benchmarks.figures import machine, print_report, say, versions
from benchmarks.gunicorn_server import Command, end_on_sigterm, serving
from benchmarks.load import Load
from benchmarks.load_mix import Sending, picture_mix
from benchmarks.server_watch import ServerWatch
from benchmarks.soak_report import Round, SoakReport
from benchmarks.ways import our_way
from deepfake_detector.command_line import one_line_errors
from deepfake_detector.config import ENV_PREFIX, ServeConfig

_NO_LIMIT: Final = "1000000 per second"
#: Length of the run that tells how fast the server is here, seconds.
_TRIAL_S: Final = 20.0
#: Workers are replaced after this share of the load, or a tenth later: late enough for
#: rests of warm workers before, early enough that it happens within the run.
_LIFE_SHARE: Final = 0.75
_ROUNDS: Final = 12
#: Clients of a burst, for each of the others, and how long it is, seconds.
_BURST_CLIENTS: Final = 3
_BURST_S: Final = 4.0
#: For connections to be closed, and for free memory to be given back, which a worker
#: does every ten seconds; seconds.
_REST_S: Final = 20.0


@dataclass(frozen=True)
class Soak:
    """What is put on the server.

    Parameters
    ----------
    minutes : float, default 10
        How long, without the rests.
    clients : int, default 64
        How many at once, each sending as soon as it is answered.
    recycle_after : int, optional
        Requests after which a worker is replaced, or up to a tenth more by chance.
        Where not given, as many as it answers in three quarters of the time, by a short
        run before.
    """

    minutes: float = 10.0
    clients: int = 64
    recycle_after: int | None = None


@click.command()
@click.option(
    "--minutes",
    type=click.FloatRange(min=0.5),
    default=Soak.minutes,
    show_default=True,
    help="How long, without the rests.",
)
@click.option(
    "--clients",
    type=click.IntRange(min=1),
    default=Soak.clients,
    show_default=True,
    help="How many send at once.",
)
@click.option(
    "--recycle-after",
    type=click.IntRange(min=1),
    help="Requests after which gunicorn replaces a worker (its max_requests). Where "
    "not given: so that it happens once, by the rate of a short run before.",
)
def main(minutes: float, clients: int, recycle_after: int | None) -> None:
    """Put the shipped server under full load for long; print JSON.

    Ends with status 1 where an aim is missed.
    """
    end_on_sigterm()
    about = {"machine": machine(), "versions": versions()}
    with one_line_errors():
        report = measure(Soak(minutes, clients, recycle_after))
    print_report(about | report.to_dict(), report.rows())
    sys.exit(0 if report.holds else 1)


def measure(soak: Soak) -> SoakReport:
    """Start the server, let the clients loose, and watch it.

    Parameters
    ----------
    soak : Soak
        What is put on it.

    Returns
    -------
    SoakReport
        What was seen, and which aims hold.

    Raises
    ------
    RuntimeError
        If the server does not come up.
    """
    say("drawing pictures")
    mix = picture_mix()
    if soak.recycle_after is None:
        say(f"how fast is it? {_TRIAL_S:g} s")
        trial = dataclasses.replace(soak, minutes=_TRIAL_S / 60, recycle_after=10**9)
        answered = len(_run(trial, mix, rounds=1).outcomes)
        seconds = 60 * soak.minutes + _ROUNDS * _BURST_S
        share = _LIFE_SHARE * seconds / (_TRIAL_S + _BURST_S) / ServeConfig().workers
        soak = dataclasses.replace(soak, recycle_after=max(1, round(share * answered)))
    return _run(soak, mix, _ROUNDS)


def _run(soak: Soak, mix: Sequence[Sending], rounds: int) -> SoakReport:
    outcomes: list[Outcome] = []
    taken: list[Round] = []
    with tempfile.TemporaryDirectory() as folder:
        uploads = Path(folder) / "uploads"
        with serving(_command(soak, uploads)) as server:
            seconds = 60 * soak.minutes / rounds
            crowd = Crowd(server.port, Load.path, mix, soak.clients, seconds, False)
            burst = dataclasses.replace(
                crowd,
                clients=_BURST_CLIENTS * soak.clients,
                seconds=_BURST_S,
                obeys=True,  # else they would ask to be refused all the time
            )
            with ServerWatch(server, uploads) as watch:
                for number in range(rounds):
                    say(f"{soak.clients} clients, round {number + 1} of {rounds}")
                    began = watch.elapsed_s()
                    outcomes += [*burst.run(), *crowd.run()]
                    ended = watch.elapsed_s()
                    time.sleep(_REST_S)
                    taken.append(Round(began, ended, watch.elapsed_s()))
            left = len(list(uploads.iterdir()))
    return SoakReport(dataclasses.asdict(soak), taken, outcomes, watch, left)


def _command(soak: Soak, uploads: Path) -> Command:
    way = our_way(ServeConfig().model_dir, uploads)
    assert soak.recycle_after is not None
    jitter = max(1, soak.recycle_after // 10)
    recycling = ("--max-requests", soak.recycle_after, "--max-requests-jitter", jitter)
    return dataclasses.replace(
        way.command,
        arguments=(*way.command.arguments, *map(str, recycling)),
        environment={f"{ENV_PREFIX}RATE_LIMIT": _NO_LIMIT, **way.command.environment},
    )


if __name__ == "__main__":
    main()
