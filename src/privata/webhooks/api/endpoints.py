"""`/webhook/endpoints…` and `/webhook/resume`: endpoints by API (scope `webhook:admin`)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access_api import KeyAccess
from privata.apikeys.scopes import Scope
from privata.core.clock import iso
from privata.core.errors import EndpointLimit, NotFound, RotationInProgress, WebhookNotPaused
from privata.core.tenancy import Actor
from privata.infra.database.postgres import Transaction
from privata.infra.http.access import context_of
from privata.infra.http.once import Answer
from privata.infra.http.operations import Idempotency, Operation
from privata.infra.http.routing import Router
from privata.infra.http.wire import json_response
from privata.webhooks.api import schemas
from privata.webhooks.deliveries import listing
from privata.webhooks.deliveries.undelivered import undelivered
from privata.webhooks.endpoints import service
from privata.webhooks.endpoints.rotation import Rotated, rotate_secret
from privata.webhooks.recovery.resuming import resume_endpoint
from privata.webhooks.recovery.sending_tests import Trial, send_test_event

router = Router("Webhooks", prefix="/webhook")

CREATED: Final = 201
ONE: Final = "/endpoints/{endpoint_id}"

#: Who may call any route of webhooks.
ADMIN: Final = KeyAccess(Scope.WEBHOOK_ADMIN)


@router.route("GET", "/endpoints", Operation(access=ADMIN, returns=schemas.Endpoints))
async def list_endpoints(request: Request, actor: Actor) -> Response:
    """All endpoints in the key's environment."""
    return json_response({"endpoints": await listing.endpoints(context_of(request), actor=actor)})


@router.route(
    "POST",
    "/endpoints",
    Operation(
        access=ADMIN,
        body=schemas.CreateEndpoint,
        idempotency=Idempotency(sealed=True),
        errors=(EndpointLimit,),
        returns=schemas.NewEndpoint,
        status=CREATED,
    ),
)
async def create_endpoint(
    request: Request, actor: Actor, body: schemas.CreateEndpoint, answer: Answer
) -> bytes:
    """Create an endpoint. Its signing secret is returned only in this response."""
    ctx = context_of(request)
    made: list[bytes] = []

    async def keep(tx: Transaction, new: tuple[UUID, str]) -> None:
        shown = await listing.endpoint(ctx, actor=actor, endpoint_id=new[0], tx=tx)
        made.append(msgspec.json.encode(shown | {"secret": new[1]}))
        await answer.keep(tx, made[0])

    await service.create_endpoint(ctx, actor=actor, keep=keep, **body.model_dump())
    return made[0]


@router.route("GET", ONE, Operation(access=ADMIN, returns=schemas.Endpoint))
async def get_endpoint(request: Request, actor: Actor, endpoint_id: UUID) -> Response:
    """Retrieve an endpoint."""
    return await _shown(request, actor, endpoint_id)


_CHANGE: Final = Operation(access=ADMIN, body=schemas.ChangeEndpoint, returns=schemas.Endpoint)


@router.route("PUT", ONE, replace(_CHANGE, name="putEndpoint"))
@router.route("PATCH", ONE, _CHANGE)
async def change_endpoint(
    request: Request, actor: Actor, endpoint_id: UUID, body: schemas.ChangeEndpoint
) -> Response:
    """Update the fields you send. PUT and PATCH behave the same."""
    await service.update_endpoint(
        context_of(request), actor=actor, endpoint_id=endpoint_id, **body.given()
    )
    return await _shown(request, actor, endpoint_id)


@router.route(
    "POST",
    ONE + "/disable",
    Operation(access=ADMIN, returns=schemas.Endpoint, name="disableEndpoint"),
)
async def disable_endpoint(request: Request, actor: Actor, endpoint_id: UUID) -> Response:
    """Disable the endpoint and cancel its pending deliveries. It stays listed with its history."""
    await service.disable_endpoint(context_of(request), actor=actor, endpoint_id=endpoint_id)
    return await _shown(request, actor, endpoint_id)


@router.route("DELETE", ONE, Operation(access=ADMIN, returns=schemas.Endpoint))
async def delete_endpoint(request: Request, actor: Actor, endpoint_id: UUID) -> Response:
    """Delete the endpoint, cancel its pending deliveries, and end its secrets.

    The response shows it one last time. The log keeps its deliveries; other requests return 404.
    """
    ctx = context_of(request)
    await service.delete_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    found = await listing.endpoint(ctx, actor=actor, endpoint_id=endpoint_id, deleted=True)
    return json_response(found)


