"""compose.yaml keeps what it promises, and names only what exists.

Docker is not needed: the file is read, and end_to_end/test_proxy.py runs the servers.
"""

import re
import subprocess
from typing import Any

import pytest
import yaml

from deepfake_detector.config import ENV_PREFIX, REPOSITORY, ServeConfig

TEXT = (REPOSITORY / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
APP, NGINX, REDIS = (SERVICES[name] for name in ("app", "nginx", "redis"))
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
NGINX_CONF = (REPOSITORY / "deploy/nginx/nginx.conf").read_text(encoding="utf-8")
TEMPLATE = (REPOSITORY / "deploy/nginx/default.conf.template").read_text(
    encoding="utf-8"
)
REDIS_CONF = (REPOSITORY / "deploy/redis/redis.conf").read_text(encoding="utf-8")


def default(value: str) -> str:
    """What compose takes where the variable in a value is not set."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", value)


def tmpfs(service: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Options of each tmpfs by its path."""
    mounts = [mount.partition(":") for mount in service["tmpfs"]]
    return {
        path: dict(option.partition("=")[::2] for option in options.split(","))
        for path, _, options in mounts
    }


def megabytes(size: str) -> int:
    return int(size[:-1]) * {"m": 1, "g": 1024}[size[-1]]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "network_mode"} & service.keys()
    user, group = map(int, service["user"].split(":"))
    assert user > 0
    assert group > 0
    assert service["restart"] == "unless-stopped"
    assert service["pids_limit"] <= 512


