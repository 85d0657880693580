"""One of each thing that an organization can own, for tests that visit every route."""

from __future__ import annotations

import uuid

import httpx

from tests.browser.server import Credentials, Server
from tests.loopback import NO_AUTHORITIES

#: A value for each parameter of a path that names a thing, when it does not exist.
MISSING: dict[str, str] = {
    "UUIDConverter": "00000000-0000-4000-8000-0000000000ff",
    "NumberConverter": "2147483000",
    "StringConverter": "missing",
    "PathConverter": "missing",
    "SlugConverter": "missing",
}

#: What an organization owns, by the parameter that names it. A route with another parameter fails
#: the route matrix until it is put here (or in its `NAMES`).
OWNED = {
    "order_id": "SELECT id::text FROM orders WHERE organization_id = %s",
    "endpoint_id": "SELECT id::text FROM webhook_endpoint WHERE organization_id = %s",
    "delivery_id": "SELECT id::text FROM webhook_every_delivery WHERE organization_id = %s",
    "seq": "SELECT max(seq)::text FROM audit_entry WHERE organization_id = %s",
    "invitation_id": "SELECT id::text FROM invitation WHERE organization_id = %s",
    "member_id": "SELECT id::text FROM membership WHERE organization_id = %s",
    "token_id": "SELECT id::text FROM personal_token WHERE organization_id = %s",
    "key_id": "SELECT id::text FROM api_key WHERE organization_id = %s",
    "stream_id": "SELECT id::text FROM stream WHERE organization_id = %s",
    "export_id": "SELECT id::text FROM order_export WHERE organization_id = %s",
    "view_id": "SELECT id::text FROM order_saved_view WHERE organization_id = %s",
    "payout_id": "SELECT id::text FROM payout WHERE organization_id = %s",
    "address_id": "SELECT id::text FROM payout_address WHERE organization_id = %s",
}


def things_of(server: Server, mine: Credentials) -> dict[str, str]:
    """Give an organization an order, an endpoint, a delivery and so on, in test; their ids."""
    ident, owner = mine.organization_id, mine.owner_email
    headers = {"X-API-Key": mine.test_key}
    with httpx.Client(base_url=f"{server.base_url}/partner/v1", headers=headers) as api:
        query = {"from": "BTC", "to": "ETH", "amount": "0.1"}
        quote = api.get("/estimate", params=query).json()["quote_id"]
        address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
        endpoint = str(uuid.uuid4())
        server.execute(
            "INSERT INTO webhook_endpoint (id, organization_id, environment, url, alias, channel)"
            " VALUES (%s::uuid, %s::uuid, 'test', 'https://other.example/hook', 'x', 'order')",
            endpoint,
            ident,
        )
        made = api.post(
            "/order/create", json={"quote_id": quote, "address": address, "sandbox_ttl": 3600}
        )
        assert made.is_success, made.text
    _put_rows(server, ident, owner)
    found = {}
    for name, statement in OWNED.items():
        rows = server.execute(f"{statement} LIMIT 1", ident)
        assert rows, f"the organization has no {name}"
        found[name] = str(rows[0][0])
    return found


def _put_rows(server: Server, ident: str, owner: str) -> None:
    """Give the organization what is quicker put into the database than asked for."""
    server.execute(
        "INSERT INTO invitation (id, organization_id, email, role, digest, invited_by, expires_at)"
        " VALUES (gen_random_uuid(), %s::uuid, 'x@other.example', 'admin',"
        " uuid_send(gen_random_uuid()), 'x', now() + interval '1 day')",
        ident,
    )
    server.execute(
        "INSERT INTO personal_token (id, organization_id, user_id, name, scopes, prefix, digest,"
        " expires_at) SELECT gen_random_uuid(), %s::uuid, id, 'x', '{dashboard:read}', 'pat_',"
        " uuid_send(gen_random_uuid()), now() + interval '1 day' FROM app_user WHERE email = %s",
        ident,
        owner,
    )
    server.execute(
        "WITH node AS (INSERT INTO stream_node (id, host) VALUES (gen_random_uuid(), 'x')"
        " RETURNING id) INSERT INTO stream (node_id, organization_id, environment, order_id,"
        " key_id, key_prefix, ip, source) SELECT node.id, key.organization_id, 'test', 'x',"
        " key.id, 'x', 'x', 'fresh' FROM node, api_key AS key WHERE key.organization_id = %s::uuid"
        " LIMIT 1",
        ident,
    )
    server.execute(
        "INSERT INTO order_export (id, organization_id, environment, query, columns, as_of,"
        " created_by) VALUES (gen_random_uuid(), %s::uuid, 'test', '', '{order_id}', now(), 'x')",
        ident,
    )
    server.execute(
        "INSERT INTO order_saved_view (user_id, organization_id, environment, name, query)"
        " SELECT id, %s::uuid, 'test', 'x', '' FROM app_user WHERE email = %s",
        ident,
        owner,
    )
    server.execute(
        "WITH place AS (INSERT INTO payout_address (id, organization_id, environment, currency,"
        " address, created_by)"
        " VALUES (gen_random_uuid(), %s::uuid, 'live', 'USDT-ERC20', 'x', 'x') RETURNING *)"
        " INSERT INTO payout (id, organization_id, environment, address_id, currency, address,"
        " amount, needs_approval, requested_by, challenge_nonce, challenge_expires_at)"
        " SELECT gen_random_uuid(), organization_id, environment, id, currency, address, 500,"
        " false, 'x', 'x', now() + interval '10 minutes' FROM place",
        ident,
    )
    # Entries beyond the numbers that our own organization has.
    server.execute(
        "INSERT INTO audit_entry (organization_id, actor_kind, actor_id, actor_label, action,"
        " target) SELECT %s::uuid, 'system', 'x', 'x', 'x', 'x' FROM generate_series(1, 5000)",
        ident,
    )


def endpoint_of(server: Server, mine: Credentials) -> str:
    """An endpoint with a secret, in test, so that each of its routes has something to do."""
    server.execute(
        "UPDATE api_key SET scopes = scopes || '{webhook:admin}' WHERE organization_id = %s::uuid"
        " AND NOT 'webhook:admin' = ANY (scopes)",
        mine.organization_id,
    )
    made = httpx.post(
        f"{server.base_url}/partner/v1/webhook/endpoints",
        headers={"X-API-Key": mine.test_key},
        json={"url": "https://127.0.0.1/hooks", "alias": "hostile"},
        verify=NO_AUTHORITIES,
    )
    assert made.is_success, made.text
    return str(made.json()["endpoint_id"])
