"""`/payouts…`: requesting, confirming, cancelling and reading payouts; simulated for test keys."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access_api import KeyAccess
from privata.apikeys.scopes import Scope
from privata.core.errors import (
    AmountTooHigh,
    AmountTooLow,
    DatabaseUnconfirmed,
    InsufficientBalance,
    RateLimited,
    WrongPayoutState,
)
from privata.core.tenancy import Actor
from privata.infra.database.postgres import Transaction
from privata.infra.http.access import context_of
from privata.infra.http.idempotency import Keep
from privata.infra.http.once import IDEMPOTENCY_HEADER, Answer
from privata.infra.http.operations import Idempotency, Operation
from privata.infra.http.routing import Router
from privata.infra.http.wire import json_response
from privata.payouts import reading, schemas, service
from privata.payouts.access import NO_PAYOUT
from privata.payouts.rows import PayoutRow

router = Router("Payouts", prefix="/payouts")

CREATED: Final = 201

_READ: Final = KeyAccess(Scope.PAYOUTS_READ)
_TRIGGER: Final = KeyAccess(Scope.PAYOUTS_TRIGGER)
ONE: Final = "/{payout_id}"


@router.route(
    "POST",
    "",
    Operation(
        access=_TRIGGER,
        body=schemas.RequestPayout,
        idempotency=Idempotency(
            required="so that a retry does not create a second payout", sealed=True
        ),
        errors=(
            AmountTooLow,
            AmountTooHigh,
            InsufficientBalance,
            WrongPayoutState,
            RateLimited,
            DatabaseUnconfirmed,
        ),
        returns=schemas.NewPayout,
        status=CREATED,
    ),
)
async def request_payout(
    request: Request, actor: Actor, body: schemas.RequestPayout, answer: Answer
) -> bytes:
    """Request a payout to one of your verified addresses. Requires an `Idempotency-Key`.

    Nothing is reserved yet. Answer the `challenge` with `confirm` by `challenge_expires_at`.
    """

    async def keep(tx: Transaction, made: service.Requested) -> None:
        await answer.keep(tx, msgspec.json.encode(reading.requested_object(made)))

    made = await service.request_payout(
        context_of(request),
        actor=actor,
        wish=body.wish(),
        idempotency_key=request.headers[IDEMPOTENCY_HEADER].strip(" \t"),
        keep=keep,
    )
    return msgspec.json.encode(reading.requested_object(made))


@router.route(
    "GET",
    "",
    Operation(access=_READ, query=schemas.PayoutsQuery, returns=schemas.PayoutsPage),
)
async def list_payouts(request: Request, actor: Actor, query: schemas.PayoutsQuery) -> Response:
    """Your payouts, newest first."""
    page = await reading.payouts(
        context_of(request),
        actor=actor,
        older_than=query.cursor,
        statuses=None if query.status is None else [query.status],
        limit=query.limit,
    )
    shown = {
        "payouts": [reading.payout_object(row) for row in page.rows],
        "next_cursor": None if page.older is None else page.older.encode(),
    }
    return json_response(shown)


# Before the route with an id in this place: paths are looked for in this order.
@router.route("GET", "/addresses", Operation(access=_READ, returns=schemas.PayoutAddresses))
async def list_payout_addresses(request: Request, actor: Actor) -> Response:
    """Your payout addresses. For security, addresses cannot be added through the API."""
    rows = await reading.addresses(context_of(request), actor=actor)
    return json_response({"addresses": [reading.address_object(row) for row in rows]})


@router.route("GET", ONE, Operation(access=_READ, unknown_id=NO_PAYOUT, returns=schemas.Payout))
async def get_payout(request: Request, actor: Actor, payout_id: UUID) -> Response:
    """Retrieve a payout."""
    row = await reading.payout(context_of(request), actor=actor, payout_id=payout_id)
    return json_response(reading.payout_object(row))


@router.route(
    "POST",
    ONE + "/confirm",
    Operation(
        access=_TRIGGER,
        body=schemas.ConfirmPayout,
        idempotency=Idempotency(),
        unknown_id=NO_PAYOUT,
        errors=(WrongPayoutState, InsufficientBalance, DatabaseUnconfirmed),
        returns=schemas.Payout,
    ),
)
async def confirm_payout(
    request: Request,
    actor: Actor,
    payout_id: UUID,
    body: schemas.ConfirmPayout,
    answer: Answer,
) -> bytes:
    """Answer the challenge. The amount is reserved and the payout proceeds.

    The HMAC key is the signing secret, as shown, of any webhook endpoint in the environment. For
    live keys, the secret must be at least a day old.
    A wrong answer returns `tries_left`; the fifth wrong answer cancels the payout.
    """
    row = await service.confirm_payout(
        context_of(request),
        actor=actor,
        payout_id=payout_id,
        answer=body.signature,
        keep=_keep(answer),
    )
    return _encoded(row)


@router.route(
    "POST",
    ONE + "/cancel",
    Operation(
        access=_TRIGGER,
        idempotency=Idempotency(),
        unknown_id=NO_PAYOUT,
        errors=(WrongPayoutState, DatabaseUnconfirmed),
        returns=schemas.Payout,
    ),
)
async def cancel_payout(request: Request, actor: Actor, payout_id: UUID, answer: Answer) -> bytes:
    """Cancel a payout before it is processed. The amount becomes available again."""
    row = await service.cancel_payout(
        context_of(request), actor=actor, payout_id=payout_id, keep=_keep(answer)
    )
    return _encoded(row)


def _encoded(row: PayoutRow) -> bytes:
    return msgspec.json.encode(reading.payout_object(row))


def _keep(answer: Answer) -> Keep[PayoutRow]:
    async def keep(tx: Transaction, row: PayoutRow) -> None:
        await answer.keep(tx, _encoded(row))

    return keep