def test_the_app_may_start_its_threads() -> None:
    config = ServeConfig.from_env(APP["environment"])
    # Beside each thread one that watches the time of its upload; and the workers, the
    # master and what NumPy starts on a machine of 64 cores.
    most = config.workers * (2 * config.threads + 64) + 64
    assert most <= APP["pids_limit"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_limits_and_a_health_check(name: str) -> None:
    service = SERVICES[name]
    assert float(default(str(service["cpus"]))) > 0
    memory = megabytes(default(service["mem_limit"]))
    held = sum(megabytes(mount["size"]) for mount in tmpfs(service).values())
    assert held < memory
    check = service["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries"} <= check.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_writes_is_its_own_and_in_memory(name: str) -> None:
    service = SERVICES[name]
    user, _, group = service["user"].partition(":")
    for path, options in tmpfs(service).items():
        assert {"noexec", "nosuid", "nodev"} <= options.keys()
        mine = (options.get("uid"), options.get("gid"), options["mode"])
        assert mine == (user, group, "0700") or path == "/tmp"
    for volume in service.get("volumes", []):
        source, _, target = volume.partition(":")
        assert (REPOSITORY / source).is_file()
        assert target.endswith(":ro")


def test_only_nginx_is_published() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == [
        "nginx"
    ]
    assert [default(port) for port in NGINX["ports"]] == ["8080:8080"]
    assert "expose" not in APP
    networks = {name: set(service["networks"]) for name, service in SERVICES.items()}
    assert networks["nginx"] & networks["redis"] == set()
    internal = {n for n, how in COMPOSE["networks"].items() if how.get("internal")}
    assert networks["app"] | networks["redis"] == internal


def test_figures_are_not_published() -> None:
    assert re.search(r"location \^~ /metrics \{[^}]*return 404", TEMPLATE)
    assert "DEEPFAKE_METRICS_ADDRESSES" not in APP["environment"]


def test_services_start_in_order() -> None:
    order = {
        name: {on: how["condition"] for on, how in service["depends_on"].items()}
        for name, service in SERVICES.items()
        if "depends_on" in service
    }
    assert order == {
        "app": {"redis": "service_healthy"},
        "nginx": {"app": "service_healthy"},
    }


def test_the_app_takes_its_environment() -> None:
    config = ServeConfig.from_env(APP["environment"])
    named = {name.removeprefix(ENV_PREFIX).lower() for name in APP["environment"]}
    assert named <= vars(config).keys()
    assert config.trusted_proxies == 1
    assert config.rate_limit_storage == "redis://redis:6379"
    assert config.log_format == "json"


def test_the_app_is_where_the_dockerfile_puts_it() -> None:
    user = re.search(r"--uid (\d+)", DOCKERFILE)
    assert user is not None
    assert APP["user"] == f"{user[1]}:{user[1]}"
    assert 'VOLUME ["/app/uploads"]' in DOCKERFILE
    assert "/app/uploads" in tmpfs(APP)
    port = re.search(r"DEEPFAKE_PORT=(\d+)", DOCKERFILE)
    assert port is not None
    assert NGINX["environment"]["APP_ADDRESS"] == f"app:{port[1]}"
    assert f":{port[1]}/readyz" in APP["healthcheck"]["test"][-1]
    argument = re.search(r"ARG PYTHON_IMAGE=(\S+)", DOCKERFILE)
    assert argument is not None
    assert default(APP["build"]["args"]["PYTHON_IMAGE"]) == argument[1]


def test_images_have_a_tag_and_no_registry() -> None:
    for service in (NGINX, REDIS):
        image = default(service["image"])
        assert re.fullmatch(r"[a-z]+:[0-9][\w.-]+", image)
        assert image != service["image"]


def test_uploads_fit_into_the_app() -> None:
    # Each file lies there while it is judged.
    config = ServeConfig.from_env(APP["environment"])
    held = config.workers * config.judging_at_once * config.max_upload_bytes
    assert held < megabytes(tmpfs(APP)["/app/uploads"]["size"]) * 2**20


def test_the_template_is_filled_in_by_names_that_compose_sets() -> None:
    names = set(re.findall(r"\$\{?([A-Z][A-Z_]*)\}?", TEMPLATE + NGINX_CONF))
    assert names == NGINX["environment"].keys()


def test_nginx_lets_in_what_the_app_takes_and_waits_longer() -> None:
    config = ServeConfig()
    size = re.search(r"client_max_body_size (\d+)m;", TEMPLATE)
    assert size is not None
    most = int(size[1]) * 2**20
    assert (
        config.max_request_bytes + 64 * 1024 <= most <= config.max_request_bytes * 1.1
    )
    wait = re.search(r"proxy_read_timeout (\d+)s;", TEMPLATE)
    assert wait is not None
    assert int(wait[1]) > 2 * config.request_seconds


def test_one_address_cannot_fill_the_folder_of_nginx() -> None:
    held = re.search(r"limit_conn addresses (\d+);", NGINX_CONF)
    size = re.search(r"client_max_body_size (\d+)m;", TEMPLATE)
    assert held is not None
    assert size is not None
    room = megabytes(tmpfs(NGINX)["/tmp"]["size"])
    assert int(held[1]) * int(size[1]) < room


def test_visitors_address_is_written_anew() -> None:
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in TEMPLATE
    assert "proxy_add_x_forwarded_for" not in TEMPLATE
    log = re.search(r"log_format without_visitors.*?;", NGINX_CONF, re.DOTALL)
    assert log is not None
    told = set(re.findall(r"\$(\w+)", log[0]))
    assert not told & {
        "remote_addr", "binary_remote_addr", "request", "request_uri", "uri", "args",
        "query_string", "http_referer", "http_user_agent", "http_x_forwarded_for",
    }  # fmt: skip
    assert "access_log /dev/stdout without_visitors;" in NGINX_CONF


def test_redis_keeps_nothing_and_obeys_few() -> None:
    lines = {line for line in REDIS_CONF.splitlines() if line and line[0] != "#"}
    assert {'save ""', "appendonly no", "maxmemory-policy allkeys-lru"} <= lines
    memory = re.search(r"^maxmemory (\d+)mb$", REDIS_CONF, re.MULTILINE)
    assert memory is not None
    assert 2 * int(memory[1]) < megabytes(REDIS["mem_limit"])
    user = next(line for line in lines if line.startswith("user default"))
    assert user.split()[-1] == "-@dangerous"
    assert "~LIMITS:*" in user
    assert "-@all" in user


def test_dockerfile_copies_what_the_ignore_file_lets_in() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = re.findall(r"^COPY (?!--from)(.+) \./?\S*$", DOCKERFILE, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    for name in names:
        assert (REPOSITORY / name).exists(), name
        assert f"!{name}" in ignored, name


def test_no_picture_or_certificate_lies_in_deploy() -> None:
    files = subprocess.run(
        ["git", "ls-files", "deploy"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {file.rpartition(".")[2] for file in files} <= {"conf", "template", "yaml"}
