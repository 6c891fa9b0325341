"""Names of container images, taken apart: ``host/path:tag@sha256:...``."""

import re
from dataclasses import dataclass
from typing import Final, Self

from supply_chain.exceptions import SupplyChainError

DIGEST_PATTERN: Final = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)

#: After the distribution specification; ports of a host as Docker has them.
_PATTERN: Final = re.compile(
    r"""(?:(?P<host>localhost(?::\d{1,5})?|[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*:\d{1,5}
            |[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+)/)?
    (?P<path>[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*
            (?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)
    (?::(?P<tag>[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}))?
    (?:@(?P<digest>sha256:[0-9a-f]{64}))?""",
    re.ASCII | re.VERBOSE,
)


@dataclass(frozen=True)
class ImageReference:
    """An image's name.

    Parameters
    ----------
    host : str or None
        The registry, where the name says it.
    path : str
        Where the image is in it.
    tag : str or None
        Which of its versions, by name.
    digest : str or None
        Which, by the SHA-256 of its manifest: ``sha256:`` and 64 hex digits.
    """

    host: str | None
    path: str
    tag: str | None
    digest: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take a name apart.

        Parameters
        ----------
        text : str
            As `docker pull` takes it.

        Returns
        -------
        ImageReference
            Its parts.

        Raises
        ------
        SupplyChainError
            If it is no name of an image.
        """
        parts = _PATTERN.fullmatch(text)
        if parts is None:
            raise SupplyChainError(
                f"expected the name of an image such as python:3.12-slim, got "
                f"{text[:60]!r}"
            )
        return cls(**parts.groupdict())

    def pinned(self, digest: str) -> str:
        """Return the name with a digest, which is then all that counts.

        Parameters
        ----------
        digest : str
            The digest.

        Returns
        -------
        str
            The name; the tag stays in it for whoever reads it.
        """
        host = f"{self.host}/" if self.host else ""
        tag = f":{self.tag}" if self.tag else ""
        return f"{host}{self.path}{tag}@{digest}"
