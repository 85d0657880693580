"""`/payouts…`: requesting, confirming, cancelling and reading payouts; simulated for test keys."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from privata.apikeys.access import actor_of
from privata.apikeys.scopes import Scope
from privata.core.errors import (
    AmountTooHigh,
    AmountTooLow,
    IdempotencyConflict,
    InsufficientBalance,
    InvalidKey,
    NotFound,
    RateLimited,
    ScopeRequired,
    ValidationFailed,
    WrongPayoutState,
)
from privata.infra.access import kernel_of
from privata.infra.idempotency import Keep
from privata.infra.once import IDEMPOTENCY_DOC, IDEMPOTENCY_HEADER, Answer, once
from privata.infra.openapi import errors, request_of
from privata.infra.paths import id_in_path
from privata.infra.postgres import Transaction
from privata.infra.routing import api_router
from privata.infra.wire import json_response, parse_body, parse_query, read_body
from privata.payouts import reading, schemas, service
from privata.payouts.doors import NO_PAYOUT
from privata.payouts.rows import PayoutRow

router = api_router("Payouts", prefix="/payouts")

HTTP_OK: Final = 200
CREATED: Final = 201

_REFUSALS: Final = (InvalidKey, ScopeRequired, ValidationFailed)
_READ: Final = (Scope.PAYOUTS_READ,)
_TRIGGER: Final = (Scope.PAYOUTS_TRIGGER,)
ONE: Final = "/{payout_id}"


def _with_all(extra: dict[str, Any]) -> dict[str, Any]:
    """The description of a request that cannot do without its headers."""
    for parameter in extra["parameters"]:
        parameter["required"] = True
    return extra


@router.post(
    "",
    status_code=CREATED,
    response_model=schemas.NewPayout,
    responses=errors(
        *_REFUSALS,
        AmountTooLow,
        AmountTooHigh,
        InsufficientBalance,
        WrongPayoutState,
        RateLimited,
        IdempotencyConflict,
    ),
    openapi_extra=_with_all(
        request_of(body=schemas.RequestPayout, headers=IDEMPOTENCY_DOC, key=True, scopes=_TRIGGER)
    ),
)
async def request_payout(request: Request) -> Response:
    """Request a payout to one of your verified addresses. Requires an `Idempotency-Key`.

    Nothing is reserved yet. Answer the `challenge` with `confirm` by `challenge_expires_at`.
    """
    actor = await actor_of(request, Scope.PAYOUTS_TRIGGER)
    if IDEMPOTENCY_HEADER not in request.headers:
        sentence = "is required, so that a retry does not create a second payout"
        raise ValidationFailed(
            f"{IDEMPOTENCY_HEADER} {sentence}.", fields=[(IDEMPOTENCY_HEADER, sentence)]
        )
    body = await read_body(request)
    wish = parse_body(schemas.RequestPayout, body).wish()

    async def work(answer: Answer) -> bytes:
        async def keep(tx: Transaction, made: service.Requested) -> None:
            await answer.keep(tx, msgspec.json.encode(reading.requested_object(made)))

        made = await service.request_payout(kernel_of(request), actor=actor, wish=wish, keep=keep)
        return msgspec.json.encode(reading.requested_object(made))

    return await once(request, actor, status_code=CREATED, body=body, work=work, secret=True)


@router.get(
    "",
    response_model=schemas.PayoutsPage,
    responses=errors(*_REFUSALS),
    openapi_extra=request_of(query=schemas.PayoutsQuery, key=True, scopes=_READ),
)
async def list_payouts(request: Request) -> Response:
    """Your payouts, newest first."""
    actor = await actor_of(request, Scope.PAYOUTS_READ)
    query = parse_query(schemas.PayoutsQuery, request)
    page = await reading.payouts(
        kernel_of(request),
        actor=actor,
        older_than=None if query.cursor is None else schemas.cursor_in(query.cursor),
        statuses=None if query.status is None else [query.status],
        limit=query.limit,
    )
    shown = {
        "payouts": [reading.payout_object(row) for row in page.rows],
        "next_cursor": None if page.older is None else page.older.encode(),
    }
    return json_response(shown)


# Before the route with an id in this place: paths are looked for in this order.
@router.get(
    "/addresses",
    response_model=schemas.PayoutAddresses,
    responses=errors(*_REFUSALS),
    openapi_extra=request_of(key=True, scopes=_READ),
)
async def list_payout_addresses(request: Request) -> Response:
    """Your payout addresses. For security, addresses cannot be added through the API."""
    actor = await actor_of(request, Scope.PAYOUTS_READ)
    rows = await reading.addresses(kernel_of(request), actor=actor)
    return json_response({"addresses": [reading.address_object(row) for row in rows]})


@router.get(
    ONE,
    response_model=schemas.Payout,
    responses=errors(*_REFUSALS, NotFound),
    openapi_extra=request_of(key=True, scopes=_READ),
)
async def get_payout(request: Request, payout_id: str) -> Response:
    """Retrieve a payout."""
    actor = await actor_of(request, Scope.PAYOUTS_READ)
    row = await reading.payout(kernel_of(request), actor=actor, payout_id=_id(payout_id))
    return json_response(reading.payout_object(row))


@router.post(
    ONE + "/confirm",
    response_model=schemas.Payout,
    responses=errors(
        *_REFUSALS, NotFound, WrongPayoutState, InsufficientBalance, IdempotencyConflict
    ),
    openapi_extra=request_of(
        body=schemas.ConfirmPayout, headers=IDEMPOTENCY_DOC, key=True, scopes=_TRIGGER
    ),
)
async def confirm_payout(request: Request, payout_id: str) -> Response:
    """Answer the challenge. The amount is reserved and the payout proceeds.

    The HMAC key is the signing secret, as shown, of any webhook endpoint in the environment. For
    live keys, the secret must be at least a day old.
    A wrong answer returns `tries_left`; the fifth wrong answer cancels the payout.
    """
    actor = await actor_of(request, Scope.PAYOUTS_TRIGGER)
    chosen = _id(payout_id)
    body = await read_body(request)
    signature = parse_body(schemas.ConfirmPayout, body).signature

    async def work(answer: Answer) -> bytes:
        row = await service.confirm_payout(
            kernel_of(request),
            actor=actor,
            payout_id=chosen,
            answer=signature,
            keep=_keep(answer),
        )
        return _encoded(row)

    return await once(request, actor, status_code=HTTP_OK, body=body, work=work)


@router.post(
    ONE + "/cancel",
    response_model=schemas.Payout,
    responses=errors(*_REFUSALS, NotFound, WrongPayoutState, IdempotencyConflict),
    openapi_extra=request_of(headers=IDEMPOTENCY_DOC, key=True, scopes=_TRIGGER),
)
async def cancel_payout(request: Request, payout_id: str) -> Response:
    """Cancel a payout before it is processed. The amount becomes available again."""
    actor = await actor_of(request, Scope.PAYOUTS_TRIGGER)
    chosen = _id(payout_id)

    async def work(answer: Answer) -> bytes:
        row = await service.cancel_payout(
            kernel_of(request), actor=actor, payout_id=chosen, keep=_keep(answer)
        )
        return _encoded(row)

    return await once(request, actor, status_code=HTTP_OK, body=b"", work=work)


def _encoded(row: PayoutRow) -> bytes:
    return msgspec.json.encode(reading.payout_object(row))


def _keep(answer: Answer) -> Keep[PayoutRow]:
    async def keep(tx: Transaction, row: PayoutRow) -> None:
        await answer.keep(tx, _encoded(row))

    return keep


def _id(text: str) -> UUID:
    return id_in_path(text, NO_PAYOUT)
