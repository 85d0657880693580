"""Describing a route whose request we read ourselves, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from privata.core.errors import RequestError

ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "request_id"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "request_id": {"type": "string"},
                "fields": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["field", "message"],
                        "properties": {
                            "field": {"type": "string"},
                            "message": {"type": "string"},
                        },
                    },
                },
            },
        }
    },
}


def errors(*kinds: type[RequestError]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: each status with the codes it can carry."""
    by_status: dict[int | str, list[str]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, []).append(kind.code)
    return {
        status: {
            "description": " or ".join(codes),
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
        for status, codes in by_status.items()
    }


def request_of(
    *,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    headers: dict[str, str] | None = None,
    key: bool | None = None,
) -> dict[str, Any]:
    """The `openapi_extra` of a route. `key`: required, optional (False) or without (None)."""
    extra: dict[str, Any] = {"parameters": []}
    if query is not None:
        extra["parameters"] += _parameters(query)
    for name, description in (headers or {}).items():
        extra["parameters"].append(
            {
                "name": name,
                "in": "header",
                "description": description,
                "schema": {"type": "string"},
            }
        )
    if body is not None:
        schema = _whole_schema(body)
        extra["requestBody"] = {
            "required": bool(schema.get("required")),
            "content": {"application/json": {"schema": schema}},
        }
    if key is not None:
        extra["security"] = [{"ApiKey": []}] if key else [{"ApiKey": []}, {}]
    return extra


def _whole_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The model's schema with what it refers to put in place: it stands in no common list."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})

    def whole(value: Any) -> Any:
        if isinstance(value, list):
            return [whole(one) for one in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            name = str(value["$ref"]).rpartition("/")[2]
            return whole(parts[name] | {key: one for key, one in value.items() if key != "$ref"})
        return {key: whole(one) for key, one in value.items()}

    shown: dict[str, Any] = whole(schema)
    return shown


def _parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = _whole_schema(model)
    required = set(schema.get("required", ()))
    found = []
    for name, shape in schema["properties"].items():
        described = dict(shape)
        parameter = {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": described,
        }
        if "description" in described:
            parameter["description"] = described.pop("description")
        found.append(parameter)
    return found
