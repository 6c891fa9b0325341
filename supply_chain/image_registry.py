"""A container registry, asked by its HTTP API for the digest behind a tag.

The digest is believed only where the manifest that the registry hands out for it has
that SHA-256. See the OCI Distribution Specification 1.1, "Pulling manifests".
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import urlsplit

import requests

from supply_chain.exceptions import SupplyChainError
from supply_chain.image_reference import DIGEST_PATTERN, ImageReference

#: What a registry must take in at least, and more than any list of images has, bytes.
MAX_MANIFEST_BYTES: Final = 4 * 2**20

_DIGEST_HEADER: Final = "Docker-Content-Digest"
#: Lists for several kinds of processor first, so that a pin fits all of them.
_ACCEPT: Final = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_CHALLENGE_FIELD: Final = re.compile(r'(\w+)="([^"]*)"')
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_CHUNK_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class Manifest:
    """What a tag stands for just now.

    Parameters
    ----------
    digest : str
        SHA-256 of the manifest, ``sha256:`` and 64 hex digits.
    platforms : tuple of str
        Kinds of machine that it has images for; none where it is one image and says
        so elsewhere.
    """

    digest: str
    platforms: tuple[str, ...]


class ImageRegistry:
    """A registry, without an account.

    Parameters
    ----------
    address : str
        Such as ``https://registry.example``; http for this machine alone.
    timeout_s : float, default 20.0
        How long it may be silent, in seconds.

    Raises
    ------
    SupplyChainError
        If the address is of another kind.
    """

    def __init__(self, address: str, timeout_s: float = 20.0) -> None:
        self._address = address.rstrip("/")
        parts = urlsplit(self._address)
        # What comes by http may be anybody's, but for what never leaves this machine.
        is_here = parts.scheme == "http" and parts.hostname in _LOOPBACK
        self._schemes = ("http", "https") if is_here else ("https",)
        self._check_address(self._address)
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.max_redirects = 5
        # Otherwise a password of this user's for that host would be sent along.
        self._session.auth = _no_account

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._session.close()

    def manifest(self, image: ImageReference) -> Manifest:
        """Ask what a tag stands for.

        Parameters
        ----------
        image : ImageReference
            The image; a digest in it does not count.

        Returns
        -------
        Manifest
            Its digest, which its content has.

        Raises
        ------
        SupplyChainError
            If the registry cannot be reached, does not know the image, or says a
            digest that its content does not have.
        """
        # The public registry keeps what has no owner under this name.
        path = (
            image.path if image.host or "/" in image.path else f"library/{image.path}"
        )
        place = f"{self._address}/v2/{path}/manifests"
        try:
            return self._manifest(place, image.tag or "latest")
        except requests.RequestException as error:
            raise SupplyChainError(
                f"the registry could not be asked ({type(error).__name__}); nothing "
                "was changed: try again where it can be reached"
            ) from error

    def _manifest(self, place: str, tag: str) -> Manifest:
        digest = self._ask("HEAD", f"{place}/{tag}").headers.get(_DIGEST_HEADER, "")
        if not DIGEST_PATTERN.fullmatch(digest):
            raise _unusable(f"no SHA-256 in its answer, but {digest[:40]!r}")
        content = self._content(self._ask("GET", f"{place}/{digest}"))
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            raise _unusable("a digest that the content does not have")
        try:
            manifest = json.loads(content)
            is_manifest = manifest["schemaVersion"] == 2
            platforms = tuple(_platforms(manifest))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            is_manifest = False
        if not is_manifest:
            raise _unusable("something else than a manifest")
        return Manifest(digest, platforms)

    def _ask(self, method: str, url: str) -> requests.Response:
        answer = self._send(method, url, {"Accept": _ACCEPT})
        if answer.status_code == requests.codes.unauthorized:
            token = self._token(answer.headers.get("WWW-Authenticate", ""))
            answer = self._send(
                method, url, {"Accept": _ACCEPT, "Authorization": f"Bearer {token}"}
            )
        if answer.status_code == requests.codes.not_found:
            raise _unusable("that it does not know this image")
        if answer.status_code != requests.codes.ok:
            raise _unusable(f"status {answer.status_code}")
        return answer

    def _token(self, challenge: str) -> str:
        """Ask whoever the registry trusts for a token, as anybody may."""
        kind, _, rest = challenge.partition(" ")
        fields = dict(_CHALLENGE_FIELD.findall(rest))
        realm = fields.pop("realm", "")
        if kind.lower() != "bearer" or not realm:
            raise _unusable("that it wants an account")
        self._check_address(realm)
        wanted = {key: fields[key] for key in ("service", "scope") if key in fields}
        answer = self._send("GET", realm, {}, wanted)
        try:
            told = json.loads(self._content(answer))
            token = told.get("token") or told["access_token"]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            token = None
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
            raise _unusable("no token to anybody without an account")
        return token

    def _send(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        params: dict[str, str] | None = None,
    ) -> requests.Response:
        answer = self._session.request(
            method,
            url,
            headers=headers | {"Accept-Encoding": "identity"},
            params=params,
            timeout=self._timeout_s,
            allow_redirects=True,
            stream=True,
        )
        for step in (*answer.history, answer):
            self._check_address(step.url)
        return answer

    def _check_address(self, url: str) -> None:
        parts = urlsplit(url)
        is_here = parts.scheme == "https" or parts.hostname in _LOOPBACK
        if parts.scheme not in self._schemes or not parts.hostname or not is_here:
            raise SupplyChainError(
                "expected the registry, and whatever it refers to, at an address with "
                f"https://, got {parts.scheme[:20] or 'none'}; nothing was changed"
            )

    @staticmethod
    def _content(answer: requests.Response) -> bytes:
        content = b""
        for chunk in answer.iter_content(_CHUNK_BYTES):
            content += chunk
            if len(content) > MAX_MANIFEST_BYTES:
                raise _unusable("more than any manifest has")
        return content


def _platforms(manifest: dict[str, Any]) -> list[str]:
    """Kinds of machine of a list; what has none is a signature or the like."""
    kinds = [entry.get("platform", {}) for entry in manifest.get("manifests", [])]
    return sorted(
        {
            f"{kind['os']}/{kind['architecture']}"
            for kind in kinds
            if kind.get("os", "unknown") != "unknown"
        }
    )


def _no_account(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _unusable(said: str) -> SupplyChainError:
    return SupplyChainError(f"the registry said {said}; nothing was changed")
