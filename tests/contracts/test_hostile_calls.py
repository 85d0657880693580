"""NUL bytes, integers beyond 64 bits and their like, in every place of every call of the APIs.

The places of the partner API and of the ChangeNOW API come from their documents, those of the
automation API from its table of routes and the shapes it reads. Whatever is sent, the answer is
never a 5xx.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from conftest import Cluster
from privata.api.automation import schemas as token_schemas
from privata.api.automation.routes import PREFIX, router
from privata.webhooks.api import schemas as webhook_schemas
from tests.browser.server import Server, running_server
from tests.contracts import hostile
from tests.contracts.personal_tokens import token_of
from tests.contracts.rough_client import RoughClient
from tests.contracts.things import endpoint_of, things_of
from tests.loopback import NO_AUTHORITIES

#: Neither plane slows this test down, and each call comes from an address of its own.
OPEN_ACCESS = {
    "PRIVATA_TRUSTED_PROXIES": "127.0.0.0/8",
    "PRIVATA_RATE_READS_PER_MINUTE": "1000000",
    "PRIVATA_RATE_WRITES_PER_MINUTE": "1000000",
    "PRIVATA_RATE_OFFERS_PER_MINUTE": "1000000",
    "PRIVATA_RATE_KEYLESS_PER_MINUTE": "1000000",
}

#: Thousands of calls, on a machine that may be busy with other tests; seconds.
pytestmark = pytest.mark.timeout(1200)

_SCOPES = ("orders:rw", "webhook:admin", "payouts:read", "payouts:trigger")

#: What a path or a query is tried with.
_VALUES = (*hostile.ENCODED, *hostile.CURSORS, hostile.LONG)

#: A stream stays open: its places are tried with an order that is not there.
_STREAMS = "/order/{order_id}/stream"


@pytest.fixture(scope="module")
def server(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(cluster, tmp_path_factory.mktemp("hostile"), **OPEN_ACCESS) as running:
        yield running


@pytest.fixture(scope="module")
def things(server: Server) -> dict[str, str]:
    found = things_of(server, server.credentials)
    server.execute("UPDATE api_key SET scopes = %s", list(_SCOPES))
    return found | {"endpoint_id": endpoint_of(server, server.credentials)}


@pytest.mark.parametrize("environment", ["test", "live"])
def test_no_call_of_the_partner_api_with_hostile_values_is_a_5xx(
    server: Server, things: dict[str, str], environment: str
) -> None:
    caller = _swept(server, things, environment, "/partner/v1")
    assert caller.calls > (2_000 if hostile.LONG_RUN else 1_000)


@pytest.mark.parametrize("environment", ["test", "live"])
def test_no_call_of_the_changenow_api_with_hostile_values_is_a_5xx(
    server: Server, things: dict[str, str], environment: str
) -> None:
    caller = _swept(server, things, environment, "/v2")
    assert caller.calls > (1_000 if hostile.LONG_RUN else 500)


def _swept(server: Server, things: dict[str, str], environment: str, prefix: str) -> RoughClient:
    """One of the APIs that take keys, called in every place; the client that did it."""
    document = httpx.get(f"{server.base_url}{prefix}/openapi.json", verify=NO_AUTHORITIES).json()
    keys = server.credentials
    key = keys.test_key if environment == "test" else keys.live_key
    caller = RoughClient(server.base_url, [("X-API-Key", key.encode())])
    dealer = hostile.Dealer()
    for template, methods in document["paths"].items():
        for method, operation in methods.items():
            known = {} if _STREAMS in template else things
            _sweep(caller, method.upper(), template, operation, document, known, server, dealer)
    caller.done()
    return caller


def _sweep(
    caller: RoughClient,
    method: str,
    template: str,
    operation: dict[str, Any],
    document: dict[str, Any],
    things: dict[str, str],
    server: Server,
    dealer: hostile.Dealer,
) -> None:
    """One operation: every place, with its share of the values, everything else as it should be."""
    named = re.findall(r"\{(\w+)\}", template)
    good = {name: things.get(name) or str(uuid.uuid4()) for name in named}
    plain = template.format(**good)
    places = [(one["name"], one["in"]) for one in operation.get("parameters", ())]
    known = _NEEDED | {"id": things.get("order_id", "")}
    needed = "&".join(
        f"{one['name']}={known.get(one['name'], 'BTC')}"
        for one in operation.get("parameters", ())
        if one["in"] == "query" and one.get("required")
    )
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    example = None if content is None else _example(content, things, server)
    body = None if example is None else json.dumps(example).encode()
    for name in named:
        for value in dealer.some(_VALUES):
            url = template.replace(f"{{{name}}}", value).format(**good)
            caller.call(method, url, says=name, body=body)
    for name, where in places:
        if where == "query":
            rest = "&".join(one for one in needed.split("&") if not one.startswith(f"{name}="))
            for value in dealer.some(_VALUES):
                url = f"{plain}?{rest}&{name}={value}"
                caller.call(method, url, says=name, body=body)
                caller.call(method, f"{plain}?{rest}&{name}{value}=1", says="a name", body=body)
        if where == "header":
            for raw in dealer.some(hostile.HEADERS, 3):
                caller.call(method, plain, says=name, body=body, headers=[(name, raw)])
    for raw in dealer.some(hostile.HEADERS, 3):
        caller.call(method, plain, says="X-API-Key", body=body, headers=[("X-API-Key", raw)])
    if content is not None and example is not None:
        parts = document["components"]["schemas"]
        fields = list(hostile.fields_of(content["schema"], parts))
        for field, value, made in hostile.bodies(example, fields, dealer):
            caller.call(method, f"{plain}?{needed}", says=f"{field}={value[:40]}", body=made)


#: What a query needs besides the value that is tried.
_NEEDED = {
    "from": "BTC",
    "to": "ETH",
    "amount": "0.1",
    "fromCurrency": "btc",
    "toCurrency": "eth",
    "currency": "eth",
}


def _example(content: dict[str, Any], things: dict[str, str], server: Server) -> dict[str, Any]:
    """A body that would be taken: the document's own, with ids of things that are there."""
    shown: dict[str, Any] = dict(content.get("example") or {})
    if "id" in shown:
        shown["id"] = things["order_id"]
    if "endpoint_id" in shown:
        shown["endpoint_id"] = things["endpoint_id"]
    if "quote_id" in shown:
        query = {"from": "BTC", "to": "ETH", "amount": "0.1"}
        shown["quote_id"] = server.api("GET", "/estimate", params=query)["quote_id"]
    return shown


