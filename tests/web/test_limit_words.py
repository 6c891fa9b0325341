"""Limits are said in words; each unit has its own."""

import pytest
from limits import parse

from deepfake_detector.web.limit_words import limit_in_words, limits_in_words


@pytest.mark.parametrize("unit", ["second", "minute", "hour", "day", "month", "year"])
def test_each_unit_has_words(unit: str) -> None:
    assert limit_in_words(parse(f"3/{unit}")) == f"3 per {unit}"
    assert limit_in_words(parse(f"3 per 2 {unit}s")) == f"3 per 2 {unit}s"


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ("60/minute", "60 per minute"),
        ("60 per 1 minute", "60 per minute"),
        ("10/second;500/day", "10 per second and 500 per day"),
        ("1/second, 2/hour | 3/day", "1 per second and 2 per hour and 3 per day"),
    ],
)
def test_several_limits_are_joined(limits: str, text: str) -> None:
    assert limits_in_words(limits) == text


@pytest.mark.parametrize("limits", ["", "many", "3 per fortnight", "{amount}/day"])
def test_what_is_no_limit_is_refused(limits: str) -> None:
    with pytest.raises(ValueError, match="rate limit|granularity"):
        limits_in_words(limits)
