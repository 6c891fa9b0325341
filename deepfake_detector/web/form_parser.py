"""Forms read by Werkzeug, but for its silence about those that it cannot read."""

from typing import IO, Any

from werkzeug.formparser import FormDataParser

from deepfake_detector.exceptions import UploadError
from deepfake_detector.wording import words


class FormParser(FormDataParser):
    """A parser that refuses a broken form, where Werkzeug's takes it for an empty one.

    Otherwise whoever sends a picture in half a form, or under a name in an old
    encoding, would read that there was no picture.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"silent": False})

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> Any:
        """Read a form.

        Parameters
        ----------
        stream : file-like
            The request's body.
        mimetype : str
            Its content type.
        content_length : int or None
            Its length in bytes, where the request says it.
        options : dict of str to str, optional
            What follows the content type, such as `boundary`.

        Returns
        -------
        tuple
            The stream, the fields and the files.

        Raises
        ------
        UploadError
            If the form is cut short or otherwise broken.
        """
        try:
            return super().parse(stream, mimetype, content_length, options)
        except ValueError as error:
            raise UploadError(
                words(
                    "The form cannot be read. Send multipart/form-data with its "
                    "boundary, to the end, and the names in it in UTF-8."
                )
            ) from error
