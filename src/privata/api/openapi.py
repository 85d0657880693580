"""The OpenAPI 3.1 document of the partner API: the routes, described for those who call them.

FastAPI lists the routes; here each operation gets what all of them share (errors that can come
from any call, headers, examples), bodies move to the common schemas, and webhooks are added. The
document depends on nothing but the code and the address of the installation.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import msgspec
from fastapi.openapi.utils import get_openapi

from privata import __version__
from privata.api.openapi_errors import code_schema, error_examples, error_schema
from privata.api.openapi_headers import HEADERS
from privata.api.openapi_links import add_links
from privata.api.openapi_operations import describe
from privata.api.openapi_requests import REFERENCE
from privata.api.openapi_samples import Samples
from privata.api.openapi_texts import DESCRIPTION, TAGS
from privata.api.openapi_webhooks import event_schemas, webhooks
from privata.api.routes import described_routes

Json = dict[str, Any]

METHODS: Final = ("get", "put", "post", "delete", "patch")

#: FastAPI's own shapes of a wrong request, which our routes never answer.
NOT_OURS: Final = ("HTTPValidationError", "ValidationError")


@cache
def document(base_url: str) -> Json:
    """The whole document; `base_url` is where this installation is reached. Do not change it."""
    made = get_openapi(
        title="Privata Partner API",
        version=__version__,
        openapi_version="3.1.0",
        summary="Swaps for your users: quotes, orders, order status, and webhooks.",
        description=DESCRIPTION.format(base_url=base_url),
        routes=described_routes().routes,
        servers=[{"url": base_url, "description": "this installation"}],
        contact={"name": "The operator of this installation", "url": base_url},
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    schemas = made["components"]["schemas"]
    for name in NOT_OURS:
        schemas.pop(name, None)
    lift_bodies(made, schemas)
    schemas |= {"Error": error_schema(), "ErrorCode": code_schema()} | event_schemas()
    samples = Samples(schemas)
    shared: Json = {}
    for path, _, operation in operations(made):
        describe(path, operation, samples, shared)
    add_links(made)
    made["paths"] = dict(sorted(made["paths"].items(), key=lambda item: _rank(_tag(item[1]))))
    used = dict.fromkeys(_tag(item) for item in made["paths"].values())
    made["tags"] = [{"name": tag, "description": TAGS.get(tag, "")} for tag in used]
    made["webhooks"] = webhooks(samples.of({"$ref": REFERENCE.format(model="Order")}))
    made["components"] |= {
        "headers": HEADERS,
        "responses": dict(sorted(shared.items())),
        "examples": error_examples(),
        "securitySchemes": {
            "ApiKey": {
                "type": "apiKey",
                "in": "header",
                "name": "X-API-Key",
                "description": "`pk_test_…` for the sandbox, `pk_live_…` for real orders.",
            }
        },
    }
    return made


@cache
def encoded_document(base_url: str) -> bytes:
    """The document as it is served."""
    return msgspec.json.encode(document(base_url))


def operations(made: Json) -> Iterator[tuple[str, str, Json]]:
    """Path, method and operation of each operation, in the document's order."""
    for path, item in made["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _rank(tag: str) -> int:
    return list(TAGS).index(tag) if tag in TAGS else len(TAGS)


def _tag(item: Json) -> str:
    """The group that a path belongs to."""
    return next(str(item[method]["tags"][0]) for method in METHODS if method in item)


def lift_bodies(made: Json, schemas: Json) -> None:
    """Move the schemas of bodies, and what they refer to, to the common ones."""
    for path, method, operation in operations(made):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            schema = content["schema"]
            if "title" not in schema:
                continue
            parts = schema.pop("$defs", {}) | {schema["title"]: schema}
            for name, part in parts.items():
                if schemas.setdefault(name, part) != part:
                    raise ValueError(f"two schemas are called {name} ({method} {path})")
            content["schema"] = {"$ref": REFERENCE.format(model=schema["title"])}
