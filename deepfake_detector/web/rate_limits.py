"""How many requests with pictures one address may send."""

import ipaddress
import logging
import math
import re
import time
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, request
from flask_limiter import Limiter, RateLimitExceeded
from limits import parse_many
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from deepfake_detector.config import ServeConfig
from deepfake_detector.exceptions import ConfigError, TooManyRequestsError
from deepfake_detector.web.judging_endpoints import asks_for_judging
from deepfake_detector.web.limit_words import limit_in_words, limits_in_words
from deepfake_detector.wording import plural_words

#: Network of an IPv6 address that counts as one visitor: what one household is given.
IPV6_PREFIX_BITS: Final = 64

#: How long Redis may take to answer, in seconds; after it, counting goes on in memory.
REDIS_TIMEOUT_S: Final = 1

_IN_MEMORY: Final = "memory://"
_REDIS_PATTERN: Final = re.compile(r"rediss?://[^/?#\s]+(/\d{1,4})?", re.ASCII)

#: The page and the API count together.
_SCOPE: Final = "judging"

_UNKNOWN_ADDRESS: Final = "unknown"

#: From how many seconds on the wall clock counts as set, and not as kept right.
_CLOCK_STEP_S: Final = 2.0


def register(app: Flask, config: ServeConfig) -> None:
    """Count the requests with pictures of each address, and refuse those too many.

    Parameters
    ----------
    app : Flask
        The application.
    config : ServeConfig
        Says how many there may be, and where they are counted.

    Raises
    ------
    ConfigError
        If the limit is none, or the place to count at has no usable address.
    """
    limit, storage = config.rate_limit.strip(), config.rate_limit_storage.strip()
    is_shared = storage != _IN_MEMORY or config.workers == 1
    _check_storage(storage)
    if limit:
        _check_limit(limit)
        _count_requests(app, limit, storage)
    said = limits_in_words(limit) if limit else ""
    app.context_processor(lambda: {"rate_limit": said, "limit_is_shared": is_shared})


def _count_requests(app: Flask, limit: str, storage: str) -> None:
    # Its lines of level INFO hold addresses.
    logging.getLogger("flask-limiter").setLevel(logging.WARNING)
    limiter = Limiter(
        _visitor,
        storage_uri=storage,
        storage_options=_storage_options(storage),
        # Where Redis does not answer, one line in the log and no error.
        in_memory_fallback_enabled=storage != _IN_MEMORY,
    )
    # Otherwise health checks would try a dead Redis, too.
    limiter.request_filter(lambda: not asks_for_judging())
    count = limiter.shared_limit(limit, scope=_SCOPE)(_counted)
    clock = _ClockWatch()

    def refuse_too_many() -> None:
        if asks_for_judging():
            # Counters in memory end by the wall clock: set back an hour, it would
            # leave an address refused for an hour. Redis has a clock of its own.
            if clock.was_set() and storage == _IN_MEMORY:
                limiter.reset()
            try:
                count()
            except RateLimitExceeded as error:
                raise _too_many(limiter, error) from None

    limiter.init_app(app)
    app.before_request(refuse_too_many)


class _ClockWatch:
    """Notices that the wall clock was set, by one that only runs forward."""

    def __init__(self) -> None:
        self._ahead_s = time.time() - time.monotonic()

    def was_set(self) -> bool:
        """Whether it was since the last question; being kept right is no setting."""
        ahead_s = time.time() - time.monotonic()
        moved_s, self._ahead_s = ahead_s - self._ahead_s, ahead_s
        return abs(moved_s) > _CLOCK_STEP_S


def _counted() -> None:
    """What the limit is put on: the request itself."""


def _visitor() -> str:
    """Who counts as one: an IPv4 address, or a network of IPv6 addresses."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return _UNKNOWN_ADDRESS
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    bits = (int(address), IPV6_PREFIX_BITS)
    return str(ipaddress.IPv6Network(bits, strict=False))


def _too_many(limiter: Limiter, error: RateLimitExceeded) -> TooManyRequestsError:
    longest = error.limit.limit.get_expiry()
    seconds = min(longest, max(1, math.ceil(_reset_at(limiter, longest) - time.time())))
    return TooManyRequestsError(
        plural_words(
            "Too many pictures came from your address ({limit} at most). Try again in "
            "{number} second.",
            "Too many pictures came from your address ({limit} at most). Try again in "
            "{number} seconds.",
            seconds,
            limit=limit_in_words(error.limit.limit),
        ),
        seconds,
    )


def _reset_at(limiter: Limiter, longest: int) -> float:
    """When the current request's address may send again, seconds since the epoch."""
    if limiter.current_limit is not None:
        # Where Redis stopped to answer just now, the whole time is long enough.
        with suppress(RedisError):
            return limiter.current_limit.window.reset_time
    return time.time() + longest


def _check_limit(limit: str) -> None:
    try:
        items = parse_many(limit)
    except ValueError:
        items = []
    if not items or not all(item.amount and item.get_expiry() for item in items):
        raise ConfigError(
            "rate_limit (DEEPFAKE_RATE_LIMIT): expected a limit such as '60 per "
            f"minute' or '10/second;500/day', or nothing for none, got {limit!r}"
        )


def _check_storage(storage: str) -> None:
    if storage != _IN_MEMORY and not _is_redis(storage):
        # It may hold a password, so it is not repeated.
        raise ConfigError(
            "rate_limit_storage (DEEPFAKE_RATE_LIMIT_STORAGE): expected memory://, "
            "redis://HOST:PORT or rediss://HOST:PORT (with /NUMBER for a database), "
            "got something else"
        )


def _is_redis(storage: str) -> bool:
    if not _REDIS_PATTERN.fullmatch(storage):
        return False
    try:
        parts = urlsplit(storage)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _storage_options(storage: str) -> dict[str, Any]:
    if storage == _IN_MEMORY:
        return {}
    return {
        "socket_connect_timeout": REDIS_TIMEOUT_S,
        "socket_timeout": REDIS_TIMEOUT_S,
        # A visitor waits for it, so it is asked once.
        "retry": Retry(NoBackoff(), 0),
    }
