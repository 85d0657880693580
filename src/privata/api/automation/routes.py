"""The automation API of the dashboard, `/dashboard/v1`: as a person, with a personal token.

Lists of what the pages show, and the endpoints' settings. Partner keys do not work here, and
tokens do not work on the partner API.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from privata.api.automation import schemas
from privata.audit import reading as audit_log
from privata.audit.filters import parse_filter
from privata.audit.formats import ndjson_line
from privata.core.clock import iso
from privata.core.roles import Permission
from privata.infra.paths import id_in_path
from privata.infra.routing import Endpoint, plain_route
from privata.infra.wire import JsonBytes, json_response, parse_body, parse_query, read_body
from privata.orders import automation_listing
from privata.organizations.members import members_of
from privata.tokens.access_api import Call, read, write
from privata.tokens.rules import API_PREFIX
from privata.webhooks.api.schemas import ChangeEndpoint, CreateEndpoint, DeliveriesQuery
from privata.webhooks.deliveries import listing
from privata.webhooks.endpoints import service
from privata.webhooks.recovery import resuming

PREFIX: Final = API_PREFIX

CREATED = 201


@read(Permission.VIEW_HOME)
async def get_me(call: Call) -> Response:
    """Who the token acts for, and as what."""
    bearer = call.bearer
    return json_response(
        {
            "email": bearer.actor.label,
            "role": bearer.role.value,
            "scopes": sorted(bearer.scopes),
            "organization": {
                "id": str(bearer.actor.organization_id),
                "name": bearer.organization_name,
            },
        }
    )


@read(Permission.VIEW_HOME)
async def list_members(call: Call) -> Response:
    """The organization's members."""
    rows = await members_of(call.kernel, call.actor.organization_id)
    return json_response(
        {
            "members": [
                {
                    "id": row.id,
                    "email": row.email,
                    "name": row.name,
                    "role": row.role,
                    "status": "deactivated" if row.deactivated_at else "active",
                    "joined_at": iso(row.joined_at),
                    "last_login_at": iso(row.last_login) if row.last_login else None,
                }
                for row in rows
            ]
        }
    )


@read(Permission.VIEW_AUDIT)
async def list_audit(call: Call) -> Response:
    """The audit log, newest first, with the filters of its page."""
    query = parse_query(schemas.AuditQuery, call.request)
    organization_id = call.actor.organization_id
    page = await audit_log.page_of(
        call.kernel,
        organization_id,
        parse_filter({name: str(value) for name, value in query if value is not None}),
        before=query.before,
        size=query.limit,
    )
    entries = b",".join(ndjson_line(organization_id, entry).strip() for entry in page.entries)
    after = b"null" if page.older is None else b"%d" % page.older
    return JsonBytes(b'{"entries":[' + entries + b'],"next_before":' + after + b"}")


@read(Permission.VIEW_ORDERS)
async def list_orders(call: Call) -> Response:
    """Orders of the environment, newest first."""
    query = parse_query(schemas.OrdersQuery, call.request)
    rows, after = await automation_listing.orders(
        call.kernel, actor=call.actor, status=query.status, cursor=query.cursor, limit=query.limit
    )
    return json_response({"orders": rows, "next_cursor": after})


@read(Permission.VIEW_DELIVERIES)
async def list_deliveries(call: Call) -> Response:
    """The delivery log of the environment, newest first."""
    query = parse_query(DeliveriesQuery, call.request).wanted()
    rows, after = await listing.deliveries(call.kernel, actor=call.actor, query=query)
    return json_response({"deliveries": rows, "next_cursor": after})


@read(Permission.VIEW_DELIVERIES)
async def list_endpoints(call: Call) -> Response:
    """The endpoints of the environment."""
    return json_response({"endpoints": await listing.endpoints(call.kernel, actor=call.actor)})


@read(Permission.VIEW_DELIVERIES)
async def get_endpoint(call: Call) -> Response:
    """One endpoint."""
    return await _shown(call, _id(call))


