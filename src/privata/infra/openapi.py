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
        schema = body.model_json_schema(ref_template="#/components/schemas/{model}")
        schema.pop("$defs", None)
        extra["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    if key is not None:
        extra["security"] = [{"ApiKey": []}] if key else [{"ApiKey": []}, {}]
    return extra


def _parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
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
