"""The HTTP session of a download: patient, TLS verified, credentials for one host."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase, HTTPBasicAuth
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry

from deepfake_detector.exceptions import DownloadError

#: The only host that Kaggle credentials are sent to, and only over https.
KAGGLE_HOST: Final = "www.kaggle.com"

#: Statuses that pass by themselves: too many requests, and a server in trouble.
PASSING_STATUSES: Final = (429, 500, 502, 503, 504)

#: Longest wait between two tries, seconds, whatever a server's Retry-After asks for.
BACKOFF_MAX_S: Final = 30.0


@dataclass(frozen=True)
class DownloadPolicy:
    """How patient a download is, and whom it trusts with credentials.

    Parameters
    ----------
    connect_timeout_s, read_timeout_s : float
        Longest wait for a connection, and for the next byte, seconds.
    retries : int, default 4
        How often a request is repeated that was not answered, or with a status that
        passes by itself.
    resumes : int, default 8
        How often a body that was cut short is gone on with.
    backoff_s : float, default 0.5
        First wait before trying again, seconds; it doubles up to half a minute.
    credentials_host : str, default 'www.kaggle.com'
        The host that credentials are sent to.
    """

    connect_timeout_s: float = 10.0
    read_timeout_s: float = 30.0
    retries: int = 4
    resumes: int = 8
    backoff_s: float = 0.5
    credentials_host: str = KAGGLE_HOST


DEFAULT_POLICY: Final = DownloadPolicy()


class _OneHostAuth(AuthBase):
    """Sends credentials to one host, over https; also keeps .netrc out of it."""

    def __init__(self, credentials: tuple[str, str] | None, host: str) -> None:
        self.credentials, self.host = credentials, host

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        address = urlsplit(request.url or "")
        meant = (address.scheme, address.hostname) == ("https", self.host)
        if self.credentials and meant:
            name, key = (text.encode() for text in self.credentials)
            HTTPBasicAuth(name, key)(request)
        return request


class _Session(requests.Session):
    """Follows redirects, but not from https to http nor elsewhere with credentials."""

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Called before each redirect is followed."""
        before, after = urlsplit(response.url), urlsplit(prepared_request.url or "")
        if before.scheme == "https" and after.scheme != "https":
            raise DownloadError(
                "the server sends the download on to an address without TLS, which is "
                "refused; check the address, or get the zip elsewhere and pass "
                "--archive FILE"
            )
        if (before.scheme, before.netloc) != (after.scheme, after.netloc):
            prepared_request.headers.pop("Authorization", None)


class _PatientRetry(Retry):
    """Honours Retry-After, but not for hours."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        seconds = super().get_retry_after(response)
        return None if seconds is None else min(seconds, BACKOFF_MAX_S)


def download_session(
    credentials: tuple[str, str] | None, policy: DownloadPolicy
) -> requests.Session:
    """Build a session that tries again where that may help.

    Parameters
    ----------
    credentials : (str, str) or None
        User name and key for `policy.credentials_host`; never sent elsewhere, and not
        even along a redirect.
    policy : DownloadPolicy
        Retries and waits.

    Returns
    -------
    requests.Session
        An open session; a redirect from https to http raises `DownloadError`.
    """
    session = _Session()
    session.auth = _OneHostAuth(credentials, policy.credentials_host)
    retry = _PatientRetry(
        total=policy.retries,
        other=0,  # a certificate that is not trusted will not be a second later
        backoff_factor=policy.backoff_s,
        backoff_max=BACKOFF_MAX_S,
        status_forcelist=PASSING_STATUSES,
        raise_on_status=False,
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session
