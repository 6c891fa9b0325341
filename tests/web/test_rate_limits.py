"""One address sends so many pictures, and no more; nothing else is counted."""

import logging
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from shutil import which
from typing import Any

import pytest

from deepfake_detector.exceptions import ConfigError

Start = Callable[..., Any]

PREDICT = "/api/v1/predict"


def post(server: Any, path: str = PREDICT, address: str = "203.0.113.5") -> Any:
    """An empty form: refused as bad, unless it is refused as one too many."""
    environ = {"REMOTE_ADDR": address}
    return server.client.post(path, data={}, environ_overrides=environ)


def test_one_too_many_is_told_when_to_come_back(start: Start) -> None:
    server = start(rate_limit="2 per minute")
    assert [post(server).status_code for _ in range(2)] == [400, 400]
    answer = post(server)
    assert answer.status_code == answer.json["status"] == 429
    assert answer.content_type == "application/problem+json"
    seconds = answer.headers["Retry-After"]
    assert 1 <= int(seconds) <= 60
    assert "(2 per minute at most)" in answer.json["detail"]
    assert f"Try again in {seconds} second" in answer.json["detail"]


def test_wall_clock_set_back_keeps_no_address_out(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(rate_limit="1 per minute")
    assert [post(server).status_code for _ in range(2)] == [400, 429]
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 7200)
    assert [post(server).status_code for _ in range(2)] == [400, 429]


def test_page_says_it_in_a_page(start: Start) -> None:
    server = start(rate_limit="1 per hour")
    post(server, "/")
    answer = post(server, "/")
    assert answer.status_code == 429
    assert answer.content_type.startswith("text/html")
    assert "Too many pictures came from your address" in answer.text
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600


def test_page_and_api_count_together_and_addresses_apart(start: Start) -> None:
    server = start(rate_limit="1 per minute")
    assert post(server, "/").status_code == 400
    assert post(server, PREDICT).status_code == 429
    assert post(server, PREDICT, "203.0.113.6").status_code == 400
    assert post(server, "/", "203.0.113.6").status_code == 429


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("203.0.113.5", "203.0.113.6", False),
        ("203.0.113.5", "::ffff:203.0.113.5", True),
        ("::ffff:203.0.113.5", "::ffff:203.0.113.6", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "not an address", True),
        ("1.2.3.4:80", "[::1]:80", True),
        ("unknown", "203.0.113.5", False),
    ],
)
def test_who_counts_as_one(
    start: Start, first: str, second: str, together: bool
) -> None:
    server = start(rate_limit="1 per minute")
    assert post(server, address=first).status_code == 400
    assert post(server, address=second).status_code == (429 if together else 400)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/static/style.css"),
        ("GET", "/livez"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", PREDICT),
        ("OPTIONS", PREDICT),
        ("POST", "/nope"),
    ],
)
def test_what_judges_nothing_is_never_counted(
    start: Start, method: str, path: str
) -> None:
    server = start(rate_limit="1 per minute")
    statuses = set()
    for _ in range(3):
        with server.client.open(path, method=method) as answer:
            statuses.add(answer.status_code)
    assert len(statuses) == 1
    assert 429 not in statuses
    assert post(server, address="127.0.0.1").status_code == 400


