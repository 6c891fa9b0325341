"""docs/deploy.md: its YAML is whole, its settings and files exist."""

import re
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from flask import Flask

from benchmarks import load_table
from benchmarks.load import main as load
from deepfake_detector.config import ENV_PREFIX, REPOSITORY, ServeConfig
from deepfake_detector.web.health import bp as health

RUN = REPOSITORY / "docs" / "benchmarks" / "load.json"
TEXT = (REPOSITORY / "docs" / "deploy.md").read_text(encoding="utf-8")
BLOCKS = [
    [document for document in yaml.safe_load_all(block)]
    for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
]
KUBERNETES = {document["kind"]: document for document in BLOCKS[0]}
OVERRIDE = BLOCKS[1][0]
TLS = yaml.safe_load((REPOSITORY / "deploy/compose.tls.yaml").read_text("utf-8"))
COMPOSE = yaml.safe_load((REPOSITORY / "compose.yaml").read_text("utf-8"))


@pytest.fixture
def pod() -> dict[str, Any]:
    spec: dict[str, Any] = KUBERNETES["Deployment"]["spec"]["template"]["spec"]
    return spec


@pytest.fixture
def container(pod: dict[str, Any]) -> dict[str, Any]:
    (one,) = pod["containers"]
    return dict(one)


def test_every_setting_it_names_exists() -> None:
    named = set(re.findall(rf"\b{ENV_PREFIX}([A-Z_]+)\b", TEXT))
    assert {name.lower() for name in named} <= vars(ServeConfig()).keys()


def test_every_variable_of_compose_is_named() -> None:
    text = (REPOSITORY / "compose.yaml").read_text("utf-8")
    for name in set(re.findall(r"\$\{([A-Z_]+)", text)):
        assert f"`{name}`" in TEXT


def test_every_option_of_the_load_test_exists() -> None:
    line = re.search(r"-m benchmarks\.load (.*)", TEXT)
    assert line is not None
    options = {option for parameter in load.params for option in parameter.opts}
    assert set(re.findall(r"--[a-z]+", f"{line[1]} --obeys --set")) <= options


def test_probes_ask_what_the_app_answers(container: dict[str, Any]) -> None:
    app = Flask("probed")
    app.register_blueprint(health)
    answered = [rule.rule for rule in app.url_map.iter_rules()]
    port = container["ports"][0]
    for probe, path in (("readinessProbe", "/readyz"), ("livenessProbe", "/livez")):
        assert container[probe]["httpGet"] == {"path": path, "port": port["name"]}
        assert path in answered
    service = KUBERNETES["Service"]["spec"]
    assert service["ports"][0]["targetPort"] == port["name"]


def test_the_pod_is_confined(pod: dict[str, Any], container: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert (
        f"{pod['securityContext']['runAsUser']}" in COMPOSE["services"]["app"]["user"]
    )
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"requests", "limits"} == container["resources"].keys()


def test_the_pod_writes_to_memory_alone(
    pod: dict[str, Any], container: dict[str, Any]
) -> None:
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounts.values()) == {"/app/uploads", "/tmp", "/dev/shm"}
    assert {volume["name"] for volume in pod["volumes"]} == mounts.keys()
    for volume in pod["volumes"]:
        assert volume["emptyDir"]["medium"] == "Memory"
        assert volume["emptyDir"]["sizeLimit"].endswith("Mi")


def test_the_pods_environment_is_composes(container: dict[str, Any]) -> None:
    environment = {entry["name"]: entry["value"] for entry in container["env"]}
    assert ServeConfig.from_env(environment).trusted_proxies == 1
    assert environment.keys() == COMPOSE["services"]["app"]["environment"].keys()


def test_parts_of_the_example_find_each_other() -> None:
    deployment = KUBERNETES["Deployment"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert KUBERNETES["Service"]["spec"]["selector"] == labels
    target = KUBERNETES["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert target["name"] == deployment["metadata"]["name"]


def test_another_model_is_mounted_where_the_app_looks() -> None:
    app = OVERRIDE["services"]["app"]
    config = ServeConfig.from_env(app["environment"])
    assert app["volumes"][0].split(":")[1:] == [str(config.model_dir), "ro"]


def test_the_certificate_is_where_nginx_looks() -> None:
    nginx = TLS["services"]["nginx"]
    conf = (REPOSITORY / "deploy/nginx/tls.conf").read_text("utf-8")
    assert "./deploy/nginx/tls.conf:/etc/nginx/server.d/tls.conf:ro" in nginx["volumes"]
    assert nginx["volumes"][1].endswith(":/etc/nginx/tls:ro")
    for name in ("fullchain.pem", "privkey.pem"):
        assert f"tls/{name};" in conf
        assert name in TEXT
    assert nginx["ports"] == ["443:8443"]
    assert "listen 8443 ssl;" in conf


def test_what_it_says_of_nginx_holds() -> None:
    template = (REPOSITORY / "deploy/nginx/default.conf.template").read_text("utf-8")
    assert "client_max_body_size 41m;" in template
    assert "proxy_read_timeout 65s;" in template
    assert "41 MB" in TEXT
    assert "65 s" in TEXT
    redis = (REPOSITORY / "deploy/redis/redis.conf").read_text("utf-8")
    assert "maxmemory 32mb" in redis
    assert "at most 32 MB" in TEXT


def test_table_of_the_load_is_that_of_the_run() -> None:
    printed = CliRunner().invoke(load_table.main, [str(RUN)])
    assert printed.exit_code == 0
    assert printed.output in TEXT
