"""Raw connections to a real server, and servers to send them to."""

import http.client
import re
import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import requests

from tests.end_to_end.real_server import TIMEOUT_S, RealServer

API = "api/v1/predict"
PROBLEM = "application/problem+json"
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


def connected(server: RealServer) -> socket.socket:
    """A connection on which nothing was sent."""
    parts = urlsplit(server.url)
    assert parts.hostname and parts.port
    return socket.create_connection((parts.hostname, parts.port), TIMEOUT_S)


def form_of(picture: bytes) -> bytes:
    return HEAD + picture + b"\r\n--x--\r\n"


def post(server: RealServer, picture: bytes) -> requests.Response:
    return requests.post(server.url + API, files={"file": picture}, timeout=TIMEOUT_S)


def status_of(server: RealServer, path: str = "") -> int:
    return requests.get(server.url + path, timeout=TIMEOUT_S).status_code


def until(is_so: Callable[[], object], within_s: float = TIMEOUT_S) -> None:
    """Wait until something is so."""
    give_up = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.01)


def ended_by_server(client: socket.socket) -> bool:
    """Whether the server has closed a connection, maybe after an answer."""
    with closing(client):
        try:
            while client.recv(65536):
                continue
        except ConnectionResetError:
            pass
        except TimeoutError:
            return False
        return True


def workers(server: RealServer) -> list[int]:
    """The worker processes that there are."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


def in_hand(server: RealServer) -> int:
    """Requests with pictures that the server has taken in and not answered."""
    text = requests.get(f"{server.url}metrics", timeout=TIMEOUT_S).text
    found = re.search(r"^deepfake_in_hand (\S+)$", text, re.MULTILINE)
    assert found is not None
    return int(float(found[1]))


def answer_on(client: socket.socket) -> int:
    """The status that comes on a connection; 0 where it ends without one."""
    answer = http.client.HTTPResponse(client)
    try:
        answer.begin()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        client.close()


def log_is_calm(server: RealServer) -> bool:
    """Whether the log holds no traceback."""
    return "Traceback" not in server.log.read_text()


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]
