"""Everything that can go wrong, as one tree.

Each class knows the HTTP status that a server answers with, and each message says what
was expected, what came, and what to do. Messages are shown to users: they never hold a
path of the server, a traceback or the user's own bytes.

::

    DeepfakeDetectorError                 500
    ├── UploadError                       400  the form or request is not as it must be
    │   └── UploadTooLargeError           413
    ├── ImageError                        422  the picture cannot be judged
    │   ├── UnsupportedImageError         415  not a JPEG, PNG or WebP
    │   ├── CorruptImageError             422  empty, cut short or damaged
    │   └── ImageTooLargeError            422  more pixels than the limit
    ├── SlowUploadError                   408  the request came in too slowly
    ├── KeyRequiredError                  401  no key, or none that opens the API
    ├── RefusedForNowError                503  the same request may do later
    │   ├── TooManyRequestsError          429  one address has sent too many
    │   ├── BusyError                     503  too many requests are in hand
    │   └── TookTooLongError              503  the time of the request is over
    ├── ConfigError                       500  a setting has a bad value
    │   └── UnknownNameError              500  a name that no table knows
    ├── MissingPackageError               500  an optional package is not installed
    ├── DatasetError                      500  a dataset cannot be used
    │   ├── DownloadError                 500
    │   ├── ArchiveError                  500  not a zip, damaged or hostile
    │   └── DatasetLayoutError            500  folders are not where the spec says
    ├── ArtifactError                     503  a model folder cannot be served
    │   └── UnsafeModelError              503  a .keras file that could run foreign code
    ├── ExplanationError                  500  a method cannot explain this network
    ├── StorageError                      503  an upload cannot be kept for its request
    └── TrainingError                     500  training cannot go on
        └── DivergenceError               500  the loss is no number
"""

from http import HTTPStatus
from typing import ClassVar


class DeepfakeDetectorError(Exception):
    """Base of every error this package raises on purpose."""

    http_status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def words(self) -> str:
        """The message as it was given: Words, where a page may translate it."""
        return self.args[0] if self.args else ""

    @property
    def http_headers(self) -> dict[str, str]:
        """What a server's answer says beside the status."""
        return {}


class UploadError(DeepfakeDetectorError):
    """The request holds no picture, more than one, or an unusable option."""

    http_status = HTTPStatus.BAD_REQUEST


class UploadTooLargeError(UploadError):
    """The uploaded file has more bytes than the limit."""

    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class ImageError(DeepfakeDetectorError):
    """The bytes are not a picture that can be judged."""

    http_status = HTTPStatus.UNPROCESSABLE_ENTITY


class UnsupportedImageError(ImageError):
    """The content is not JPEG, PNG or WebP."""

    http_status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class CorruptImageError(ImageError):
    """The picture is empty, cut short or damaged."""


class ImageTooLargeError(ImageError):
    """The picture's header announces more pixels than the limit."""


class SlowUploadError(DeepfakeDetectorError):
    """The request did not come in whole within its time."""

    http_status = HTTPStatus.REQUEST_TIMEOUT

    @property
    def http_headers(self) -> dict[str, str]:
        """That the connection ends here: what was sent of the request is useless."""
        return {"Connection": "close"}


class KeyRequiredError(DeepfakeDetectorError):
    """The API needs a key, and the request has none that opens it."""

    http_status = HTTPStatus.UNAUTHORIZED

    @property
    def http_headers(self) -> dict[str, str]:
        """How to send one."""
        return {"WWW-Authenticate": 'Bearer realm="deepfake-detector"'}


class RefusedForNowError(DeepfakeDetectorError):
    """Nothing is wrong with the request, but it cannot be answered just now.

    Parameters
    ----------
    message : str
        What to do, and when.
    retry_after_s : int
        When to try again, seconds from now; at least 1.
    """

    http_status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s

    @property
    def http_headers(self) -> dict[str, str]:
        """When to try again."""
        return {"Retry-After": str(self.retry_after_s)}


class TooManyRequestsError(RefusedForNowError):
    """One address has sent more requests than its limit."""

    http_status = HTTPStatus.TOO_MANY_REQUESTS


class BusyError(RefusedForNowError):
    """As many requests as the server takes on are being judged or wait."""


class TookTooLongError(RefusedForNowError):
    """The time of a request was over before all its pictures were judged."""


class ConfigError(DeepfakeDetectorError):
    """A setting has a value it cannot have; the message names the setting."""


class UnknownNameError(ConfigError):
    """A name that its table does not hold; the message lists the choices."""


class MissingPackageError(DeepfakeDetectorError):
    """A package is not installed; the message gives the `pip install` line."""


class DatasetError(DeepfakeDetectorError):
    """A dataset cannot be used as it is."""


class DownloadError(DatasetError):
    """A download failed, or what came is not the file that was asked for."""


class ArchiveError(DatasetError):
    """An archive is not a zip, is damaged, or holds members that are refused."""


class DatasetLayoutError(DatasetError):
    """Split or class folders are missing or empty."""


class ArtifactError(DeepfakeDetectorError):
    """A model folder is missing, incomplete, altered or of the wrong shape."""

    http_status = HTTPStatus.SERVICE_UNAVAILABLE


class UnsafeModelError(ArtifactError):
    """A `.keras` file names code that is neither Keras's layers nor ours."""


class ExplanationError(DeepfakeDetectorError):
    """A method cannot explain this network; the message names methods that can."""


class StorageError(DeepfakeDetectorError):
    """The folder for uploads is missing, full or not writable."""

    http_status = HTTPStatus.SERVICE_UNAVAILABLE


class TrainingError(DeepfakeDetectorError):
    """Training cannot start or go on."""


class DivergenceError(TrainingError):
    """The loss is no number: these settings cannot train this network."""
