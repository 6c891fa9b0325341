"""Facts of a picture's file that stand beside its score and never mix into it.

What a file says of itself can be written and removed by anyone. None of it changes
P(fake) or a verdict.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from deepfake_detector.content_credentials import carries_credentials
from deepfake_detector.credential_statements import (
    CredentialStatements,
    SignatureState,
)
from deepfake_detector.exif_entries import ExifEntries
from deepfake_detector.generator_entries import (
    GeneratorEntry,
    generator_entries,
    generator_named,
    is_graph,
)
from deepfake_detector.picture_segments import PictureSegments
from deepfake_detector.readable_text import readable
from deepfake_detector.stored_size import stored_size
from deepfake_detector.wording import Words, words
from deepfake_detector.xmp_entries import XmpEntries

#: IPTC digital source types of what a generative model made, wholly and partly.
GENERATED: Final = "trainedAlgorithmicMedia"
PARTLY_GENERATED: Final = "compositeWithTrainedAlgorithmicMedia"


@dataclass(frozen=True)
class ImageMetadata:
    """What a picture's file says of itself; every text is readable and short.

    Parameters
    ----------
    encoding : {'JPEG', 'PNG', 'WebP'} or None
        The format; None for any other file.
    width, height : int or None
        Size in pixels as stored, before any turning; None where it cannot be read.
    file_bytes : int
        Size of the file.
    sha256 : str
        The file's SHA-256, in hexadecimal.
    camera_make, camera_model : str or None
        The camera that EXIF names.
    software : str or None
        The program that EXIF names.
    creator_tool : str or None
        The program that XMP names.
    taken : str or None
        When the picture was taken, by the camera's clock: ``2024-05-31T17:02:59``.
    has_gps : bool
        Whether EXIF holds coordinates; they themselves are read nowhere.
    entries : tuple of GeneratorEntry
        Entries of the kind that generators write.
    digital_source_type : str or None
        The IPTC term that XMP gives, such as `trainedAlgorithmicMedia`.
    links_credentials : bool
        Whether XMP names content credentials on another server; none is asked.
    credentials : CredentialStatements or None
        What the content credentials (C2PA) in the file state; None where it carries
        none.
    """

    encoding: str | None
    width: int | None
    height: int | None
    file_bytes: int
    sha256: str
    camera_make: str | None = None
    camera_model: str | None = None
    software: str | None = None
    creator_tool: str | None = None
    taken: str | None = None
    has_gps: bool = False
    entries: tuple[GeneratorEntry, ...] = ()
    digital_source_type: str | None = None
    links_credentials: bool = False
    credentials: CredentialStatements | None = None

    @property
    def camera(self) -> str | None:
        """Maker and model as people say them, or None: `Canon EOS 5D`."""
        make, model = self.camera_make or "", self.camera_model or ""
        if model.lower().startswith(make.lower()):
            make = ""
        return f"{make} {model}".strip() or None

    @property
    def program(self) -> str | None:
        """The program that made or saved the file, as EXIF, PNG or XMP names it."""
        texts = {entry.key: entry.value for entry in self.entries}
        return self.software or texts.get("Software") or self.creator_tool

    @property
    def generators(self) -> tuple[str, ...]:
        """The generators that entries speak of, each once."""
        named = [generator_named(self.software or "")]
        named += [generator_named(self.creator_tool or "")]
        named += [entry.generator for entry in self.entries]
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def words(self) -> tuple[Words, ...]:
        """All this in sentences for people; none speaks of real or fake for certain."""
        said = [*_of_generators(self), *_of_credentials(self), *_of_camera(self)]
        if not said:
            said.append(
                words(
                    "No camera or software entry: usual for pictures from the web and "
                    "social networks, which remove them; it says nothing about real or "
                    "fake."
                )
            )
        if self.has_gps:
            said.append(
                words(
                    "The file holds the coordinates of a place. They are not shown "
                    "here; whoever gets the file can read them."
                )
            )
        return tuple(said)

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as JSON-ready fields.

        Returns
        -------
        dict
            The fields as they are described above, `generators` and `words`.
        """
        credentials = self.credentials
        return {
            "format": self.encoding,
            "width": self.width,
            "height": self.height,
            "file_bytes": self.file_bytes,
            "sha256": self.sha256,
            "camera_make": self.camera_make,
            "camera_model": self.camera_model,
            "software": self.software,
            "creator_tool": self.creator_tool,
            "taken": self.taken,
            "has_gps": self.has_gps,
            "generators": list(self.generators),
            "entries": [
                {
                    "key": entry.key,
                    "value": entry.value,
                    "generator": entry.generator,
                }
                for entry in self.entries
            ],
            "digital_source_type": self.digital_source_type,
            "content_credentials": {
                "present": credentials is not None,
                "linked": self.links_credentials,
                "signature": credentials and str(credentials.signature),
                "claim_generator": credentials and credentials.claim_generator,
                "source_types": list(credentials.source_types) if credentials else [],
            },
            "words": [str(sentence) for sentence in self.words],
        }


