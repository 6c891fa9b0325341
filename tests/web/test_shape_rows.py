"""Schemas in words."""

from typing import Any

import pytest

from deepfake_detector.web.shape_rows import ShapeRow, shape_name, shape_rows

FACE = {"$ref": "#/components/schemas/Face"}


def object_of(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "required": [], "properties": fields}


@pytest.mark.parametrize(
    ("schema", "kind", "shape"),
    [
        ({"type": "string"}, "string", None),
        ({"type": "number", "minimum": 0, "maximum": 1}, "number, 0 to 1", None),
        ({"type": ["number", "null"], "minimum": 0}, "number or null, 0 or more", None),
        ({"type": "number", "maximum": 9}, "number, up to 9", None),
        ({"type": "number", "exclusiveMinimum": 0}, "number, above 0", None),
        ({"type": "string", "enum": ["a", ""]}, 'string: "a", ""', None),
        ({"type": "string", "const": "a"}, '"a"', None),
        ({"type": "array", "const": ["a", "b"]}, '["a", "b"]', None),
        (FACE, "Face", "Face"),
        (
            {"type": "array", "items": FACE, "maxItems": 20},
            "list of Face, up to 20 of them",
            "Face",
        ),
        (
            {
                "type": ["array", "null"],
                "items": {"type": "number"},
                "minItems": 2,
                "maxItems": 2,
            },
            "list of number or null, 2 of them",
            None,
        ),
        (
            {"type": "object", "additionalProperties": FACE},
            "object of Face by name",
            "Face",
        ),
        ({"type": "string", "format": "binary"}, "file", None),
        (
            {"oneOf": [{"type": "integer", "minimum": 1}, {"const": "all"}]},
            'integer, 1 or more or "all"',
            None,
        ),
    ],
)
def test_type_in_words(schema: dict[str, Any], kind: str, shape: str | None) -> None:
    schema = schema | {"description": "It."} if "$ref" not in schema else schema
    (row,) = shape_rows(object_of(field=schema))
    text = schema.get("description", "")
    assert row == ShapeRow("field", kind, shape, False, text)


def test_object_without_a_name_is_listed_within() -> None:
    inner = object_of(b={"type": "string"}) | {"required": ["b"]}
    rows = shape_rows(object_of(a=inner))
    assert [(row.name, row.required) for row in rows] == [("a", False), ("a.b", True)]


def test_shape_without_fields_has_no_rows() -> None:
    assert shape_rows({"type": "string", "enum": ["a"]}) == []


def test_name_of_a_reference() -> None:
    assert shape_name(FACE) == "Face"
