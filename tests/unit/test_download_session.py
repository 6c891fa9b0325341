import pytest
from urllib3.response import HTTPResponse
from urllib3.util import Retry

from deepfake_detector.download_session import DEFAULT_POLICY, download_session


def retry_of(url: str) -> Retry:
    retry: Retry = download_session(None, DEFAULT_POLICY).get_adapter(url).max_retries
    return retry


@pytest.mark.parametrize(
    ("header", "seconds"), [(None, None), ("2", 2), ("86400", 30.0)]
)
def test_retry_after_is_honoured_but_not_for_hours(
    header: str | None, seconds: float | None
) -> None:
    response = HTTPResponse(headers={"Retry-After": header} if header else {})
    assert retry_of("https://host/").get_retry_after(response) == seconds


@pytest.mark.parametrize("url", ["https://host/", "http://host/"])
def test_waits_grow_and_end(url: str) -> None:
    retry = retry_of(url)
    waits = []
    for _ in range(DEFAULT_POLICY.retries):
        retry = retry.increment("GET", "/", response=HTTPResponse(status=503))
        waits.append(retry.get_backoff_time())
    assert waits == sorted(waits)
    assert 0 < max(waits) <= 30.0


def test_tls_is_verified() -> None:
    assert download_session(None, DEFAULT_POLICY).verify is True