def test_one_too_many_is_refused_before_it_is_read(
    start: Start, drawing_png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(rate_limit="1 per minute")
    part = ("file", "a.png", drawing_png)
    assert server.send(part).status_code == 200
    monkeypatch.setattr(
        "deepfake_detector.web.uploads.pictures", lambda *_, **__: 1 / 0
    )
    assert server.send(part).status_code == 429
    assert server.left_over() == []


def test_several_limits_hold_together(start: Start) -> None:
    server = start(rate_limit="100/second; 2/day")
    assert [post(server).status_code for _ in range(3)] == [400, 400, 429]


@pytest.mark.parametrize("limit", ["", "  "])
def test_no_limit_counts_nothing(start: Start, limit: str) -> None:
    server = start(rate_limit=limit)
    assert {post(server).status_code for _ in range(70)} == {400}


@pytest.mark.parametrize(
    "limit",
    [
        "lots",
        "60",
        "60 per",
        "per minute",
        "-1 per minute",
        "0 per minute",
        "60 per fortnight",
        "60 per minute and more",
        "1.5 per minute",
        "60 per minute;",
        "60 per minute; 0/day",
        "٦٠ per minute",
        "60 per minute\n\0",
        "'; DROP TABLE",
    ],
)
def test_bad_limit_names_the_variable(start: Start, limit: str) -> None:
    with pytest.raises(ConfigError, match="DEEPFAKE_RATE_LIMIT\\)"):
        start(rate_limit=limit)


@pytest.mark.parametrize(
    "storage",
    [
        "",
        "memory",
        "memory://else",
        "localhost:6379",
        "redis",
        "redis://",
        "redis:///0",
        "redis://:6379",
        "redis://host:port",
        "redis://host:99999",
        "redis://host:0",
        "redis://host/db",
        "redis://host:6379?db=x",
        "redis://ho st:6379",
        "memcached://host:11211",
        "http://host:6379",
        "file:///etc/passwd",
    ],
)
def test_bad_storage_names_the_variable(start: Start, storage: str) -> None:
    with pytest.raises(ConfigError, match="DEEPFAKE_RATE_LIMIT_STORAGE"):
        start(rate_limit_storage=storage)


def test_password_of_a_bad_storage_is_not_repeated(start: Start) -> None:
    with pytest.raises(ConfigError) as caught:
        start(rate_limit_storage="redis://:hunter2@host:port")
    assert "hunter2" not in str(caught.value)


def test_address_is_in_no_log(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    server = start(rate_limit="1 per minute")
    assert [post(server).status_code for _ in range(2)] == [400, 429]
    assert caplog.records
    assert "203.0.113" not in caplog.text


@pytest.mark.parametrize(
    ("storage", "workers", "expected"),
    [
        ("memory://", 2, "False"),
        ("memory://", 1, "True"),
        ("redis://127.0.0.1:1", 2, "True"),
    ],
)
def test_templates_know_whether_workers_count_together(
    start: Start, storage: str, workers: int, expected: str
) -> None:
    server = start(rate_limit_storage=storage, workers=workers)
    app = server.client.application
    with app.test_request_context():
        template = app.jinja_env.from_string("{{ limit_is_shared }}")
        context: dict[str, Any] = {}
        app.update_template_context(context)
        assert template.render(context) == expected


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_redis_that_is_away_costs_one_warning_and_no_request(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    storage = f"redis://127.0.0.1:{free_port()}/1"
    server = start(rate_limit="2 per minute", rate_limit_storage=storage)
    assert [post(server).status_code for _ in range(3)] == [400, 400, 429]
    said = [r.getMessage() for r in caplog.records if r.name == "flask-limiter"]
    assert said == [
        "Rate limit storage unreachable - falling back to in-memory storage"
    ]


@pytest.fixture
def redis_port() -> Iterator[int]:
    """Port of a Redis of the test's own."""
    if which("redis-server") is None:
        pytest.skip("no redis-server here: apt-get install redis-server")
    port = free_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            _wait_for(port)
            yield port
        finally:
            server.kill()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("Redis did not start")


def test_workers_count_together_in_redis(start: Start, redis_port: int) -> None:
    settings = {
        "rate_limit": "2 per minute",
        "rate_limit_storage": f"redis://127.0.0.1:{redis_port}",
    }
    one, other = start(**settings), start(**settings)
    with closing(redis_of(one)), closing(redis_of(other)):
        statuses = [post(server).status_code for server in (one, other, one, other)]
        assert statuses == [400, 400, 429, 429]
        assert 1 <= int(post(one).headers["Retry-After"]) <= 60


def redis_of(server: Any) -> Any:
    """The client that a server asks, whose connection would else outlive the test."""
    (limiter,) = server.client.application.extensions["limiter"]
    return limiter.storage.storage
