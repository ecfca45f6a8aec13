"""The OpenAPI document as a page can show it: operations with their parameters, bodies and answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldDoc:
    """One parameter or field of a body."""

    name: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class OperationDoc:
    """One operation. example: a shell command that calls it."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[FieldDoc]
    body: list[FieldDoc]
    answers: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ApiDoc:
    """The whole API: operations and the shapes they use."""

    title: str
    description: str
    operations: list[OperationDoc]
    shapes: list[tuple[str, list[FieldDoc]]]


def describe(schema: Mapping[str, Any]) -> ApiDoc:
    """What a person wants to know of an OpenAPI 3.1 document."""
    shapes: Mapping[str, Any] = schema.get("components", {}).get("schemas", {})
    operations = [
        _operation(path, method, operation, shapes)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    info = schema["info"]
    return ApiDoc(
        info["title"],
        info["description"],
        operations,
        [(name, _fields(shape)) for name, shape in sorted(shapes.items())],
    )


def _operation(path: str, method: str, operation: Mapping[str, Any], shapes: Mapping[str, Any]) -> OperationDoc:
    parameters = [
        FieldDoc(
            p["name"],
            _type(p["schema"]),
            p.get("required", False),
            p["schema"].get("description", p.get("description", "")),
        )
        for p in operation.get("parameters", [])
    ]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    body = _fields(shapes.get(_type(content), {}))
    answers = [(str(code), _answer(answer)) for code, answer in operation["responses"].items()]
    return OperationDoc(
        operation["operationId"],
        method.upper(),
        path,
        operation.get("summary", ""),
        operation.get("description", ""),
        parameters,
        body,
        answers,
    )


def _answer(answer: Mapping[str, Any]) -> str:
    for content in answer.get("content", {}).values():
        return _type(content.get("schema", {}))
    return str(answer.get("description", ""))


def _fields(shape: Mapping[str, Any]) -> list[FieldDoc]:
    required = set(shape.get("required", []))
    return [
        FieldDoc(name, _type(field), name in required, field.get("description", ""))
        for name, field in shape.get("properties", {}).items()
    ]


def _type(field: Mapping[str, Any]) -> str:
    """A short word for a JSON schema: its reference, its type, or the choice between several."""
    if "$ref" in field:
        return str(field["$ref"]).rsplit("/", 1)[-1]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in field:
            words = [_type(option) for option in field[key]]
            return " or ".join(dict.fromkeys(word for word in words if word != "null")) or "null"
    if "enum" in field:
        return " | ".join(map(str, field["enum"]))
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    kind = str(field.get("type", "any"))
    return f"{kind} ({field['format']})" if "format" in field else kind
