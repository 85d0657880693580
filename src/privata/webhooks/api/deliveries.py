"""`/webhook/deliveries…`, `/webhook/recover…`: the log and the recovery tools by API."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from privata.core.clock import iso
from privata.core.errors import (
    AlreadyRetried,
    IdempotencyConflict,
    InvalidKey,
    NotFound,
    RateLimited,
    RecoveryInProgress,
    ScopeRequired,
    ValidationFailed,
)
from privata.infra.access import kernel_of
from privata.infra.once import IDEMPOTENCY_DOC, Answer, once
from privata.infra.openapi import errors, request_of
from privata.infra.postgres import Transaction
from privata.infra.routing import api_router
from privata.infra.wire import json_response, parse_body, parse_query, read_body
from privata.webhooks.api import schemas
from privata.webhooks.api.endpoints import ADMIN, CREATED, admin_of
from privata.webhooks.api.path_ids import id_in_path
from privata.webhooks.deliveries import listing
from privata.webhooks.deliveries.details import delivery_details
from privata.webhooks.recovery.recoveries import Progress, cancel_recovery, recover, recovery
from privata.webhooks.recovery.replays import Replayed, replay_delivery
from privata.webhooks.recovery.retries import retry_delivery

router = api_router("Webhooks", prefix="/webhook")

ACCEPTED = 202

_REFUSALS = (InvalidKey, ScopeRequired, ValidationFailed)


@router.get(
    "/deliveries",
    response_model=schemas.Deliveries,
    responses=errors(*_REFUSALS),
    openapi_extra=request_of(query=schemas.DeliveriesQuery, key=True, scopes=ADMIN),
)
async def list_deliveries(request: Request) -> Response:
    """The delivery log of the key's environment, newest first."""
    actor = await admin_of(request)
    query = parse_query(schemas.DeliveriesQuery, request).wanted()
    rows, after = await listing.deliveries(kernel_of(request), actor=actor, query=query)
    return json_response({"deliveries": rows, "next_cursor": after})


@router.get(
    "/deliveries/{delivery_id}",
    operation_id="getDelivery",
    response_model=schemas.DeliveryDetails,
    responses=errors(*_REFUSALS),
    openapi_extra=request_of(key=True, scopes=ADMIN),
)
async def get_delivery(request: Request, delivery_id: str) -> Response:
    """Retrieve a delivery and the results of its attempts."""
    actor = await admin_of(request)
    chosen = id_in_path(delivery_id)
    return json_response(
        await delivery_details(kernel_of(request), actor=actor, delivery_id=chosen)
    )


@router.post(
    "/deliveries/{delivery_id}/retry",
    operation_id="retryDelivery",
    status_code=ACCEPTED,
    response_model=schemas.Delivery,
    responses=errors(*_REFUSALS, AlreadyRetried, RateLimited, IdempotencyConflict),
    openapi_extra=request_of(headers=IDEMPOTENCY_DOC, key=True, scopes=ADMIN),
)
async def retry(request: Request, delivery_id: str) -> Response:
    """Send the same event now as a new, newly signed delivery, and return that delivery.

    The old delivery's schedule ends (`status` `retried`, unless it was delivered) and `retried_as`
    names the new one. Each delivery has one retry: a second call returns 409 with the
    `delivery_id`. Retrying a delivered one counts toward the hourly limit of replays.
    """
    actor, kernel = await admin_of(request), kernel_of(request)
    chosen = id_in_path(delivery_id)

    async def work(answer: Answer) -> bytes:
        made: list[bytes] = []

        async def keep(tx: Transaction, new: UUID) -> None:
            shown = await listing.delivery(kernel, actor=actor, delivery_id=new, tx=tx)
            made.append(msgspec.json.encode(shown))
            await answer.keep(tx, made[0])

        await retry_delivery(kernel, actor=actor, delivery_id=chosen, keep=keep)
        return made[0]

    return await once(request, actor, status_code=ACCEPTED, body=b"", work=work)


@router.post(
    "/deliveries/{delivery_id}/replay",
    operation_id="replayDelivery",
    status_code=CREATED,
    response_model=schemas.Replayed,
    responses=errors(*_REFUSALS, RateLimited, IdempotencyConflict),
    openapi_extra=request_of(headers=IDEMPOTENCY_DOC, key=True, scopes=ADMIN),
)
async def replay(request: Request, delivery_id: str) -> Response:
    """Send the same event again as a new delivery. Your receiver must deduplicate by event ID."""
    actor, kernel = await admin_of(request), kernel_of(request)
    chosen = id_in_path(delivery_id)

    async def work(answer: Answer) -> bytes:
        async def keep(tx: Transaction, made: Replayed) -> None:
            await answer.keep(tx, msgspec.json.encode(made))

        return msgspec.json.encode(
            await replay_delivery(kernel, actor=actor, delivery_id=chosen, keep=keep)
        )

    return await once(request, actor, status_code=CREATED, body=b"", work=work)


@router.post(
    "/recover",
    operation_id="recover",
    status_code=CREATED,
    response_model=schemas.Recovery,
    responses=errors(*_REFUSALS, NotFound, RecoveryInProgress, IdempotencyConflict),
    openapi_extra=request_of(body=schemas.Recover, headers=IDEMPOTENCY_DOC, key=True, scopes=ADMIN),
)
async def begin_recovery(request: Request) -> Response:
    """Resend everything an endpoint missed since a given time, in order and paced."""
    actor, kernel = await admin_of(request), kernel_of(request)
    body = await read_body(request)
    wanted = parse_body(schemas.Recover, body)

    async def work(answer: Answer) -> bytes:
        async def keep(tx: Transaction, begun: Progress) -> None:
            await answer.keep(tx, _shown(begun))

        return _shown(
            await recover(
                kernel,
                actor=actor,
                endpoint_id=wanted.endpoint_id,
                since=wanted.since,
                keep=keep,
            )
        )

    return await once(request, actor, status_code=CREATED, body=body, work=work)


@router.get(
    "/recoveries/{recovery_id}",
    response_model=schemas.Recovery,
    responses=errors(*_REFUSALS),
    openapi_extra=request_of(key=True, scopes=ADMIN),
)
async def get_recovery(request: Request, recovery_id: str) -> Response:
    """Retrieve the progress of a recovery."""
    actor = await admin_of(request)
    found = await recovery(kernel_of(request), actor=actor, recovery_id=id_in_path(recovery_id))
    return json_response(msgspec.Raw(_shown(found)))


@router.delete(
    "/recoveries/{recovery_id}",
    operation_id="cancelRecovery",
    response_model=schemas.Recovery,
    responses=errors(*_REFUSALS),
    openapi_extra=request_of(key=True, scopes=ADMIN),
)
async def end_recovery(request: Request, recovery_id: str) -> Response:
    """Cancel a recovery. Nothing more is queued."""
    actor = await admin_of(request)
    chosen = id_in_path(recovery_id)
    ended = await cancel_recovery(kernel_of(request), actor=actor, recovery_id=chosen)
    return json_response(msgspec.Raw(_shown(ended)))


def _shown(progress: Progress) -> bytes:
    shown = asdict(progress)
    shown["recovery_id"] = shown.pop("id")
    for name in ("since", "created_at", "finished_at"):
        shown[name] = None if shown[name] is None else iso(shown[name])
    return msgspec.json.encode(shown)
