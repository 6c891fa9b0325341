"""nginx and Redis of compose.yaml, from Debian, in front of gunicorn as it ships."""

import http.client
import json
import re
import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import trustme

from deepfake_detector.config import ServeConfig
from tests.end_to_end.shipped_stack import Answer, Running, shipped_stack

pytestmark = pytest.mark.slow

API = "/api/v1/predict"
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
HEAD = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="secret.jpg"\r\n\r\n'
)
TAIL = b"\r\n--x--\r\n"

#: The shipped DEEPFAKE_RATE_LIMIT, requests a minute.
LIMIT = int(ServeConfig().rate_limit.removesuffix(" per minute"))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """All three, for tests that leave them as they are."""
    folder = tmp_path_factory.mktemp("stack")
    with shipped_stack(folder, DEEPFAKE_RATE_LIMIT="") as running:
        yield running


def form(picture: bytes) -> bytes:
    return HEAD + picture + TAIL


def send(running: Running, path: str, content: bytes, **options: str) -> Answer:
    """POST one file, whole, before the answer is read: as a browser does."""
    headers = {k.replace("_", "-"): v for k, v in options.items() if k != "source"}
    source = options.get("source", "127.0.0.1")
    return running.ask(path, form(content), FORM | headers, source)


@pytest.mark.parametrize("path", ["/", API])
def test_a_picture_is_judged(stack: Running, path: str, portrait_jpeg: bytes) -> None:
    assert send(stack, path, portrait_jpeg).status == 200


def test_the_shipped_limit_holds_for_each_address(
    tmp_path: Path, portrait_jpeg: bytes
) -> None:
    with shipped_stack(tmp_path) as running:

        def post(number: int) -> Answer:
            claimed = f"203.0.113.{number}"
            return send(
                running,
                API if number % 2 else "/",
                portrait_jpeg,
                X_Forwarded_For=claimed,
                X_Real_IP=claimed,
                Forwarded=f"for={claimed}",
            )

        # Four at once, so that both workers count.
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(post, range(LIMIT + 12)))
        other = send(running, API, portrait_jpeg, source="127.0.0.2")
        page = running.ask("/")
        large = send(running, API, bytes(39_000_000))
        served = running.log("app")
    assert Counter(answer.status for answer in answers) == {200: LIMIT, 429: 12}
    refused = [answer for answer in answers if answer.status == 429]
    assert all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in refused)
    assert (other.status, page.status) == (200, 200)
    # Refused before it is read, and yet the answer arrives.
    assert large.status == 429
    assert "203.0.113" not in served
    assert "127.0.0.2" not in served


def test_without_redis_the_app_goes_on(tmp_path: Path, portrait_jpeg: bytes) -> None:
    with shipped_stack(tmp_path) as running:
        before = send(running, API, portrait_jpeg)
        running.stop("redis")
        after = [send(running, API, portrait_jpeg).status for _ in range(3)]
        ready = running.ask("/readyz")
    assert (before.status, ready.status) == (200, 200)
    assert after == [200] * 3


def test_redis_comes_back_empty_and_counts_again(
    tmp_path: Path, portrait_jpeg: bytes
) -> None:
    with shipped_stack(tmp_path) as running:
        assert send(running, API, portrait_jpeg).status == 200
        running.restart("redis")
        assert send(running, API, portrait_jpeg).status == 200


