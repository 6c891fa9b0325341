"""A limit of requests, in words that can be translated."""

from functools import reduce

from limits import RateLimitItem, parse_many

from deepfake_detector.wording import Words, plural_words, words


def limits_in_words(limits: str) -> Words:
    """Say how many requests there may be.

    Parameters
    ----------
    limits : str
        At least one limit, as Flask-Limiter reads them: "10/second;500/day".

    Returns
    -------
    Words
        Such as "10 per second and 500 per day".

    Raises
    ------
    ValueError
        If it cannot be read.
    """
    return reduce(
        lambda one, other: words("{one} and {other}", one=one, other=other),
        map(limit_in_words, parse_many(limits)),
    )


def limit_in_words(limit: RateLimitItem) -> Words:
    """Say how many requests there may be in one stretch of time.

    Parameters
    ----------
    limit : RateLimitItem
        The limit.

    Returns
    -------
    Words
        Such as "10 per second" or "500 per 2 days".
    """
    number, amount = limit.multiples, limit.amount
    by_unit = {
        "second": plural_words(
            "{amount} per second",
            "{amount} per {number} seconds",
            number,
            amount=amount,
        ),
        "minute": plural_words(
            "{amount} per minute",
            "{amount} per {number} minutes",
            number,
            amount=amount,
        ),
        "hour": plural_words(
            "{amount} per hour", "{amount} per {number} hours", number, amount=amount
        ),
        "day": plural_words(
            "{amount} per day", "{amount} per {number} days", number, amount=amount
        ),
        "month": plural_words(
            "{amount} per month", "{amount} per {number} months", number, amount=amount
        ),
        "year": plural_words(
            "{amount} per year", "{amount} per {number} years", number, amount=amount
        ),
    }
    return by_unit[limit.GRANULARITY.name]