@router.route(
    "POST",
    ONE + "/rotate-secret",
    Operation(
        access=ADMIN,
        body=schemas.RotateSecret,
        body_optional=True,
        idempotency=Idempotency(sealed=True),
        errors=(RotationInProgress,),
        returns=schemas.RotatedSecret,
        name="rotateSecret",
    ),
)
async def rotate(
    request: Request,
    actor: Actor,
    endpoint_id: UUID,
    body: schemas.RotateSecret,
    answer: Answer,
) -> bytes:
    """Create a new signing secret, shown only once. The old one also signs during the overlap."""

    def shown(rotated: Rotated) -> bytes:
        return msgspec.json.encode(
            {
                "endpoint_id": endpoint_id,
                "secret": rotated.secret,
                "old_secret_expires_at": iso(rotated.old_expires_at),
            }
        )

    async def keep(tx: Transaction, rotated: Rotated) -> None:
        await answer.keep(tx, shown(rotated))

    made = await rotate_secret(
        context_of(request),
        actor=actor,
        endpoint_id=endpoint_id,
        overlap_s=body.overlap_s,
        keep=keep,
    )
    return shown(made)


@router.route(
    "POST",
    ONE + "/test",
    Operation(
        access=ADMIN,
        idempotency=Idempotency(),
        returns=schemas.TestEvent,
        status=CREATED,
        name="sendTestEvent",
    ),
)
async def test_endpoint(request: Request, actor: Actor, endpoint_id: UUID, answer: Answer) -> bytes:
    """Send `webhook.test` to this endpoint only, through the real delivery queue."""

    async def keep(tx: Transaction, made: Trial) -> None:
        await answer.keep(tx, msgspec.json.encode(made))

    return msgspec.json.encode(
        await send_test_event(context_of(request), actor=actor, endpoint_id=endpoint_id, keep=keep)
    )


@router.route(
    "GET",
    ONE + "/undelivered",
    Operation(access=ADMIN, query=schemas.UndeliveredQuery, returns=schemas.UndeliveredEvents),
)
async def list_undelivered(
    request: Request, actor: Actor, endpoint_id: UUID, query: schemas.UndeliveredQuery
) -> Response:
    """Events that were not delivered to this endpoint, oldest first."""
    ctx = context_of(request)
    await listing.endpoint(ctx, actor=actor, endpoint_id=endpoint_id)  # or it is not found
    rows = await undelivered(
        ctx,
        actor=actor,
        endpoint_id=endpoint_id,
        since=query.since,
        after=query.after,
        limit=query.limit,
    )
    found = [
        {
            "seq": row.seq,
            "delivery_id": row.delivery_id,
            "event_id": row.event_id,
            "event_type": row.type,
            "order_id": row.order_id,
            "status": listing.status_of(row.state),
            "attempts": row.attempts,
            "last_outcome": row.last_outcome,
            "created_at": iso(row.created_at),
        }
        for row in rows
    ]
    return json_response({"undelivered": found})


@router.route(
    "POST",
    "/resume",
    Operation(
        access=ADMIN,
        body=schemas.Resume,
        body_optional=True,
        errors=(NotFound, WebhookNotPaused),
        returns=schemas.ResumedAll,
    ),
)
async def resume(request: Request, actor: Actor, body: schemas.Resume) -> Response:
    """Resume one endpoint, or all paused ones: a probe first, then the held deliveries, paced.

    `WEBHOOK_PAUSED` (409) means that nothing was paused. You can ignore it.
    """
    ctx = context_of(request)
    if body.endpoint_id is not None:
        done = [await resume_endpoint(ctx, actor=actor, endpoint_id=body.endpoint_id)]
    else:
        done = []
        for endpoint_id in await listing.paused_endpoints(ctx, actor=actor):
            try:
                done.append(await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id))
            except WebhookNotPaused:
                continue  # somebody else has just resumed it
        if not done:
            raise WebhookNotPaused("No endpoint is paused.")
    return json_response({"resumed": done})


async def _shown(request: Request, actor: Actor, endpoint_id: UUID) -> Response:
    found = await listing.endpoint(context_of(request), actor=actor, endpoint_id=endpoint_id)
    return json_response(found)
