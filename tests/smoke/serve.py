"""Serve the shipped model from this environment and judge one drawn portrait.

Run by `make smoke` in a fresh environment that holds requirements-serve.txt alone, so
that an import from a training or development package cannot hide.
"""

import importlib.util
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(REPOSITORY))

START_TIMEOUT_S = 60


def main() -> None:
    """Start gunicorn, ask it, ask the command line, and compare the answers."""
    for package in ("tensorflow", "keras", "sklearn", "pytest"):
        if importlib.util.find_spec(package):
            raise SystemExit(f"smoke: {package} must not be in the serving environment")
    picture = _drawn_portrait()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = os.environ | {"DEEPFAKE_PORT": str(port)}
    command = [sys.executable, "-m", "gunicorn", "inference:app"]
    server = subprocess.Popen(command, cwd=REPOSITORY, env=environ)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_ready(address)
        page = _post(f"{address}/", picture).decode()
        served = json.loads(_post(f"{address}/api/v1/predict", picture))
    finally:
        server.terminate()
        server.wait(timeout=30)
    if "%" not in page and "No face" not in page:
        raise SystemExit("smoke: the page shows no verdict")
    printed = _predict(picture)
    if printed["p_fake"] != served["p_fake"]:
        raise SystemExit(f"smoke: HTTP says {served}, the command line {printed}")
    sys.stdout.write(f"smoke: served {served['verdict']}, p_fake {served['p_fake']}\n")


def _drawn_portrait() -> bytes:
    from PIL import Image

    from deepfake_detector.datasets.face_drawing import draw_face

    file = io.BytesIO()
    Image.fromarray(draw_face(seed=0, size=256)).save(file, "PNG")
    return file.getvalue()


def _wait_until_ready(address: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"smoke: not ready after {START_TIMEOUT_S} seconds")


def _post(url: str, picture: bytes) -> bytes:
    boundary = uuid.uuid4().hex
    body = (
        f"--{boundary}\r\nContent-Disposition: form-data; "
        'name="file"; filename="portrait.png"\r\n\r\n'
    ).encode() + picture
    body += (
        f"\r\n--{boundary}\r\nContent-Disposition: form-data; "
        f'name="whole_picture"\r\n\r\n1\r\n--{boundary}--\r\n'
    ).encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    request = urllib.request.Request(url, data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def _predict(picture: bytes) -> dict[str, object]:
    file = REPOSITORY / "uploads" / "smoke-portrait.png"
    file.write_bytes(picture)
    command = [sys.executable, "-m", "deepfake_detector", "predict", "--whole-picture"]
    try:
        answer = subprocess.run(
            [*command, str(file)], cwd=REPOSITORY, capture_output=True, check=True
        )
    finally:
        file.unlink()
    return json.loads(answer.stdout)


if __name__ == "__main__":
    main()
