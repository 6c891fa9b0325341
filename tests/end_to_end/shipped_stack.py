"""nginx, gunicorn and Redis with the files that compose.yaml mounts, without Docker.

Only what must differ on one computer is changed: ports, addresses and folders.
"""

import getpass
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

import pytest
import trustme
import yaml

from deepfake_detector.artifact import ModelCard, write_artifact
from deepfake_detector.config import REPOSITORY
from deepfake_detector.face_crops import CROP_RULES

DEPLOY = REPOSITORY / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load(
    (REPOSITORY / "compose.yaml").read_text(encoding="utf-8")
)
NGINX_ENVIRONMENT: dict[str, str] = COMPOSE["services"]["nginx"]["environment"]
APP_ENVIRONMENT: dict[str, str] = COMPOSE["services"]["app"]["environment"]
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass
class Running:
    """The three servers, by process, and where they listen."""

    folder: Path
    ports: dict[str, int]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(
        self,
        name: str,
        command: list[str],
        environ: Mapping[str, str] | None = None,
        path: str | None = None,
    ) -> None:
        """Start a server and wait until it listens, or answers 200 at a path."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env=os.environ | (environ or {}),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes[name] = process
        give_up = time.monotonic() + TIMEOUT_S
        while not _answers(self.ports[name], path):
            if process.poll() is not None or time.monotonic() > give_up:
                raise AssertionError(f"{name} did not come up: {self.log(name)}")
            time.sleep(0.02)

    def restart(self, name: str) -> None:
        """End a server, and start it anew with the same arguments."""
        command = self.processes[name].args
        assert isinstance(command, list)
        self.stop(name)
        self.start(name, command)

    def ask(
        self,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        source: str = "127.0.0.1",
    ) -> Answer:
        """Ask nginx, from an address of this computer; POST where there is a body."""
        connection = http.client.HTTPConnection(
            "127.0.0.1",
            self.ports["nginx"],
            timeout=TIMEOUT_S,
            source_address=(source, 0),
        )
        with closing(connection):
            method = "GET" if body is None else "POST"
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())

    def stop(self, name: str) -> None:
        """End one server as Docker does, and wait until it is gone."""
        process = self.processes[name]
        process.send_signal(signal.SIGTERM)
        process.wait(TIMEOUT_S)

    def log(self, name: str) -> str:
        """Everything that a server has written so far."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")


def required(command: str) -> str:
    """Path of a command; skips where it is missing, or fails where it must be there."""
    if path := shutil.which(command, path=f"{os.environ['PATH']}:/usr/sbin:/sbin"):
        return path
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"REQUIRE_SERVICES=1, but there is no {command}")
    pytest.skip(f"needs {command}, which Debian's package of that name has")


@contextmanager
def shipped_stack(
    folder: Path, certificate: trustme.LeafCert | None = None, **settings: str
) -> Iterator[Running]:
    """Start Redis, gunicorn and nginx, and end them whatever happens.

    Settings are added to the app's environment in compose.yaml.
    """
    nginx, redis = required("nginx"), required("redis-server")
    ports = {name: free_port() for name in ("nginx", "tls", "app", "redis")}
    running = Running(folder, ports)
    environ = app_environment(folder, ports) | settings
    app = [sys.executable, "-m", "gunicorn", "inference:app"]
    try:
        running.start("redis", redis_command(redis, folder, ports["redis"]))
        running.start("app", app, environ, "/readyz")
        running.start("nginx", nginx_command(nginx, folder, ports, certificate))
        yield running
    finally:
        for process in running.processes.values():
            _end(process)


def redis_command(redis: str, folder: Path, port: int) -> list[str]:
    """The shipped redis.conf on a port of this computer."""
    place = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    return [redis, str(DEPLOY / "redis" / "redis.conf"), *place]


def app_environment(folder: Path, ports: Mapping[str, int]) -> dict[str, str]:
    """compose's environment of the app, around a stand-in network."""
    card = ModelCard("stand-in", "none", (16, 16, 3), CROP_RULES["whole"])
    write_artifact(folder / "model", card, lambda model: None)
    own = {
        "DEEPFAKE_BACKEND": "constant",
        "DEEPFAKE_MODEL_DIR": str(folder / "model"),
        "DEEPFAKE_UPLOAD_DIR": str(folder / "uploads"),
        "DEEPFAKE_HOST": "127.0.0.1",
        "DEEPFAKE_PORT": str(ports["app"]),
    }
    moved = {
        name: value.replace("redis:6379", f"127.0.0.1:{ports['redis']}")
        for name, value in APP_ENVIRONMENT.items()
    }
    return moved | own


def nginx_command(
    nginx: str,
    folder: Path,
    ports: Mapping[str, int],
    certificate: trustme.LeafCert | None,
) -> list[str]:
    """The shipped nginx files, laid out as in the container and filled in likewise."""
    etc, tmp = folder / "etc", folder / "tmp"
    (etc / "conf.d").mkdir(parents=True)
    tmp.mkdir()
    shutil.copy(DEPLOY / "nginx" / "nginx.conf", etc)
    template = (DEPLOY / "nginx" / "default.conf.template").read_text(encoding="utf-8")
    values = NGINX_ENVIRONMENT | {
        "LISTEN_PORT": str(ports["nginx"]),
        "APP_ADDRESS": f"127.0.0.1:{ports['app']}",
    }
    # nginx's own $names are left alone, as envsubst leaves them.
    (etc / "conf.d" / "default.conf").write_text(
        Template(template).safe_substitute(values), encoding="utf-8"
    )
    if certificate is not None:
        _add_certificate(certificate, etc, ports["tls"])
    # As root nginx would give its work to another user, who may not enter the folder.
    user = ["-g", f"user {getpass.getuser()};"] if os.geteuid() == 0 else []
    return [
        nginx,
        "-e",
        "stderr",
        "-p",
        f"{tmp}/",
        "-c",
        str(etc / "nginx.conf"),
        *user,
    ]


def _add_certificate(certificate: trustme.LeafCert, etc: Path, port: int) -> None:
    """What deploy/compose.tls.yaml mounts."""
    (etc / "server.d").mkdir()
    conf = (DEPLOY / "nginx" / "tls.conf").read_text(encoding="utf-8")
    (etc / "server.d" / "tls.conf").write_text(conf.replace("8443", str(port)))
    (etc / "tls").mkdir()
    certificate.private_key_pem.write_to_path(str(etc / "tls" / "privkey.pem"))
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    (etc / "tls" / "fullchain.pem").write_bytes(chain)


def free_port() -> int:
    """A port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int, path: str | None) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    with closing(connection):
        try:
            connection.connect()
            if path is None:
                return True
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
