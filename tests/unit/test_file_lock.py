import threading
from pathlib import Path

import pytest

from deepfake_detector.file_lock import only_process


def test_lock_file_is_gone_afterwards(tmp_path: Path) -> None:
    lock_file = tmp_path / ".lock"
    with only_process(lock_file):
        assert lock_file.exists()
    assert not lock_file.exists()


def test_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="inside"), only_process(tmp_path / ".lock"):
        raise RuntimeError("inside")
    with only_process(tmp_path / ".lock"):
        assert (tmp_path / ".lock").exists()


def test_forgotten_lock_file_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    with only_process(tmp_path / ".lock"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_who_is_not_to_wait_is_refused_at_once(tmp_path: Path) -> None:
    with (
        only_process(tmp_path / ".lock"),
        pytest.raises(BlockingIOError),
        only_process(tmp_path / ".lock", wait=False),
    ):
        pytest.fail("two hold it")
    with only_process(tmp_path / ".lock", wait=False):
        assert (tmp_path / ".lock").exists()


def test_holders_take_turns(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def hold() -> None:
        for _ in range(20):
            with only_process(tmp_path / ".lock"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=hold, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(most), max(most)) == (80, 1)
    assert list(tmp_path.iterdir()) == []


def test_lock_file_that_a_killed_process_left_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    with only_process(tmp_path / "lock", wait=False):
        assert (tmp_path / "lock").exists()
    assert not (tmp_path / "lock").exists()
