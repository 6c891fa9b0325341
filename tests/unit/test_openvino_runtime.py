"""A network compiled by OpenVINO, or one line that says why not."""

import os
import sys
import threading

import numpy as np
import pytest

from deepfake_detector.config import ServeConfig
from deepfake_detector.exceptions import ArtifactError, MissingPackageError
from deepfake_detector.openvino_runtime import compiled

MODEL = (ServeConfig().model_dir / "model.tflite").read_bytes()


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_requests_of_one_network_answer_alike(precision: str) -> None:
    network = compiled(MODEL, precision)
    pixels = np.full((2, 128, 128, 3), 90, np.float32)
    one, other = (
        list(network.create_infer_request().infer(pixels).values()) for _ in range(2)
    )
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_processes_do_not_crowd_on_one_processor() -> None:
    """It held each of them on the first while it computed, and the others idled."""
    allowed = os.sched_getaffinity(0)
    network, seen = compiled(MODEL), []
    pixels = np.zeros((8, 128, 128, 3), np.float32)
    done, looked = threading.Event(), threading.Event()

    def infer() -> None:
        request = network.create_infer_request()
        for _ in range(10):
            request.infer(pixels)
        done.set()
        looked.wait()  # a thread that has ended has no processors

    asking = threading.Thread(target=infer)
    asking.start()
    while not done.wait(0.001):
        if asking.native_id is not None:
            seen.append(os.sched_getaffinity(asking.native_id))
    looked.set()
    asking.join()
    assert seen
    assert all(processors == allowed for processors in seen)


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", bytes(10_000), b"\x1c\0\0\0TFL3" + bytes(200)],
    ids=["empty", "words", "zeros", "only a header"],
)
def test_what_is_no_network_is_refused_in_a_line(content: bytes) -> None:
    with pytest.raises(ArtifactError, match="not a network that OpenVINO can run"):
        compiled(content)


def test_missing_package_names_the_install_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingPackageError, match="pip install openvino$"):
        compiled(MODEL)


def test_what_reports_to_its_makers_is_left_out() -> None:
    compiled(MODEL)
    assert sys.modules["openvino_telemetry"] is None
    assert sys.modules["openvino.tools.ovc"] is None
