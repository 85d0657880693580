"""`/webhook/deliveries…`, `/webhook/recover…`: the log and the recovery tools by API."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from privata.core.clock import iso
from privata.core.errors import AlreadyRetried, NotFound, RateLimited, RecoveryInProgress
from privata.core.tenancy import Actor
from privata.infra.database.postgres import Transaction
from privata.infra.http.access import context_of
from privata.infra.http.once import Answer
from privata.infra.http.operations import Idempotency, Operation
from privata.infra.http.routing import Router
from privata.infra.http.wire import json_response
from privata.webhooks.api import schemas
from privata.webhooks.api.endpoints import ADMIN, CREATED
from privata.webhooks.deliveries import listing
from privata.webhooks.deliveries.details import delivery_details
from privata.webhooks.recovery.recoveries import Progress, cancel_recovery, recover, recovery
from privata.webhooks.recovery.replays import Replayed, replay_delivery
from privata.webhooks.recovery.retries import retry_delivery

router = Router("Webhooks", prefix="/webhook")

ACCEPTED: Final = 202


@router.route(
    "GET",
    "/deliveries",
    Operation(access=ADMIN, query=schemas.DeliveriesQuery, returns=schemas.Deliveries),
)
async def list_deliveries(
    request: Request, actor: Actor, query: schemas.DeliveriesQuery
) -> Response:
    """The delivery log of the key's environment, newest first."""
    rows, after = await listing.deliveries(context_of(request), actor=actor, query=query.wanted())
    return json_response({"deliveries": rows, "next_cursor": after})


@router.route(
    "GET",
    "/deliveries/{delivery_id}",
    Operation(access=ADMIN, returns=schemas.DeliveryDetails),
)
async def get_delivery(request: Request, actor: Actor, delivery_id: UUID) -> Response:
    """Retrieve a delivery and the results of its attempts."""
    return json_response(
        await delivery_details(context_of(request), actor=actor, delivery_id=delivery_id)
    )


@router.route(
    "POST",
    "/deliveries/{delivery_id}/retry",
    Operation(
        access=ADMIN,
        idempotency=Idempotency(),
        errors=(AlreadyRetried, RateLimited),
        returns=schemas.Delivery,
        status=ACCEPTED,
        name="retryDelivery",
    ),
)
async def retry(request: Request, actor: Actor, delivery_id: UUID, answer: Answer) -> bytes:
    """Send the same event now as a new, newly signed delivery, and return that delivery.

    The old delivery's schedule ends (`status` `retried`, unless it was delivered) and `retried_as`
    names the new one. Each delivery has one retry: a second call returns 409 with the
    `delivery_id`. Retrying a delivered one counts toward the hourly limit of replays.
    """
    ctx = context_of(request)
    made: list[bytes] = []

    async def keep(tx: Transaction, new: UUID) -> None:
        shown = await listing.delivery(ctx, actor=actor, delivery_id=new, tx=tx)
        made.append(msgspec.json.encode(shown))
        await answer.keep(tx, made[0])

    await retry_delivery(ctx, actor=actor, delivery_id=delivery_id, keep=keep)
    return made[0]


@router.route(
    "POST",
    "/deliveries/{delivery_id}/replay",
    Operation(
        access=ADMIN,
        idempotency=Idempotency(),
        errors=(RateLimited,),
        returns=schemas.Replayed,
        status=CREATED,
        name="replayDelivery",
    ),
)
async def replay(request: Request, actor: Actor, delivery_id: UUID, answer: Answer) -> bytes:
    """Send the same event again as a new delivery. Your receiver must deduplicate by event ID."""

    async def keep(tx: Transaction, made: Replayed) -> None:
        await answer.keep(tx, msgspec.json.encode(made))

    return msgspec.json.encode(
        await replay_delivery(context_of(request), actor=actor, delivery_id=delivery_id, keep=keep)
    )


@router.route(
    "POST",
    "/recover",
    Operation(
        access=ADMIN,
        body=schemas.Recover,
        idempotency=Idempotency(),
        errors=(NotFound, RecoveryInProgress),
        returns=schemas.Recovery,
        status=CREATED,
        name="recover",
    ),
)
async def begin_recovery(
    request: Request, actor: Actor, body: schemas.Recover, answer: Answer
) -> bytes:
    """Resend everything an endpoint missed since a given time, in order and paced."""

    async def keep(tx: Transaction, begun: Progress) -> None:
        await answer.keep(tx, _shown(begun))

    return _shown(
        await recover(
            context_of(request),
            actor=actor,
            endpoint_id=body.endpoint_id,
            since=body.since,
            keep=keep,
        )
    )


@router.route("GET", "/recoveries/{recovery_id}", Operation(access=ADMIN, returns=schemas.Recovery))
async def get_recovery(request: Request, actor: Actor, recovery_id: UUID) -> Response:
    """Retrieve the progress of a recovery."""
    found = await recovery(context_of(request), actor=actor, recovery_id=recovery_id)
    return json_response(msgspec.Raw(_shown(found)))


@router.route(
    "DELETE",
    "/recoveries/{recovery_id}",
    Operation(access=ADMIN, returns=schemas.Recovery, name="cancelRecovery"),
)
async def end_recovery(request: Request, actor: Actor, recovery_id: UUID) -> Response:
    """Cancel a recovery. Nothing more is queued."""
    ended = await cancel_recovery(context_of(request), actor=actor, recovery_id=recovery_id)
    return json_response(msgspec.Raw(_shown(ended)))


def _shown(progress: Progress) -> bytes:
    shown = asdict(progress)
    shown["recovery_id"] = shown.pop("id")
    for name in ("since", "created_at", "finished_at"):
        shown[name] = None if shown[name] is None else iso(shown[name])
    return msgspec.json.encode(shown)
