"""The API as a Postman collection (format 2.1), made from the OpenAPI document. Pure."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlsplit

from privata.docs.calls import KEY_HEADER, Call, call_of, shown_value
from privata.docs.reference import operations

Json = dict[str, Any]

SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

#: Not random, so that an import replaces the collection of the time before.
_ID: Final = "5b1c7c1e-6a3d-4b52-9f0e-2d8a41c6e7f3"


def postman_collection(made: Json) -> Json:
    """A folder for each group, a request for each operation; `base_url` and `key` are variables."""
    folders = [
        {
            "name": tag["name"],
            "description": tag["description"],
            "item": [
                _request(call_of(made, path, method, operation), operation)
                for path, method, operation in operations(made)
                if operation["tags"][0] == tag["name"]
            ],
        }
        for tag in made["tags"]
    ]
    return {
        "info": {
            "_postman_id": _ID,
            "name": f"{made['info']['title']} {made['info']['version']}",
            "description": made["info"]["description"],
            "schema": SCHEMA,
        },
        "auth": {
            "type": "apikey",
            "apikey": [
                {"key": "key", "value": KEY_HEADER, "type": "string"},
                {"key": "value", "value": "{{key}}", "type": "string"},
                {"key": "in", "value": "header", "type": "string"},
            ],
        },
        "variable": [
            {"key": "base_url", "value": made["servers"][0]["url"], "type": "string"},
            {"key": "key", "value": "", "type": "string"},
        ],
        "item": folders,
    }


def _request(call: Call, operation: Json) -> Json:
    headers = [{"key": name, "value": value} for name, value in call.headers.items()]
    request: Json = {
        "method": call.method,
        "description": operation["description"],
        "url": _url(call, operation),
        "header": headers,
    }
    if not call.keyed and not operation.get("security"):
        request["auth"] = {"type": "noauth"}
    if call.body is not None:
        headers.append({"key": "Content-Type", "value": "application/json"})
        text = json.dumps(call.body, indent=2, ensure_ascii=False)
        request["body"] = {
            "mode": "raw",
            "raw": text,
            "options": {"raw": {"language": "json"}},
        }
    return {"name": operation["summary"], "id": operation["operationId"], "request": request}


def _url(call: Call, operation: Json) -> Json:
    parts = [
        f":{part[1:-1]}" if part.startswith("{") else part
        for part in call.path.strip("/").split("/")
    ]
    shown = [one for one in operation.get("parameters", []) if one["in"] == "query"]
    query = [
        {
            "key": one["name"],
            "value": shown_value(one),
            "description": one.get("description", ""),
            # Postman sends what is not disabled, so only what the call needs is left on.
            "disabled": one["name"] not in call.query,
        }
        for one in shown
    ]
    raw = "{{base_url}}/" + "/".join(parts)
    if call.query:
        raw += "?" + urlsplit(call.url).query
    return {
        "raw": raw,
        "host": ["{{base_url}}"],
        "path": parts,
        "query": query,
        "variable": [{"key": name, "value": value} for name, value in call.path_values.items()],
    }