def test_no_call_of_the_automation_api_with_hostile_values_is_a_5xx(
    server: Server, things: dict[str, str]
) -> None:
    token = token_of(server, server.credentials.owner_email, write=True)
    shapes = (
        *(token_schemas.OrdersQuery, token_schemas.AuditQuery),
        webhook_schemas.DeliveriesQuery,
    )
    names = sorted(
        {field.alias or name for one in shapes for name, field in one.model_fields.items()}
    )
    written: dict[str, tuple[type[BaseModel], dict[str, str]]] = {
        "POST": (webhook_schemas.CreateEndpoint, {"url": "https://a.example/", "alias": "x"}),
        "PATCH": (webhook_schemas.ChangeEndpoint, {"alias": "x"}),
    }
    caller = RoughClient(server.base_url, [("Authorization", f"Bearer {token}".encode())])
    dealer = hostile.Dealer()
    for route in router.routes:
        method, template = route.method, PREFIX + route.path
        good = {"environment": "test", "endpoint_id": things["endpoint_id"]}
        plain = template.format(**good)
        for name in re.findall(r"\{(\w+)\}", template):
            for value in dealer.some(_VALUES):
                url = template.replace(f"{{{name}}}", value).format(**good)
                caller.call(method, url, says=name)
        if method == "GET":
            for name in names:
                for value in dealer.some(_VALUES):
                    caller.call(method, f"{plain}?{name}={value}", says=name)
        for raw in dealer.some(hostile.HEADERS, 3):
            caller.call(method, plain, says="token", headers=[("Authorization", raw)])
        if method in written:
            shape, example = written[method]
            schema = shape.model_json_schema()
            fields = list(hostile.fields_of(schema, schema.get("$defs", {})))
            for field, value, made in hostile.bodies(example, fields, dealer):
                caller.call(method, plain, says=f"{field}={value[:40]}", body=made)
    caller.done()
    assert caller.calls > (1_000 if hostile.LONG_RUN else 500)
