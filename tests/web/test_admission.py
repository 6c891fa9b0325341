"""So many requests are taken on; more are told at once to come back."""

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from deepfake_detector.exceptions import BusyError
from deepfake_detector.web.admission import LARGE_REQUESTS, Admission
from deepfake_detector.web.deadlines import Deadline

Start = Callable[..., Any]

PREDICT = "/api/v1/predict"
LONG_S = 60.0


class Gate:
    """A detector's method that waits until the test lets it go on."""

    def __init__(self, wrapped: Callable[..., Any]) -> None:
        self._wrapped = wrapped
        self._open = threading.Event()
        self.entered = threading.Semaphore(0)
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()

    def __call__(self, *args: Any, **options: Any) -> Any:
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.entered.release()
        assert self._open.wait(LONG_S)
        with self._lock:
            self.at_once -= 1
        return self._wrapped(*args, **options)

    def let_go(self) -> None:
        self._open.set()

    def wait_for_entry(self) -> None:
        assert self.entered.acquire(timeout=LONG_S)


@pytest.fixture
def busy(start: Start, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Make a server whose judging waits at a gate."""

    def make(**settings: Any) -> tuple[Any, Gate]:
        server = start(**settings)
        gate = Gate(server.detector.analyse)
        monkeypatch.setattr(server.detector, "analyse", gate)
        return server, gate

    return make


def gauge(server: Any) -> float:
    """What /metrics says is in hand."""
    lines = server.client.get("/metrics").text.splitlines()
    (value,) = [
        line.split()[1] for line in lines if line.startswith("deepfake_in_hand ")
    ]
    return float(value)


def places_free(server: Any) -> int:
    """How many requests could be taken on now; each is taken and given back."""
    admission = server.client.application.extensions["deepfake_detector.admission"]
    taken = 0
    try:
        while True:
            admission.take_place(0)
            taken += 1
    except BusyError:
        for _ in range(taken):
            admission.leave_place(0)
    return taken


@pytest.mark.parametrize("path", ["/", PREDICT])
def test_more_than_fit_are_refused_at_once(
    busy: Callable[..., Any], drawing_png: bytes, path: str
) -> None:
    server, gate = busy(judging_at_once=1, waiting_at_most=1)
    part = ("file", "a.png", drawing_png)
    with ThreadPoolExecutor(2) as pool:
        taken = [pool.submit(server.send, part, path=path) for _ in range(2)]
        try:
            gate.wait_for_entry()
            while gauge(server) < 2:
                pass
            refused = server.send(part, path=path)
            pages = [
                server.client.get(p).status_code for p in ("/", "/livez", "/readyz")
            ]
        finally:
            gate.let_go()
        answers = [each.result() for each in taken]
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "5"
    assert "The service is busy" in refused.text
    assert "Try again in 5 seconds" in refused.text
    assert pages == [200, 200, 200]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert gate.most_at_once == 1
    assert (places_free(server), gauge(server)) == (2, 0)
    assert server.left_over() == []


def test_so_many_judge_at_the_same_time(
    busy: Callable[..., Any], drawing_png: bytes
) -> None:
    server, gate = busy(judging_at_once=3, waiting_at_most=4)
    part = ("file", "a.png", drawing_png)
    with ThreadPoolExecutor(7) as pool:
        sent = [pool.submit(server.send, part) for _ in range(7)]
        try:
            for _ in range(3):
                gate.wait_for_entry()
        finally:
            gate.let_go()
        assert {each.result().status_code for each in sent} == {200}
    assert gate.most_at_once == 3
    assert places_free(server) == 7


def test_refused_request_is_not_read(
    busy: Callable[..., Any], drawing_png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, gate = busy(judging_at_once=1, waiting_at_most=0)
    part = ("file", "a.png", drawing_png)
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(server.send, part)
        gate.wait_for_entry()
        with monkeypatch.context() as patch:
            patch.setattr(
                "deepfake_detector.web.uploads.pictures", lambda *_, **__: 1 / 0
            )
            assert server.send(part, path=PREDICT).status_code == 503
        gate.let_go()
        assert taken.result().status_code == 200


def test_wait_for_a_turn_ends_with_the_time(
    busy: Callable[..., Any], drawing_png: bytes
) -> None:
    server, gate = busy(judging_at_once=1, waiting_at_most=1, request_seconds=1.0)
    part = ("file", "a.png", drawing_png)
    with ThreadPoolExecutor(1) as pool:
        judged = pool.submit(server.send, part)
        gate.wait_for_entry()
        waited = server.send(part, path=PREDICT)
        gate.let_go()
        assert judged.result().status_code == 200
    assert waited.status_code == waited.json["status"] == 503
    assert int(waited.headers["Retry-After"]) >= 1
    assert places_free(server) == 2


def fail(*_: Any, **__: Any) -> None:
    raise RuntimeError


FORM = "multipart/form-data; boundary=x"

HOSTILE: dict[str, tuple[dict[str, Any], int]] = {
    "no form": ({}, 400),
    "json": ({"json": {"file": "a"}}, 400),
    "cut short": ({"data": b"--x\r\nConten", "content_type": FORM}, 400),
    "no boundary": ({"data": b"x", "content_type": "multipart/form-data"}, 400),
    "shorter than it says": (
        {"content_type": FORM, "environ_overrides": {"CONTENT_LENGTH": "5000"}},
        400,
    ),
    "too large": (
        {"content_type": FORM, "environ_overrides": {"CONTENT_LENGTH": "9" * 18}},
        413,
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("path", ["/", PREDICT])
def test_place_is_given_back_after_bad_requests(
    start: Start, path: str, name: str
) -> None:
    sent, status = HOSTILE[name]
    server = start(judging_at_once=1, waiting_at_most=2)
    for _ in range(5):
        assert server.client.post(path, **sent).status_code == status
    assert (places_free(server), gauge(server)) == (3, 0)


def test_place_and_turn_are_given_back_after_faults(
    start: Start, drawing_png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(judging_at_once=1, waiting_at_most=0)
    part = ("file", "a.png", drawing_png)
    with monkeypatch.context() as patch:
        patch.setattr(server.detector, "analyse", fail)
        assert [server.send(part).status_code for _ in range(3)] == [500] * 3
    assert server.send(part).status_code == 200
    assert (places_free(server), gauge(server)) == (1, 0)


def test_what_judges_nothing_takes_no_place(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start()
    monkeypatch.setattr(Admission, "take_place", fail)
    for path in ("/", "/livez", "/readyz", "/metrics", PREDICT, "/nope"):
        assert server.client.get(path).status_code < 500
    assert server.client.options(PREDICT).status_code == 200
    assert server.client.post("/nope").status_code == 404


def test_turns_are_never_more_than_there_are() -> None:
    admission = Admission(judging_at_once=2, waiting_at_most=0, bytes_at_most=0)
    inside, most, lock = 0, 0, threading.Lock()
    names = set()

    def work() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            names.add(threading.current_thread().name)
        threading.Event().wait(0.001)
        with lock:
            inside -= 1

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: admission.judge(work, Deadline(LONG_S)), range(200)))
    assert most <= 2
    # Every thread that judges keeps a model.
    assert len(names) <= 3


def test_turn_that_does_not_come_in_time_is_refused() -> None:
    admission = Admission(judging_at_once=1, waiting_at_most=0, bytes_at_most=0)
    entered, go = threading.Event(), threading.Event()

    def work() -> bool:
        entered.set()
        return go.wait(LONG_S)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(admission.judge, work, Deadline(LONG_S))
        assert entered.wait(LONG_S)
        with pytest.raises(BusyError):
            admission.judge(fail, Deadline(0.0))
        # What needs no turn does not wait for one.
        assert admission.on_a_judging_thread(lambda: "probed") == "probed"
        go.set()
        assert first.result()
    assert admission.judge(lambda: "judged", Deadline(0.0)) == "judged"


def test_process_that_is_ending_says_that_it_is_busy() -> None:
    admission = Admission(1, 0, 10)
    admission._threads.shutdown()
    for _ in range(2):
        with pytest.raises(BusyError):
            admission.judge(lambda: pytest.fail("was judged"), Deadline(0))


def test_turn_is_given_back_after_a_fault() -> None:
    admission = Admission(judging_at_once=1, waiting_at_most=0, bytes_at_most=0)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            admission.judge(fail, Deadline(LONG_S))
    assert admission.judge(lambda: 1, Deadline(0.0)) == 1


def test_bodies_in_hand_weigh_no_more_than_they_may() -> None:
    admission = Admission(judging_at_once=1, waiting_at_most=9, bytes_at_most=100)
    admission.take_place(60)
    admission.take_place(40)
    with pytest.raises(BusyError):
        admission.take_place(1)
    admission.take_place(0)
    admission.leave_place(40)
    admission.take_place(40)


@pytest.mark.parametrize("announced", [True, False])
def test_large_bodies_take_all_the_room(
    busy: Callable[..., Any], drawing_png: bytes, announced: bool
) -> None:
    most = 1_000_000
    server, gate = busy(max_request_bytes=most, max_upload_bytes=most)
    large = ("file", "a.png", drawing_png + bytes(most - len(drawing_png)))
    with ThreadPoolExecutor(LARGE_REQUESTS) as pool:
        taken = [pool.submit(server.send, large) for _ in range(LARGE_REQUESTS)]
        try:
            while gauge(server) < LARGE_REQUESTS:
                pass
            refused = server.client.post(
                PREDICT,
                content_type=FORM,
                input_stream=io.BytesIO(bytes(most)),
                environ_overrides=(
                    {"CONTENT_LENGTH": str(2 * most)}
                    if announced
                    else {"wsgi.input_terminated": True}
                ),
            )
        finally:
            gate.let_go()
        assert [each.result().status_code for each in taken] == [200] * LARGE_REQUESTS
    assert refused.status_code == 503
    assert gauge(server) == 0
