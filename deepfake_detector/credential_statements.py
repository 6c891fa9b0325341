"""What a picture's content credentials state, read by the C2PA project's own library.

The library comes with the extra `c2pa`. It is told to ask nothing of the network: its
default is to fetch manifests from the address that a file gives, so that whoever sends
a picture could make the server call any address.
"""

import io
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from deepfake_detector.readable_text import readable
from deepfake_detector.xmp_entries import source_type_term

_MIME_TYPES: Final = {"JPEG": "image/jpeg", "PNG": "image/png", "WebP": "image/webp"}

#: Settings of c2pa-rs. Each line that says False or [] closes a way to the network.
_SETTINGS: Final = {
    "verify": {
        "remote_manifest_fetch": False,
        "ocsp_fetch": False,
        # No list of trusted issuers comes with the library: who signed is not checked.
        "verify_trust": False,
    },
    "core": {
        # Identity assertions may name documents on the web (did:web).
        "decode_identity_assertions": False,
        "allowed_network_hosts": [],
        "allow_redirects": False,
        "max_decompressed_manifest_size_in_mb": 16,
    },
}

#: Statements and manifests that are looked through at most.
_MOST_READ: Final = 1_000


class SignatureState(StrEnum):
    """How far the signature of content credentials was checked."""

    NOT_READ = "not_read"
    """The library is not installed: nothing was read."""

    UNREADABLE = "unreadable"
    """The credentials are damaged."""

    INVALID = "invalid"
    """They do not fit the file, or are not signed as they must be."""

    ISSUER_NOT_CHECKED = "valid_issuer_not_checked"
    """They are signed and fit the file; who signed is not known."""


@dataclass(frozen=True)
class CredentialStatements:
    """What content credentials state.

    Parameters
    ----------
    signature : SignatureState
        How far they were checked.
    claim_generator : str or None
        The program that wrote them, as they name it; None where they name none.
    source_types : tuple of str
        IPTC digital source types of the actions that they list, for the picture and
        for those that it was made from.
    """

    signature: SignatureState
    claim_generator: str | None = None
    source_types: tuple[str, ...] = ()

    @classmethod
    def read(cls, data: bytes, encoding: str) -> Self:
        """Read the credentials of a file that carries some.

        Parameters
        ----------
        data : bytes
            The file.
        encoding : {'JPEG', 'PNG', 'WebP'}
            What it is.

        Returns
        -------
        CredentialStatements
            What they state; nothing is raised, however damaged they are.
        """
        try:
            import c2pa
        except (ImportError, OSError, RuntimeError):  # missing, or not for this system
            return cls(SignatureState.NOT_READ)
        try:
            # A context of its own for every file: one that is shared would have to
            # be safe in threads and after a fork.
            with c2pa.Context.from_dict(_SETTINGS) as context:
                report = _report(c2pa, context, data, _MIME_TYPES[encoding])
        except (c2pa.C2paError, ValueError, RuntimeError, OSError):
            return cls(SignatureState.UNREADABLE)
        return cls(_state(report), _claim_generator(report), _source_types(report))


def _report(c2pa: Any, context: Any, data: bytes, mime_type: str) -> dict[str, Any]:
    """The library's report as JSON has it; empty where it finds nothing."""
    reader = c2pa.Reader.try_create(mime_type, io.BytesIO(data), context=context)
    if reader is None:
        return {}
    with reader:
        return _mapping(json.loads(reader.json()))


def _state(report: dict[str, Any]) -> SignatureState:
    match report.get("validation_state"):
        case "Valid" | "Trusted":
            return SignatureState.ISSUER_NOT_CHECKED
        case "Invalid":
            return SignatureState.INVALID
    return SignatureState.UNREADABLE


def _claim_generator(report: dict[str, Any]) -> str | None:
    """Name and version of the program; of old manifests, their one line on it."""
    manifests = _mapping(report.get("manifests"))
    active = _mapping(manifests.get(str(report.get("active_manifest"))))
    for info in map(_mapping, _sequence(active.get("claim_generator_info"))):
        name = readable(f"{info.get('name') or ''} {info.get('version') or ''}")
        if name:
            return name
    return readable(str(active.get("claim_generator") or "")) or None


def _source_types(report: dict[str, Any]) -> tuple[str, ...]:
    """Terms of all actions, each once, in the order of the manifests."""
    terms: dict[str, None] = {}
    manifests = list(_mapping(report.get("manifests")).values())
    for manifest in map(_mapping, manifests[:_MOST_READ]):
        for action in _actions(manifest):
            term = source_type_term(str(action.get("digitalSourceType", "")))
            if term:
                terms[term] = None
    return tuple(terms)[:_MOST_READ]


def _actions(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for assertion in map(_mapping, _sequence(manifest.get("assertions"))):
        if str(assertion.get("label", "")).startswith("c2pa.actions"):
            actions = _mapping(assertion.get("data")).get("actions")
            found += [_mapping(action) for action in _sequence(actions)]
    return found


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: Any) -> list[Any]:
    return value[:_MOST_READ] if isinstance(value, list) else []
