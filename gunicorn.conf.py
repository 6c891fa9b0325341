"""How gunicorn serves: `gunicorn inference:app` in this folder reads this file.

Settings come from the environment, as everywhere (docs/settings.md); options of the
gunicorn command line win over this file.
"""

import logging
import math
import os
import signal
import sys
from typing import Any, Final

import inference
from deepfake_detector.artifact import Artifact
from deepfake_detector.command_line import BAD_INPUT_STATUS
from deepfake_detector.config import ServeConfig
from deepfake_detector.exceptions import DeepfakeDetectorError
from deepfake_detector.inference_model import check_host, local_url
from deepfake_detector.keras_file import check_keras_file
from deepfake_detector.web import heap, metric_files
from deepfake_detector.web.log_lines import start_logging
from deepfake_detector.web.uploads import prepare_folder, sweep_of_process

_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108

heap.give_back_large()
try:
    _serve_config = ServeConfig.from_env(os.environ)
    start_logging(_serve_config)
    check_host(_serve_config.host)  # gunicorn would try five times, and not say what
    metric_files.share()
    # OpenVINO and LiteRT survive a fork, so workers share one model. TensorFlow does
    # not: its first inference after it hangs (gunicorn issue 2369), so there each
    # loads its own.
    preload_app = _serve_config.backend != "keras" and _serve_config.keras_file is None
    if preload_app:
        inference.app  # noqa: B018  loads the model
    elif _serve_config.keras_file is not None:  # checked here, loaded by the workers
        check_keras_file(_serve_config.keras_file)
    else:
        Artifact.load(_serve_config.model_dir)
except DeepfakeDetectorError as error:
    # One line instead of gunicorn's traceback.
    sys.stderr.write(f"Error: {error}\n")
    raise SystemExit(BAD_INPUT_STATUS) from None

_host = f"[{_serve_config.host}]" if ":" in _serve_config.host else _serve_config.host
bind = f"{_host}:{_serve_config.port}"
# Gives threads to requests alone: idle and slow clients keep nobody waiting.
worker_class = "deepfake_detector.web.head_waiting_worker.HeadWaitingWorker"
# How many of each is a measurement: docs/deploy.md, "How much it takes".
workers = _serve_config.workers
threads = _serve_config.threads

# Whom to believe about a visitor is DEEPFAKE_TRUSTED_PROXIES' to say; left to itself
# gunicorn believes whoever connects from this computer.
forwarded_allow_ips = ""

# A heartbeat file on a disk can block its worker; memory cannot.
worker_tmp_dir = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None
# Its lines go through the handler of start_logging. Its access log stays off: it would
# hold addresses and paths, and every request has a line of ours.
errorlog = None
# gunicorn would make it in the home directory, which may be missing or read-only.
control_socket_disable = True

# A worker is replaced now and then, so that no leak in a decoder can grow for ever.
max_requests = 20_000
max_requests_jitter = 2_000
# TensorFlow alone can take longer than the usual 30 s to load from a slow disk.
timeout = 120
# What was accepted is answered before a worker stops: so long for the upload, and so
# long for the answer.
graceful_timeout = math.ceil(2 * _serve_config.request_seconds)
keepalive = 5
# Clients that keep their connections would all stay with the worker that was ready
# first when others were replaced; so each connects anew now and then, and whichever
# worker is free takes it.
_REQUESTS_OF_A_CONNECTION: Final = 20


def on_starting(server: Any) -> None:
    """Make uploads/ and clear what a crash left: once, before any worker starts."""
    # `--log-level debug` shows our lines of that level too. Not those of Pillow, whose
    # debug lines tell what is in a picture.
    logging.getLogger("deepfake_detector").setLevel(server.log.loglevel)
    try:
        prepare_folder(_serve_config.upload_dir)
    except DeepfakeDetectorError as error:
        sys.stderr.write(f"Error: {error}\n")
        raise SystemExit(BAD_INPUT_STATUS) from None


def when_ready(server: Any) -> None:
    """Print the address, where the model is loaded already."""
    if preload_app:
        _print_address(server.LISTENERS[0].sock)


def pre_fork(server: Any, worker: Any) -> None:
    """Give a worker the place that it counts in."""
    taken = {other.metrics_place for other in server.WORKERS.values()}
    worker.metrics_place = metric_files.free_place(taken)


def pre_request(worker: Any, request: Any) -> None:
    """Say that a connection ends with this answer, where it had its share."""
    if request.req_number >= _REQUESTS_OF_A_CONNECTION:
        request.force_close()


def child_exit(server: Any, worker: Any) -> None:
    """Forget what a dead worker had in hand, and delete its uploads."""
    metric_files.leave(worker.metrics_place)
    try:
        sweep_of_process(_serve_config.upload_dir, worker.pid)
    except OSError as error:  # no reason to stop the server
        server.log.warning("uploads of a worker stay: %s", error.strerror)


def post_fork(server: Any, worker: Any) -> None:
    """Let a worker count by itself, and be stopped at once while it is starting."""
    metric_files.take(worker.metrics_place)
    # Until gunicorn sets the worker's own handlers it has the arbiter's, which only
    # take note of signals: such a worker would be waited for until graceful_timeout.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))


def post_worker_init(worker: Any) -> None:
    """Make stops graceful, let memory go, and print the address once it can judge."""
    # gunicorn's quick stop (Ctrl-C) takes a lock inside a signal handler that the same
    # thread may hold just then: seen to hang one stop in five right after a request.
    signal.signal(signal.SIGQUIT, worker.handle_exit)
    # A terminal sends Ctrl-C to workers too; the arbiter stops them, once.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    heap.give_back_now_and_then()
    if not preload_app and worker.age == 1:
        _print_address(worker.sockets[0].sock)


def _print_address(listener: Any) -> None:
    """The one line on stdout."""
    host, port = listener.getsockname()[:2]
    sys.stdout.write(f"deepfake-detector is ready at {local_url(host, port)}\n")
    sys.stdout.flush()
