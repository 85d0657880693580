"""`/webhook/endpoints…` and `/webhook/resume`: endpoints by API (scope `webhook:admin`)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access import actor_of
from privata.apikeys.scopes import Scope
from privata.core.clock import iso
from privata.core.errors import (
    EndpointLimit,
    IdempotencyConflict,
    InvalidKey,
    NotFound,
    RotationInProgress,
    ScopeRequired,
    ValidationFailed,
    WebhookNotPaused,
)
from privata.core.tenancy import Actor
from privata.infra.access import kernel_of
from privata.infra.once import IDEMPOTENCY_DOC, Answer, once
from privata.infra.openapi import errors, request_of
from privata.infra.postgres import Transaction
from privata.infra.routing import api_router
from privata.infra.wire import (
    json_response,
    parse_body,
    parse_query,
    read_body,
    read_optional_body,
)
from privata.webhooks.api import schemas
from privata.webhooks.api.path_ids import id_in_path
from privata.webhooks.deliveries import listing
from privata.webhooks.deliveries.undelivered import undelivered
from privata.webhooks.endpoints import service
from privata.webhooks.endpoints.rotation import Rotated, rotate_secret
from privata.webhooks.recovery.resuming import resume_endpoint
from privata.webhooks.recovery.sending_tests import Trial, send_test_event

router = api_router("Webhooks", prefix="/webhook")

CREATED = 201
ONE = "/endpoints/{endpoint_id}"

_REFUSALS = (InvalidKey, ScopeRequired, ValidationFailed)
#: The scope of every route here.
ADMIN: Final = (Scope.WEBHOOK_ADMIN,)


async def admin_of(request: Request) -> Actor:
    """The actor of a key that may configure webhooks."""
    return await actor_of(request, Scope.WEBHOOK_ADMIN)


@router.get(
    "/endpoints",
    response_model=schemas.Endpoints,
    responses=errors(*_REFUSALS),
    openapi_extra=request_of(key=True, scopes=ADMIN),
)
async def list_endpoints(request: Request) -> Response:
    """All endpoints in the key's environment."""
    actor = await admin_of(request)
    return json_response({"endpoints": await listing.endpoints(kernel_of(request), actor=actor)})


@router.post(
    "/endpoints",
    status_code=CREATED,
    response_model=schemas.NewEndpoint,
    responses=errors(*_REFUSALS, EndpointLimit, IdempotencyConflict),
    openapi_extra=request_of(
        body=schemas.CreateEndpoint,
        headers=IDEMPOTENCY_DOC,
        key=True,
        scopes=(Scope.WEBHOOK_ADMIN,),
    ),
)
async def create_endpoint(request: Request) -> Response:
    """Create an endpoint. Its signing secret is returned only in this response."""
    actor, kernel = await admin_of(request), kernel_of(request)
    body = await read_body(request)
    wanted = parse_body(schemas.CreateEndpoint, body)

    async def work(answer: Answer) -> bytes:
        made: list[bytes] = []

        async def keep(tx: Transaction, new: tuple[UUID, str]) -> None:
            shown = await listing.endpoint(kernel, actor=actor, endpoint_id=new[0], tx=tx)
            made.append(msgspec.json.encode(shown | {"secret": new[1]}))
            await answer.keep(tx, made[0])

        await service.create_endpoint(kernel, actor=actor, keep=keep, **wanted.model_dump())
        return made[0]

    return await once(request, actor, status_code=CREATED, body=body, work=work, secret=True)


@router.get(
    ONE,
    response_model=schemas.Endpoint,
    responses=errors(*_REFUSALS),
    openapi_extra=request_of(key=True, scopes=ADMIN),
)
async def get_endpoint(request: Request, endpoint_id: str) -> Response:
    """Retrieve an endpoint."""
    actor = await admin_of(request)
    return await _shown(request, actor, id_in_path(endpoint_id))


_CHANGE: Final[dict[str, Any]] = {
    "response_model": schemas.Endpoint,
    "responses": errors(*_REFUSALS),
    "openapi_extra": request_of(body=schemas.ChangeEndpoint, key=True, scopes=ADMIN),
}


@router.put(ONE, operation_id="putEndpoint", **_CHANGE)
@router.patch(ONE, **_CHANGE)
async def change_endpoint(request: Request, endpoint_id: str) -> Response:
    """Update the fields you send. PUT and PATCH behave the same."""
    actor, kernel = await admin_of(request), kernel_of(request)
    chosen = id_in_path(endpoint_id)
    wanted = parse_body(schemas.ChangeEndpoint, await read_body(request)).given()
    await service.update_endpoint(kernel, actor=actor, endpoint_id=chosen, **wanted)
    return await _shown(request, actor, chosen)


@router.post(
    ONE + "/disable",
    operation_id="disableEndpoint",
    response_model=schemas.Endpoint,
    responses=errors(*_REFUSALS),
    openapi_extra=request_of(key=True, scopes=ADMIN),
)
async def disable_endpoint(request: Request, endpoint_id: str) -> Response:
    """Disable the endpoint and cancel its pending deliveries. It stays listed with its history."""
    actor = await admin_of(request)
    chosen = id_in_path(endpoint_id)
    await service.disable_endpoint(kernel_of(request), actor=actor, endpoint_id=chosen)
    return await _shown(request, actor, chosen)


