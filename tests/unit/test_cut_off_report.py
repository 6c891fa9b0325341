"""Answers at the card's cut-offs, counted, with exact intervals."""

import json

import numpy as np
import pytest
from scipy.stats import beta

from deepfake_detector.cut_off_report import cut_off_report, share_report
from deepfake_detector.cut_offs import CutOffs

CUT_OFFS = CutOffs(0.3, 0.8)


def test_every_kind_of_answer_is_counted() -> None:
    y_true = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
    p_fake = np.array([0.1, 0.3, 0.8, 0.29, 0.2, 0.79, 0.9, 1.0, 0.8])
    report = cut_off_report(y_true, p_fake, CUT_OFFS)
    counted = {
        name: (part["count"], part["of"])
        for name, part in report.items()
        if isinstance(part, dict)
    }
    assert counted == {
        "reals_called_fake": (1, 4),
        "reals_called_real": (2, 4),
        "fakes_called_fake": (3, 5),
        "fakes_called_real": (1, 5),
        "inconclusive": (2, 9),
    }
    assert (report["likely_real"], report["likely_fake"]) == (0.3, 0.8)
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_every_answer_is_one_of_three_where_the_cut_offs_meet() -> None:
    p_fake = np.array([0.4, 0.5, 0.5, 0.6])
    report = cut_off_report(np.array([0, 0, 1, 1]), p_fake, CutOffs(0.5, 0.5))
    assert report["inconclusive"]["count"] == 0
    assert report["reals_called_fake"]["count"] == 1
    assert report["fakes_called_fake"]["count"] == 2


def test_overturned_answers_are_inconclusive() -> None:
    y_true, p_fake = np.array([0, 0, 1, 1]), np.array([0.1, 0.9, 0.9, 0.5])
    overturned = np.array([True, True, False, True])
    report = cut_off_report(y_true, p_fake, CUT_OFFS, overturned)
    assert report["inconclusive"]["count"] == 3
    assert report["reals_called_fake"]["count"] == 0
    assert report["fakes_called_fake"]["count"] == 1


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_no_share_of_the_other(label: int) -> None:
    report = cut_off_report(np.full(3, label), np.array([0.1, 0.5, 0.9]), CUT_OFFS)
    missing = report[("fakes", "reals")[label] + "_called_fake"]
    assert missing == {"count": 0, "of": 0, "share": None, "interval": None}


@pytest.mark.parametrize(("count", "of"), [(0, 1), (0, 450), (3, 450), (9, 9)])
def test_interval_is_clopper_and_pearsons(count: int, of: int) -> None:
    low, high = share_report(count, of)["interval"]
    assert low == pytest.approx(
        beta.ppf(0.025, count, of - count + 1) if count else 0.0
    )
    assert high == pytest.approx(
        beta.ppf(0.975, count + 1, of - count) if count < of else 1.0
    )
    assert low <= share_report(count, of)["share"] <= high