@write(Permission.CONFIGURE_ENDPOINTS)
async def create_endpoint(call: Call) -> Response:
    """Make an endpoint; its secret is in this answer and nowhere else."""
    wanted = parse_body(CreateEndpoint, await read_body(call.request))
    endpoint_id, secret = await service.create_endpoint(
        call.kernel, actor=call.actor, **wanted.model_dump()
    )
    shown = await listing.endpoint(call.kernel, actor=call.actor, endpoint_id=endpoint_id)
    return json_response(shown | {"secret": secret}, CREATED)


@write(Permission.CONFIGURE_ENDPOINTS)
async def change_endpoint(call: Call) -> Response:
    """Change what is given."""
    chosen = _id(call)
    wanted = parse_body(ChangeEndpoint, await read_body(call.request)).given()
    await service.update_endpoint(call.kernel, actor=call.actor, endpoint_id=chosen, **wanted)
    return await _shown(call, chosen)


@write(Permission.CONFIGURE_ENDPOINTS)
async def pause_endpoint(call: Call) -> Response:
    """Hold deliveries."""
    chosen = _id(call)
    await service.pause_endpoint(call.kernel, actor=call.actor, endpoint_id=chosen)
    return await _shown(call, chosen)


@write(Permission.CONFIGURE_ENDPOINTS)
async def resume_endpoint(call: Call) -> Response:
    """Send what waited and what comes."""
    chosen = _id(call)
    await resuming.resume_endpoint(call.kernel, actor=call.actor, endpoint_id=chosen)
    return await _shown(call, chosen)


@write(Permission.CONFIGURE_ENDPOINTS)
async def disable_endpoint(call: Call) -> Response:
    """Take it out of use: what waits for it ends."""
    chosen = _id(call)
    await service.disable_endpoint(call.kernel, actor=call.actor, endpoint_id=chosen)
    return await _shown(call, chosen)


@write(Permission.CONFIGURE_ENDPOINTS)
async def delete_endpoint(call: Call) -> Response:
    """Delete it; the log keeps its deliveries."""
    chosen = _id(call)
    await service.delete_endpoint(call.kernel, actor=call.actor, endpoint_id=chosen)
    found = await listing.endpoint(call.kernel, actor=call.actor, endpoint_id=chosen, deleted=True)
    return json_response(found)


_ENDPOINTS = PREFIX + "/{environment}/endpoints"
_ENDPOINT = _ENDPOINTS + "/{endpoint_id}"

#: Every route: method, path, and the door behind it.
ROUTES = (
    ("GET", f"{PREFIX}/me", get_me),
    ("GET", f"{PREFIX}/members", list_members),
    ("GET", f"{PREFIX}/audit", list_audit),
    ("GET", PREFIX + "/{environment}/orders", list_orders),
    ("GET", PREFIX + "/{environment}/deliveries", list_deliveries),
    ("GET", _ENDPOINTS, list_endpoints),
    ("POST", _ENDPOINTS, create_endpoint),
    ("GET", _ENDPOINT, get_endpoint),
    ("PATCH", _ENDPOINT, change_endpoint),
    ("POST", f"{_ENDPOINT}/pause", pause_endpoint),
    ("POST", f"{_ENDPOINT}/resume", resume_endpoint),
    ("POST", f"{_ENDPOINT}/disable", disable_endpoint),
    ("DELETE", _ENDPOINT, delete_endpoint),
)


def dashboard_routes() -> list[Route]:
    """The routes for the application that serves them."""
    by_path: dict[str, dict[str, Endpoint]] = {}
    for method, path, door in ROUTES:
        by_path.setdefault(path, {})[method] = door
    return [plain_route(path, doors) for path, doors in by_path.items()]


async def _shown(call: Call, endpoint_id: UUID) -> Response:
    found = await listing.endpoint(call.kernel, actor=call.actor, endpoint_id=endpoint_id)
    return json_response(found)


def _id(call: Call) -> UUID:
    return id_in_path(call.request.path_params["endpoint_id"], "Endpoint not found.")