@router.delete(
    ONE,
    response_model=schemas.Endpoint,
    responses=errors(*_REFUSALS),
    openapi_extra=request_of(key=True, scopes=ADMIN),
)
async def delete_endpoint(request: Request, endpoint_id: str) -> Response:
    """Delete the endpoint, cancel its pending deliveries, and end its secrets.

    The response shows it one last time. The log keeps its deliveries; other requests return 404.
    """
    actor, kernel = await admin_of(request), kernel_of(request)
    chosen = id_in_path(endpoint_id)
    await service.delete_endpoint(kernel, actor=actor, endpoint_id=chosen)
    found = await listing.endpoint(kernel, actor=actor, endpoint_id=chosen, deleted=True)
    return json_response(found)


@router.post(
    ONE + "/rotate-secret",
    operation_id="rotateSecret",
    response_model=schemas.RotatedSecret,
    responses=errors(*_REFUSALS, RotationInProgress, IdempotencyConflict),
    openapi_extra=request_of(
        body=schemas.RotateSecret,
        body_optional=True,
        headers=IDEMPOTENCY_DOC,
        key=True,
        scopes=ADMIN,
    ),
)
async def rotate(request: Request, endpoint_id: str) -> Response:
    """Create a new signing secret, shown only once. The old one also signs during the overlap."""
    actor, kernel = await admin_of(request), kernel_of(request)
    chosen = id_in_path(endpoint_id)
    body = await read_optional_body(request)
    wanted = parse_body(schemas.RotateSecret, body)

    def shown(rotated: Rotated) -> bytes:
        return msgspec.json.encode(
            {
                "endpoint_id": chosen,
                "secret": rotated.secret,
                "old_secret_expires_at": iso(rotated.old_expires_at),
            }
        )

    async def work(answer: Answer) -> bytes:
        async def keep(tx: Transaction, rotated: Rotated) -> None:
            await answer.keep(tx, shown(rotated))

        made = await rotate_secret(
            kernel, actor=actor, endpoint_id=chosen, overlap_s=wanted.overlap_s, keep=keep
        )
        return shown(made)

    return await once(request, actor, status_code=200, body=body, work=work, secret=True)


@router.post(
    ONE + "/test",
    operation_id="sendTestEvent",
    status_code=CREATED,
    response_model=schemas.TestEvent,
    responses=errors(*_REFUSALS, IdempotencyConflict),
    openapi_extra=request_of(headers=IDEMPOTENCY_DOC, key=True, scopes=ADMIN),
)
async def test_endpoint(request: Request, endpoint_id: str) -> Response:
    """Send `webhook.test` to this endpoint only, through the real delivery queue."""
    actor, kernel = await admin_of(request), kernel_of(request)
    chosen = id_in_path(endpoint_id)

    async def work(answer: Answer) -> bytes:
        async def keep(tx: Transaction, made: Trial) -> None:
            await answer.keep(tx, msgspec.json.encode(made))

        return msgspec.json.encode(
            await send_test_event(kernel, actor=actor, endpoint_id=chosen, keep=keep)
        )

    return await once(request, actor, status_code=CREATED, body=b"", work=work)


@router.get(
    ONE + "/undelivered",
    response_model=schemas.UndeliveredEvents,
    responses=errors(*_REFUSALS),
    openapi_extra=request_of(query=schemas.UndeliveredQuery, key=True, scopes=ADMIN),
)
async def list_undelivered(request: Request, endpoint_id: str) -> Response:
    """Events that were not delivered to this endpoint, oldest first."""
    actor, kernel = await admin_of(request), kernel_of(request)
    query = parse_query(schemas.UndeliveredQuery, request)
    shown = await listing.endpoint(kernel, actor=actor, endpoint_id=id_in_path(endpoint_id))
    rows = await undelivered(
        kernel,
        actor=actor,
        endpoint_id=shown["endpoint_id"],
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


@router.post(
    "/resume",
    response_model=schemas.ResumedAll,
    responses=errors(*_REFUSALS, NotFound, WebhookNotPaused),
    openapi_extra=request_of(body=schemas.Resume, body_optional=True, key=True, scopes=ADMIN),
)
async def resume(request: Request) -> Response:
    """Resume one endpoint, or all paused ones: a probe first, then the held deliveries, paced.

    `WEBHOOK_PAUSED` (409) means that nothing was paused. You can ignore it.
    """
    actor, kernel = await admin_of(request), kernel_of(request)
    wanted = parse_body(schemas.Resume, await read_optional_body(request))
    if wanted.endpoint_id is not None:
        done = [await resume_endpoint(kernel, actor=actor, endpoint_id=wanted.endpoint_id)]
    else:
        done = []
        for endpoint_id in await listing.paused_endpoints(kernel, actor=actor):
            try:
                done.append(await resume_endpoint(kernel, actor=actor, endpoint_id=endpoint_id))
            except WebhookNotPaused:
                continue  # somebody else has just resumed it
        if not done:
            raise WebhookNotPaused("No endpoint is paused.")
    return json_response({"resumed": done})


async def _shown(request: Request, actor: Actor, endpoint_id: UUID) -> Response:
    found = await listing.endpoint(kernel_of(request), actor=actor, endpoint_id=endpoint_id)
    return json_response(found)
