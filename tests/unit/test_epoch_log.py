"""One line an epoch: time, speed, and how it went."""

import logging

import pytest

from deepfake_detector import epoch_log
from deepfake_detector.epoch_log import EpochLog

pytestmark = pytest.mark.tf


def test_line_tells_time_speed_and_the_watched_metric(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = iter([100.0, 104.0, 108.0, 110.0])
    monkeypatch.setattr(epoch_log.time, "perf_counter", lambda: next(clock))
    caplog.set_level(logging.INFO)
    log = EpochLog(pictures=400, epochs=9, metric="val_auc")
    log.on_epoch_begin(2)
    log.on_train_batch_end(0)
    log.on_train_batch_end(1)
    logs = {"loss": 0.5, "val_auc": 0.75}
    log.on_epoch_end(2, logs)
    (line,) = caplog.messages
    assert line == "epoch 3 of 9: 10.0 s, 50 images/s, loss 0.5000, val_auc 0.7500"
    assert log.images_per_second == [50.0]
    assert logs == {"loss": 0.5, "val_auc": 0.75}


def test_epoch_without_steps_or_metrics_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    log = EpochLog(pictures=0, epochs=1)
    log.on_epoch_begin(0)
    log.on_epoch_end(0)
    assert "val_loss nan" in caplog.text