def test_https_with_a_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    with shipped_stack(tmp_path, certificate=certificate) as running:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        connection = http.client.HTTPSConnection(
            "localhost", running.ports["tls"], timeout=30, context=context
        )
        with closing(connection):
            connection.request("GET", "/")
            page = connection.getresponse()
            page.read()
        plain = running.ask("/about?x=1")
    assert page.status == 200
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert (plain.status, plain.headers["Location"]) == (
        301,
        "https://127.0.0.1/about?x=1",
    )


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/metrics/",
        "/metrics?x=1",
        "//metrics",
        "/./metrics",
        "/static/../metrics",
        "/%6Detrics",
        "/METRICS",
        "/metrics;x",
        "/metrics%00",
        "/metrics%2f",
    ],
)
@pytest.mark.parametrize(
    "headers", [{}, {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"}]
)
def test_figures_are_not_told_outside(
    stack: Running, path: str, headers: dict[str, str]
) -> None:
    answer = stack.ask(path, headers=headers)
    assert answer.status in (400, 404)
    assert b"deepfake_requests" not in answer.body


@pytest.mark.parametrize("path", ["/", API])
def test_what_is_too_large_is_refused_by_nginx(stack: Running, path: str) -> None:
    answer = send(stack, path, bytes(43 * 2**20))
    assert answer.status == 413
    assert b"40 MB" in answer.body
    if path == API:
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = json.loads(answer.body)
        assert problem["status"] == 413
        assert problem["request_id"] == answer.headers["X-Request-ID"]
    else:
        assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/", API])
def test_what_is_too_large_for_the_app_alone_is_refused_in_its_words(
    stack: Running, path: str
) -> None:
    answer = send(stack, path, bytes(41_500_000))
    assert answer.status == 413
    # The app sends this with every answer, nginx with none.
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/", API])
def test_without_the_app_nginx_answers_plainly(tmp_path: Path, path: str) -> None:
    with shipped_stack(tmp_path) as running:
        running.stop("app")
        answer = send(running, path, b"picture")
        page = running.ask("/")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
    assert (page.status, page.headers["Retry-After"]) == (503, "10")
    assert b"try again in ten seconds" in answer.body.lower()
    assert b"<h1>Not available just now</h1>" in page.body
    assert b"nginx" not in page.body
    assert page.headers["Server"] == "nginx"
    if path == API:
        assert json.loads(answer.body)["status"] == 503


def test_static_files_outlive_a_busy_app(tmp_path: Path) -> None:
    with shipped_stack(tmp_path) as running:
        page = running.ask("/").body.decode()
        style = re.search(r'href="(/static/style.css[^"]*)"', page)
        assert style is not None
        before = running.ask(style[1])
        running.stop("app")
        after = running.ask(style[1])
        other = running.ask("/static/style.css")
    assert (before.status, after.status, other.status) == (200, 200, 503)
    assert after.body == before.body
    assert "immutable" in after.headers["Cache-Control"]
    assert after.headers["X-Request-ID"] != before.headers["X-Request-ID"]


def test_pages_are_compressed_and_never_kept(stack: Running) -> None:
    page = stack.ask("/", headers={"Accept-Encoding": "gzip"})
    assert page.headers["Content-Encoding"] == "gzip"
    assert page.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in page.headers


def test_the_log_of_nginx_tells_nothing_of_a_visitor(
    stack: Running, portrait_jpeg: bytes
) -> None:
    answer = send(stack, "/?name=hidden", portrait_jpeg, X_Request_ID="an-id-77")
    refused = stack.ask("/no/such/hidden", source="127.0.0.2")
    assert (answer.status, refused.status) == (200, 404)
    log = stack.log("nginx")
    lines = [json.loads(line) for line in log.splitlines()]
    entry = next(line for line in lines if line["request_id"] == "an-id-77")
    assert (entry["method"], entry["status"]) == ("POST", 200)
    assert not re.search(r"127\.0\.0|hidden|secret|predict", log)


@pytest.mark.parametrize(
    "odd", ["a" * 65, "a b", "<script>", "", "ä", "../..", "a;b", "a_b"]
)
def test_an_odd_request_id_is_replaced(stack: Running, odd: str) -> None:
    headers = {"X-Request-ID": odd.encode().decode("latin-1")}
    answer = stack.ask("/metrics", headers=headers)
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-ID"])


def test_one_address_holds_few_requests_at_once(stack: Running) -> None:
    # Each announces a body and never sends it.
    head = (
        f"POST {API} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM['Content-Type']}\r\n"
        "Content-Length: 100000\r\n\r\n"
    ).encode()
    slow = [
        socket.create_connection(("127.0.0.1", stack.ports["nginx"])) for _ in range(10)
    ]
    try:
        for connection in slow:
            connection.sendall(head)
        answers = Counter(stack.ask("/livez").status for _ in range(3))
        other = stack.ask("/livez", source="127.0.0.2")
    finally:
        for connection in slow:
            connection.close()
    assert answers == {429: 3}
    assert other.status == 200
