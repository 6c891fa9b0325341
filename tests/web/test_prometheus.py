"""The numbers at /metrics: what is counted, under which labels, and who may read."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deepfake_detector.config import ServeConfig
from deepfake_detector.exceptions import ConfigError
from deepfake_detector.face_crops import FaceBox
from deepfake_detector.web.prometheus import current_metrics
from deepfake_detector.web.refusals import REASONS

Start = Callable[..., Any]

FACE = FaceBox(20, 10, 70, 70)

#: Every name there is, and its labels.
NAMES = {
    "deepfake_requests": ("route", "method", "status"),
    "deepfake_request_seconds": ("route",),
    "deepfake_stage_seconds": ("stage",),
    "deepfake_verdicts": ("verdict",),
    "deepfake_refusals": ("reason",),
    "deepfake_in_hand": (),
}


class Numbers:
    """What /metrics says, by name and labels."""

    def __init__(self, server: Any) -> None:
        answer = server.client.get("/metrics")
        assert answer.status_code == 200
        self.text: str = answer.text
        self.families = list(text_string_to_metric_families(answer.text))

    def get(self, name: str, **labels: str) -> float:
        return sum(
            sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def values(self, name: str, label: str) -> set[str]:
        return {
            sample.labels[label]
            for family in self.families
            for sample in family.samples
            if sample.name == name
        }


def test_text_is_prometheus_s(start: Start) -> None:
    answer = start().client.get("/metrics")
    expected = "text/plain; version=0.0.4; charset=utf-8"
    assert answer.content_type == expected
    assert {f.name for f in text_string_to_metric_families(answer.text)} == set(NAMES)


@pytest.mark.parametrize(
    "accepted", ["application/openmetrics-text; version=1.0.0", "a;escaping=x", "\xe4"]
)
def test_format_is_the_same_whatever_is_accepted(start: Start, accepted: str) -> None:
    answer = start().client.get("/metrics", headers={"Accept": accepted})
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")


def test_known_labels_are_there_before_anything_happened(start: Start) -> None:
    numbers = Numbers(start())
    stages = {"decode", "faces", "model"}
    assert numbers.values("deepfake_stage_seconds_count", "stage") == stages
    assert numbers.values("deepfake_refusals_total", "reason") == set(REASONS)
    assert "likely_fake" in numbers.values("deepfake_verdicts_total", "verdict")
    assert numbers.get("deepfake_verdicts_total") == 0
    assert "_created" not in numbers.text


@pytest.mark.parametrize("path", ["/", "/api/v1/predict"])
def test_pictures_are_counted_by_verdict_and_stage(
    start: Start, drawing_png: bytes, path: str
) -> None:
    server = start([5.0], [FACE])
    for _ in range(2):
        server.send(("file", "a.png", drawing_png), path=path)
    numbers = Numbers(server)
    assert numbers.get("deepfake_verdicts_total", verdict="likely_fake") == 2
    assert numbers.get("deepfake_verdicts_total") == 2
    for stage in ("decode", "faces", "model"):
        assert numbers.get("deepfake_stage_seconds_count", stage=stage) == 2
        assert 0 < numbers.get("deepfake_stage_seconds_sum", stage=stage) < 10
    served = {"route": path, "method": "POST", "status": "200"}
    assert numbers.get("deepfake_requests_total", **served) == 2
    assert numbers.get("deepfake_request_seconds_count", route=path) == 2
    assert numbers.get("deepfake_refusals_total") == 0


def test_pictures_of_one_request_count_each(start: Start, drawing_png: bytes) -> None:
    server = start([5.0], [FACE])
    good, bad = ("file", "a.png", drawing_png), ("file", "b.png", b"GIF89a")
    server.send(good, bad, good, bad, bad, path="/api/v1/predict")
    numbers = Numbers(server)
    assert numbers.get("deepfake_verdicts_total") == 2
    assert numbers.get("deepfake_refusals_total", reason="unsupported") == 3
    assert numbers.get("deepfake_refusals_total") == 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no picture", "unsupported"),
        (b"", "corrupt"),
        (bytes(5001), "too_large"),
        (bytes(200_000), "too_large"),
        (None, "form"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/v1/predict"])
def test_refusals_are_counted_by_reason(
    start: Start, path: str, content: bytes | None, reason: str
) -> None:
    server = start(max_upload_bytes=5000, max_request_bytes=5000)
    server.send(*([] if content is None else [("file", "a", content)]), path=path)
    numbers = Numbers(server)
    assert numbers.get("deepfake_refusals_total", reason=reason) == 1
    assert numbers.get("deepfake_refusals_total") == 1


def test_fault_is_counted(
    start: Start, drawing_png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start()
    monkeypatch.setattr(server.detector, "analyse", lambda *_, **__: 1 / 0)
    server.send(("file", "a.png", drawing_png))
    numbers = Numbers(server)
    assert numbers.get("deepfake_refusals_total", reason="fault") == 1
    assert numbers.get("deepfake_requests_total", status="500") == 1


def test_visitors_cannot_make_the_numbers_grow(start: Start) -> None:
    server = start()
    server.client.get("/none"), server.client.open("/", method="NONE")
    server.client.get("/static/none"), server.client.get("/metrics")
    lines = len(Numbers(server).text.splitlines())
    for index in range(50):
        server.client.get(f"/none-{index}")
        server.client.get(f"/static/none-{index}")
        server.client.open("/", method=f"NONE{index}")
    numbers = Numbers(server)
    assert len(numbers.text.splitlines()) == lines
    assert numbers.get("deepfake_requests_total", route="unknown", method="GET") == 51
    assert numbers.get("deepfake_requests_total", method="OTHER", status="405") == 51


def test_probes_are_counted_but_not_timed(start: Start) -> None:
    server = start()
    for path in ("/livez", "/readyz", "/metrics"):
        server.client.get(path)
    numbers = Numbers(server)
    assert numbers.values("deepfake_requests_total", "route") == {
        "/livez",
        "/readyz",
        "/metrics",
    }
    assert "deepfake_request_seconds_count{" not in numbers.text


def test_in_hand_goes_up_and_down(start: Start) -> None:
    server = start()
    with server.client.application.app_context():
        current_metrics().in_hand.inc()
        current_metrics().in_hand.inc()
        current_metrics().in_hand.dec()
    assert Numbers(server).get("deepfake_in_hand") == 1


def test_applications_of_one_process_count_by_themselves(start: Start) -> None:
    first, second = start(), start()
    first.client.get("/")
    assert Numbers(first).get("deepfake_requests_total", route="/") == 1
    assert Numbers(second).get("deepfake_requests_total", route="/") == 0


def test_threads_lose_nothing(start: Start) -> None:
    server = start()
    threads = [
        threading.Thread(target=lambda: [server.client.get("/") for _ in range(20)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Numbers(server).get("deepfake_requests_total", route="/") == 80


@pytest.mark.parametrize(
    ("address", "settings", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("127.9.9.9", {}, 200),
        ("::1", {}, 200),
        ("::ffff:127.0.0.1", {}, 200),
        ("192.0.2.7", {}, 404),
        ("::ffff:192.0.2.7", {}, 404),
        ("2001:db8::1", {}, 404),
        ("", {}, 404),
        ("none", {}, 404),
        ("127.0.0.1", {"metrics_addresses": ()}, 404),
        ("127.0.0.1", {"metrics_addresses": ("10.0.0.0/8",)}, 404),
        ("10.255.0.1", {"metrics_addresses": ("192.0.2.1", "10.0.0.0/8")}, 200),
        ("192.0.2.1", {"metrics_addresses": ("192.0.2.1", "10.0.0.0/8")}, 200),
        ("192.0.2.2", {"metrics_addresses": ("192.0.2.1", "10.0.0.0/8")}, 404),
        ("::ffff:10.0.0.1", {"metrics_addresses": ("10.0.0.0/8",)}, 200),
        ("::ffff:10.0.0.1", {"metrics_addresses": ("::ffff:10.0.0.0/104",)}, 200),
        ("fe80::1%eth0", {"metrics_addresses": ("fe80::/10",)}, 200),
    ],
)
def test_numbers_are_for_listed_addresses(
    start: Start, address: str, settings: dict[str, Any], status: int
) -> None:
    client = start(**settings).client
    answer = client.get("/metrics", environ_overrides={"REMOTE_ADDR": address})
    assert answer.status_code == status
    assert ("deepfake_" in answer.text) is (status == 200)


def test_refused_reader_sees_the_page_of_an_unknown_address(start: Start) -> None:
    client = start(metrics_addresses=()).client
    same = {"X-Request-ID": "same"}
    refused, unknown = (client.get(p, headers=same) for p in ("/metrics", "/none"))
    assert refused.text == unknown.text


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Via", "x-forwarded-for"]
)
def test_proxy_that_nobody_trusts_opens_nothing(start: Start, header: str) -> None:
    answer = start().client.get("/metrics", headers={header: "127.0.0.1"})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "entry", ["none", "", "127.0.0.1/33", "10.0.0.1/8", "1.2.3", "::1::", "a\nb", "*"]
)
def test_entry_that_is_no_address_is_named(entry: str) -> None:
    with pytest.raises(ConfigError, match="DEEPFAKE_METRICS_ADDRESSES") as caught:
        ServeConfig(metrics_addresses=("127.0.0.1", entry))
    assert repr(entry) in str(caught.value)
    assert "\n" not in str(caught.value)
