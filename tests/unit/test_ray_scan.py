"""What a scan over Ray asks of Ray; scans over a real one are in tests/end_to_end."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from deepfake_detector import ray_scan
from deepfake_detector.exceptions import DeepfakeDetectorError, MissingPackageError
from deepfake_detector.ray_scan import RayScan


class StandInRay(SimpleNamespace):
    """Takes down how it was started; the first starts fail."""

    def __init__(self, failures: int = 0, cores: int = 2) -> None:
        context = SimpleNamespace(execution_options=SimpleNamespace())
        data = SimpleNamespace(DataContext=SimpleNamespace(get_current=lambda: context))
        super().__init__(data=data, starts=[], ends=0)
        self._failures, self._cores = failures, cores

    def init(self, **options: Any) -> None:
        self.starts.append(options)
        if len(self.starts) <= self._failures:
            raise ConnectionError("raylet did not come up")

    def shutdown(self) -> None:
        self.ends += 1

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": float(self._cores)}


def scan_over(ray: StandInRay, workers: int | None = None) -> RayScan:
    scan = RayScan.__new__(RayScan)
    scan._ray, scan._workers = ray, workers  # type: ignore[assignment]
    return scan


def test_missing_package_names_the_install_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingPackageError, match="pip install"):
        RayScan(None, "model", None)  # type: ignore[arg-type]


def test_cluster_of_this_machine_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    ray = StandInRay()
    with scan_over(ray, workers=3):
        (options,) = ray.starts
    assert options["num_cpus"] == 3
    assert options["include_dashboard"] is False
    assert ray.ends == 1


def test_another_cluster_keeps_its_own_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    ray = StandInRay()
    with scan_over(ray):
        (options,) = ray.starts
    assert "num_cpus" not in options
    assert "address" not in options


@pytest.mark.parametrize("failures", [1, 2])
def test_a_start_that_fails_is_tried_again(failures: int) -> None:
    ray = StandInRay(failures)
    with scan_over(ray):
        assert len(ray.starts) == failures + 1


def test_a_cluster_that_never_starts_is_told_in_a_line() -> None:
    ray = StandInRay(failures=99)
    told = pytest.raises(DeepfakeDetectorError, match="Ray does not start")
    with told as error, scan_over(ray):
        pytest.fail("there is no cluster")
    assert "\n" not in str(error.value)


def test_a_window_holds_so_many_pictures_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_scan, "_WINDOW_PICTURES", 10)
    monkeypatch.setattr(ray_scan, "_PICTURES_A_CORE", 1)
    picture = SimpleNamespace(held_bytes=0)
    chunks = iter([[picture] * 4] * 5)
    scan = scan_over(StandInRay())
    sizes = []
    while window := scan._next_window(chunks):  # type: ignore[arg-type]
        sizes.append(len(window))
    assert sizes == [3, 2]
