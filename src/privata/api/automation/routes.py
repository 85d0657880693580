"""The automation API of the dashboard, `/dashboard/v1`: as a person, with a personal token.

Lists of what the pages show, and the endpoints' settings. Partner keys do not work here, and
tokens do not work on the partner API.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from privata.api.automation import schemas
from privata.audit import reading as audit_log
from privata.audit.filters import parse_filter
from privata.audit.formats import ndjson_line
from privata.core.clock import iso
from privata.core.roles import Permission
from privata.infra.http.access import context_of
from privata.infra.http.operations import Operation
from privata.infra.http.routing import Router, plain_routes
from privata.infra.http.wire import JsonBytes, json_response
from privata.orders import automation_listing
from privata.organizations.members import members_of
from privata.tokens.access_api import read, write
from privata.tokens.rules import API_PREFIX
from privata.tokens.service import Bearer
from privata.webhooks.api.schemas import ChangeEndpoint, CreateEndpoint, DeliveriesQuery
from privata.webhooks.deliveries import listing
from privata.webhooks.endpoints import service
from privata.webhooks.recovery import resuming

PREFIX: Final = API_PREFIX

CREATED = 201

_ENDPOINTS = "/{environment}/endpoints"
_ENDPOINT = _ENDPOINTS + "/{endpoint_id}"

router = Router("Dashboard")

_SHOW = Operation(access=read(Permission.VIEW_DELIVERIES), unknown_id="Endpoint not found.")
_CONFIGURE = Operation(
    access=write(Permission.CONFIGURE_ENDPOINTS), unknown_id="Endpoint not found."
)


@router.route("GET", "/me", Operation(access=read(Permission.VIEW_HOME)))
async def get_me(request: Request, bearer: Bearer) -> Response:
    """Who the token acts for, and as what."""
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


@router.route("GET", "/members", Operation(access=read(Permission.VIEW_HOME)))
async def list_members(request: Request, bearer: Bearer) -> Response:
    """The organization's members."""
    rows = await members_of(context_of(request), bearer.actor.organization_id)
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


@router.route(
    "GET", "/audit", Operation(access=read(Permission.VIEW_AUDIT), query=schemas.AuditQuery)
)
async def list_audit(request: Request, bearer: Bearer, query: schemas.AuditQuery) -> Response:
    """The audit log, newest first, with the filters of its page."""
    organization_id = bearer.actor.organization_id
    page = await audit_log.page_of(
        context_of(request),
        organization_id,
        parse_filter({name: str(value) for name, value in query if value is not None}),
        before=query.before,
        size=query.limit,
    )
    entries = b",".join(ndjson_line(organization_id, entry).strip() for entry in page.entries)
    after = b"null" if page.older is None else b"%d" % page.older
    return JsonBytes(b'{"entries":[' + entries + b'],"next_before":' + after + b"}")


@router.route(
    "GET",
    "/{environment}/orders",
    Operation(access=read(Permission.VIEW_ORDERS), query=schemas.OrdersQuery),
)
async def list_orders(request: Request, bearer: Bearer, query: schemas.OrdersQuery) -> Response:
    """Orders of the environment, newest first."""
    rows, after = await automation_listing.orders(
        context_of(request),
        actor=bearer.actor,
        status=query.status,
        cursor=query.cursor,
        limit=query.limit,
    )
    return json_response({"orders": rows, "next_cursor": after})


@router.route(
    "GET",
    "/{environment}/deliveries",
    Operation(access=read(Permission.VIEW_DELIVERIES), query=DeliveriesQuery),
)
async def list_deliveries(request: Request, bearer: Bearer, query: DeliveriesQuery) -> Response:
    """The delivery log of the environment, newest first."""
    rows, after = await listing.deliveries(
        context_of(request), actor=bearer.actor, query=query.wanted()
    )
    return json_response({"deliveries": rows, "next_cursor": after})


@router.route("GET", _ENDPOINTS, _SHOW)
async def list_endpoints(request: Request, bearer: Bearer) -> Response:
    """The endpoints of the environment."""
    rows = await listing.endpoints(context_of(request), actor=bearer.actor)
    return json_response({"endpoints": rows})


@router.route("POST", _ENDPOINTS, replace(_CONFIGURE, body=CreateEndpoint))
async def create_endpoint(request: Request, bearer: Bearer, body: CreateEndpoint) -> Response:
    """Make an endpoint; its secret is in this answer and nowhere else."""
    ctx, actor = context_of(request), bearer.actor
    endpoint_id, secret = await service.create_endpoint(ctx, actor=actor, **body.model_dump())
    shown = await listing.endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    return json_response(shown | {"secret": secret}, CREATED)


@router.route("GET", _ENDPOINT, _SHOW)
async def get_endpoint(request: Request, bearer: Bearer, endpoint_id: UUID) -> Response:
    """One endpoint."""
    return await _shown(request, bearer, endpoint_id)


@router.route("PATCH", _ENDPOINT, replace(_CONFIGURE, body=ChangeEndpoint))
async def change_endpoint(
    request: Request, bearer: Bearer, endpoint_id: UUID, body: ChangeEndpoint
) -> Response:
    """Change what is given."""
    await service.update_endpoint(
        context_of(request), actor=bearer.actor, endpoint_id=endpoint_id, **body.given()
    )
    return await _shown(request, bearer, endpoint_id)


@router.route("POST", f"{_ENDPOINT}/pause", _CONFIGURE)
async def pause_endpoint(request: Request, bearer: Bearer, endpoint_id: UUID) -> Response:
    """Hold deliveries."""
    await service.pause_endpoint(context_of(request), actor=bearer.actor, endpoint_id=endpoint_id)
    return await _shown(request, bearer, endpoint_id)


@router.route("POST", f"{_ENDPOINT}/resume", _CONFIGURE)
async def resume_endpoint(request: Request, bearer: Bearer, endpoint_id: UUID) -> Response:
    """Send what waited and what comes."""
    await resuming.resume_endpoint(context_of(request), actor=bearer.actor, endpoint_id=endpoint_id)
    return await _shown(request, bearer, endpoint_id)


@router.route("POST", f"{_ENDPOINT}/disable", _CONFIGURE)
async def disable_endpoint(request: Request, bearer: Bearer, endpoint_id: UUID) -> Response:
    """Take it out of use: what waits for it ends."""
    await service.disable_endpoint(context_of(request), actor=bearer.actor, endpoint_id=endpoint_id)
    return await _shown(request, bearer, endpoint_id)


@router.route("DELETE", _ENDPOINT, _CONFIGURE)
async def delete_endpoint(request: Request, bearer: Bearer, endpoint_id: UUID) -> Response:
    """Delete it; the log keeps its deliveries."""
    ctx, actor = context_of(request), bearer.actor
    await service.delete_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    found = await listing.endpoint(ctx, actor=actor, endpoint_id=endpoint_id, deleted=True)
    return json_response(found)


def dashboard_routes() -> list[Route]:
    """The routes for the application that serves them."""
    return plain_routes(PREFIX, (router,))


async def _shown(request: Request, bearer: Bearer, endpoint_id: UUID) -> Response:
    found = await listing.endpoint(context_of(request), actor=bearer.actor, endpoint_id=endpoint_id)
    return json_response(found)
