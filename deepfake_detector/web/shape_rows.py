"""The shapes of the API as tables: a row for each field, its type in words."""

import json
from dataclasses import dataclass
from typing import Any, Final

Fields = dict[str, Any]

#: What a reference to a shape begins with.
SCHEMA_PREFIX: Final = "#/components/schemas/"


@dataclass(frozen=True)
class ShapeRow:
    """One field of a shape, as a row of a table.

    Parameters
    ----------
    name : str
        Its name; of a field in a field `outer.inner`.
    kind : str
        Its type, choices and bounds in words.
    shape : str or None
        The named shape that it holds, itself or in a list, where there is one.
    required : bool
        Whether it is always there.
    description : str
        What it means.
    """

    name: str
    kind: str
    shape: str | None
    required: bool
    description: str


def shape_rows(schema: Fields) -> list[ShapeRow]:
    """List the fields of an object, those of unnamed objects in it included.

    Parameters
    ----------
    schema : dict
        JSON Schema of an object; without fields it has no rows.

    Returns
    -------
    list of ShapeRow
        In their order.
    """
    return _rows(schema, "")


def shape_name(reference: Fields) -> str:
    """Return the name of the shape that a reference points to.

    Parameters
    ----------
    reference : dict
        With the member `$ref`.

    Returns
    -------
    str
        Its name.
    """
    return str(reference["$ref"].removeprefix(SCHEMA_PREFIX))


def _rows(schema: Fields, prefix: str) -> list[ShapeRow]:
    rows = []
    for name, part in schema.get("properties", {}).items():
        rows.append(
            ShapeRow(
                prefix + name,
                _kind(part),
                _inner_shape(part),
                name in schema["required"],
                part.get("description", ""),
            )
        )
        rows += _rows(part.get("items", part), f"{prefix}{name}.")
    return rows


def _inner_shape(schema: Fields) -> str | None:
    """The shape that a field holds: itself, in a list or in a map."""
    while "$ref" not in schema:
        inner = schema.get("items") or schema.get("additionalProperties")
        if not inner:
            return None
        schema = inner
    return shape_name(schema)


def _kind(schema: Fields) -> str:
    """The type in words, such as "number or null, 0 to 1"."""
    if "$ref" in schema:
        return shape_name(schema)
    if "oneOf" in schema:
        return " or ".join(_kind(part) for part in schema["oneOf"])
    if "const" in schema:
        return json.dumps(schema["const"])
    return _type_words(schema) + _choice_words(schema) + _range_words(schema)


def _type_words(schema: Fields) -> str:
    if schema.get("format") == "binary":
        return "file"
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    text = " or ".join(types)
    if "items" in schema:
        return text.replace("array", f"list of {_kind(schema['items'])}")
    if schema.get("additionalProperties"):
        return f"{text} of {_kind(schema['additionalProperties'])} by name"
    return text


def _choice_words(schema: Fields) -> str:
    choices = [json.dumps(choice) for choice in schema.get("enum", ())]
    return f": {', '.join(choices)}" if choices else ""


def _range_words(schema: Fields) -> str:
    if "exclusiveMinimum" in schema:
        return f", above {schema['exclusiveMinimum']}"
    unit = " of them" if "items" in schema else ""
    low = schema.get("minimum", schema.get("minItems"))
    high = schema.get("maximum", schema.get("maxItems"))
    if low is None and high is None:
        return ""
    if high is None:
        return f", {low} or more{unit}"
    if low is None:
        return f", up to {high}{unit}"
    return f", {low}{unit}" if low == high else f", {low} to {high}{unit}"