def read_metadata(data: bytes) -> ImageMetadata:
    """Read what a picture's file says of itself.

    Parameters
    ----------
    data : bytes
        The file, of any origin. Nothing is raised, whatever it holds.

    Returns
    -------
    ImageMetadata
        The facts.
    """
    segments = PictureSegments.read(data)
    exif, xmp = ExifEntries.read(segments), XmpEntries.read(segments)
    width, height = stored_size(segments) or (None, None)
    credentials = None
    if segments.encoding is not None and carries_credentials(segments):
        credentials = CredentialStatements.read(data, segments.encoding)
    return ImageMetadata(
        segments.encoding,
        width,
        height,
        len(data),
        hashlib.sha256(data).hexdigest(),
        camera_make=_camera_text(exif.make),
        camera_model=_camera_text(exif.model),
        software=readable(exif.software) or None,
        creator_tool=readable(xmp.creator_tool) or None,
        taken=exif.taken.isoformat() if exif.taken else None,
        has_gps=exif.has_gps,
        entries=generator_entries(segments, exif),
        digital_source_type=xmp.digital_source_type,
        links_credentials=xmp.links_credentials,
        credentials=credentials,
    )


def _camera_text(entry: str) -> str | None:
    """An entry that names a camera; what ComfyUI puts there in its place does not."""
    return None if is_graph(entry) else readable(entry) or None


def _of_generators(facts: ImageMetadata) -> list[Words]:
    said = []
    if facts.generators:
        said.append(
            words(
                "The file says that it was made by a generator ({names}). Such entries "
                "are easily written by hand.",
                names=", ".join(facts.generators),
            )
        )
    term = facts.digital_source_type
    if term in _SOURCE_WORDS:
        said.append(_SOURCE_WORDS[term])
    elif term is not None:
        said.append(
            words(
                "The file's XMP entry names the kind of source: {term}. Such entries "
                "are easily written by hand.",
                term=term,
            )
        )
    return said


def _of_camera(facts: ImageMetadata) -> list[Words]:
    said = []
    if facts.camera:
        said.append(
            words(
                "The file names a camera: {camera}. Such entries are easily written by "
                "hand.",
                camera=facts.camera,
            )
        )
    if facts.program and not generator_named(facts.program):
        said.append(
            words(
                "The file names the program that made or saved it: {program}. Many "
                "programs do; it says nothing about real or fake.",
                program=facts.program,
            )
        )
    return said


def _of_credentials(facts: ImageMetadata) -> list[Words]:
    said = []
    if facts.credentials is not None:
        said.append(_CREDENTIAL_WORDS[facts.credentials.signature])
        if facts.credentials.claim_generator:
            said.append(
                words(
                    "They name the program that wrote them: {program}.",
                    program=facts.credentials.claim_generator,
                )
            )
        if {GENERATED, PARTLY_GENERATED} & set(facts.credentials.source_types):
            said.append(
                words(
                    "They state that a generative model made the picture, parts of it, "
                    "or a picture that it was made from."
                )
            )
    if facts.links_credentials:
        said.append(
            words(
                "The file names content credentials (C2PA) on another server. They "
                "were not fetched."
            )
        )
    return said


_SOURCE_WORDS: Final = {
    GENERATED: words(
        "The file's XMP entry says that a generative model made the picture. Such "
        "entries are easily written by hand."
    ),
    PARTLY_GENERATED: words(
        "The file's XMP entry says that a generative model made parts of the picture. "
        "Such entries are easily written by hand."
    ),
}

_CREDENTIAL_WORDS: Final = {
    SignatureState.NOT_READ: words(
        "The file carries content credentials (C2PA). They were not read here: neither "
        "what they state, nor whether they fit the file."
    ),
    SignatureState.UNREADABLE: words(
        "The file carries content credentials (C2PA) that cannot be read. Damage does "
        "that; it says nothing about real or fake."
    ),
    SignatureState.INVALID: words(
        "The file carries content credentials (C2PA) that do not fit it, or are not "
        "signed as they must be. Saving a picture again can do that; it does not show "
        "that somebody tampered with it."
    ),
    SignatureState.ISSUER_NOT_CHECKED: words(
        "The file carries content credentials (C2PA). They are signed and fit the "
        "file. Who signed them was not checked, and anyone can sign."
    ),
}
