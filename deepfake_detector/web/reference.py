"""The API's description: served to programs as it is, and laid out for the page."""

import json
from dataclasses import dataclass
from typing import Any, Final, Self, cast

from flask import (
    Blueprint,
    Flask,
    current_app,
    jsonify,
    render_template,
    request,
)
from werkzeug import Response

from deepfake_detector.web import openapi
from deepfake_detector.web.example_answer import example_answer
from deepfake_detector.web.service import Service
from deepfake_detector.web.shape_rows import (
    SCHEMA_PREFIX,
    ShapeRow,
    shape_name,
    shape_rows,
)

Fields = dict[str, Any]

#: How long the description may be kept, seconds.
KEPT_S: Final = 300

#: The address in the snippets; the page shows its own in its place.
SNIPPET_ADDRESS: Final = "http://127.0.0.1:8000"

#: Languages of the snippets, and their files in templates/snippets/.
SNIPPETS: Final = {"curl": "curl", "Python": "python", "JavaScript": "javascript"}

_EXTENSION_KEY: Final = "deepfake_detector.reference"

bp = Blueprint("openapi", __name__)


@bp.get("/openapi.json")
def document() -> Response:
    """Answer the description of the API.

    Returns
    -------
    Response
        JSON; 304 where the client has it already.
    """
    response = jsonify(current_reference().document)
    response.headers["Cache-Control"] = f"public, max-age={KEPT_S}"
    response.add_etag()
    return response.make_conditional(request)


@dataclass(frozen=True)
class Reference:
    """The description, and an answer for an example.

    Parameters
    ----------
    document : dict
        An OpenAPI document.
    example : dict
        What a picture could be answered with.
    """

    document: Fields
    example: Fields

    @classmethod
    def of(cls, service: Service) -> Self:
        """Describe what a service answers.

        Parameters
        ----------
        service : Service
            The detector and its settings.

        Returns
        -------
        Reference
            Its description.
        """
        detector = service.detector
        example = example_answer(detector.cut_offs_for(), detector.card.name)
        return cls(openapi.describe(service.config), example)

    def attach_to(self, app: Flask) -> None:
        """Let :func:`current_reference` find this in requests to the app.

        Parameters
        ----------
        app : Flask
            The application.
        """
        app.extensions[_EXTENSION_KEY] = self

    @property
    def operations(self) -> list[Fields]:
        """What can be asked for, with `method` and `path`, as the document has it."""
        return [
            {"method": method.upper(), "path": path, **operation}
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        ]

    @property
    def shapes(self) -> dict[str, Fields]:
        """The shapes by name."""
        return cast(Fields, self.document["components"]["schemas"])

    @property
    def judging_shapes(self) -> set[str]:
        """Names of the shapes that judging pictures takes and gives."""
        found: set[str] = set()
        self._collect(self.document["paths"]["/api/v1/predict"], found)
        return {
            shape_name({"$ref": pointer})
            for pointer in found
            if pointer.startswith(SCHEMA_PREFIX)
        }

    @property
    def example_text(self) -> str:
        """The example as indented JSON."""
        return json.dumps(self.example, indent=2)

    def answers(self, operation: Fields) -> list[Fields]:
        """Say what an operation answers.

        Parameters
        ----------
        operation : dict
            One of `operations`.

        Returns
        -------
        list of dict
            `status`, `description`, `type` (of the content, or None) and `shapes`,
            the names of the shapes that it may have.
        """
        return [
            _answer(status, self._resolved(response))
            for status, response in operation["responses"].items()
        ]

    def rows(self, shape: str) -> list[ShapeRow]:
        """List the fields of a shape.

        Parameters
        ----------
        shape : str
            One of `shapes`.

        Returns
        -------
        list of ShapeRow
            Its rows, in their order.
        """
        return shape_rows(self.shapes[shape])

    def _collect(self, part: Any, found: set[str]) -> None:
        """Add every reference in a part of the document, and what these refer to."""
        if isinstance(part, list):
            part = dict(enumerate(part))
        if not isinstance(part, dict):
            return
        pointer = part.get("$ref")
        if pointer is not None and pointer not in found:
            found.add(pointer)
            self._collect(self._resolved(part), found)
        for inner in part.values():
            self._collect(inner, found)

    def _resolved(self, part: Fields) -> Fields:
        if "$ref" not in part:
            return part
        found: Any = self.document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return cast(Fields, found)


def current_reference() -> Reference:
    """Return the reference of the application that answers the current request.

    Returns
    -------
    Reference
        The one that :meth:`Reference.attach_to` attached.
    """
    return cast(Reference, current_app.extensions[_EXTENSION_KEY])


def snippets(address: str) -> dict[str, str]:
    """Return the example requests.

    Parameters
    ----------
    address : str
        Where the server answers, without a slash at the end.

    Returns
    -------
    dict of str to str
        Code by language.
    """
    return {
        language: render_template(f"snippets/{name}.txt").replace(
            SNIPPET_ADDRESS, address
        )
        for language, name in SNIPPETS.items()
    }


def _answer(status: str, response: Fields) -> Fields:
    contents: Fields = response.get("content", {None: {"schema": {}}})
    ((kind, content),) = contents.items()
    parts = content["schema"].get("oneOf", [content["schema"]])
    return {
        "status": status,
        "description": response["description"],
        "type": kind,
        "shapes": [shape_name(part) for part in parts if "$ref" in part],
    }
