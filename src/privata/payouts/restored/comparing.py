"""Holding what is known outside against the database, and noting again what it has forgotten."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

import asyncpg

from privata.core.errors import PrivataError, ValidationFailed
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.payouts import rules, store
from privata.payouts.access import locked_organization, note, operator
from privata.payouts.challenges import amount_text, new_nonce
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.lifecycle import PayoutStatus
from privata.payouts.moving import repeat
from privata.payouts.restored.claims import RANKS, Claim
from privata.payouts.rows import PayoutRow, payout_row
from privata.payouts.telling import tell_sent

_S = PayoutStatus

#: The way of a payout; one that needs no approval leaves that out.
_WAY: Final = (_S.REQUESTED, _S.CONFIRMED, _S.APPROVED, _S.PROCESSING, _S.SENT, _S.SETTLED)

_BY_ID: Final = "SELECT * FROM payout WHERE id = ANY ($1::uuid[])"

# What the database says is on its way or paid, and no list confirms.
_ONLY_HERE: Final = """
SELECT * FROM payout
WHERE environment = 'live' AND status IN ('processing', 'sent', 'settled')
  AND id <> ALL ($1::uuid[])
ORDER BY created_at, id
"""

_ADDRESS: Final = """
SELECT id FROM payout_address
WHERE organization_id = $1 AND environment = 'live' AND currency = $2 AND address = $3
  AND state = 'verified' AND usable_at <= $4
"""


class Kind(StrEnum):
    """What a difference is.

    `forgotten`: the database has a payout in an earlier state, and can be brought on; `missing`: it
    has none, and can be given it; `conflict`: a person has to resolve it; `only_here`: no list has
    what the database says, which stands.
    """

    FORGOTTEN = "forgotten"
    MISSING = "missing"
    CONFLICT = "conflict"
    ONLY_HERE = "only_here"


@dataclass(frozen=True, slots=True)
class Difference:
    """A payout of which the database and a list say different things."""

    kind: Kind
    payout_id: UUID
    here: str
    outside: str
    how: str
    claim: Claim | None = None

    @property
    def open(self) -> bool:
        """Whether money could leave twice if it stayed."""
        return self.kind is not Kind.ONLY_HERE


async def compare(ctx: AppContext, claims: Mapping[UUID, Claim]) -> list[Difference]:
    """Every difference, those that a person has to resolve last; changes nothing."""
    rows = {
        row["id"]: payout_row(row) for row in await ctx.database.pool.fetch(_BY_ID, list(claims))
    }
    found = []
    for claim in claims.values():
        difference = _judge(claim, rows.get(claim.payout_id))
        if difference is not None:
            found.append(await _tried(ctx, difference))
    found += [
        Difference(Kind.ONLY_HERE, row["id"], row["status"], "unknown", "no list has this payout")
        for row in await ctx.database.pool.fetch(_ONLY_HERE, list(claims))
    ]
    order = list(Kind)
    return sorted(found, key=lambda one: order.index(one.kind))


def _judge(claim: Claim, row: PayoutRow | None) -> Difference | None:
    """The difference between a claim and a row, as far as they tell; None where they agree."""
    outside = claim.status.value

    def conflict(here: str, how: str) -> Difference:
        return Difference(Kind.CONFLICT, claim.payout_id, here, outside, how)

    if row is None:
        lacking = [
            name
            for name in ("organization_id", "currency", "address", "amount")
            if getattr(claim, name) is None
        ]
        if lacking:
            return conflict("missing", f"the list does not say its {', '.join(lacking)}")
        return Difference(
            Kind.MISSING, claim.payout_id, "missing", outside, "the database never had it", claim
        )
    if row.environment != Environment.LIVE:
        return conflict(row.status, "it is a payout of the sandbox")
    for name in ("organization_id", "currency", "address", "amount", "tx_hash"):
        said, known = getattr(claim, name), getattr(row, name)
        if said is not None and known is not None and said != known:
            return conflict(row.status, f"its {name} is {known} here and {said} outside")
    return _judge_states(claim, row)


def _judge_states(claim: Claim, row: PayoutRow) -> Difference | None:
    here, outside = _S(row.status), claim.status
    if here in RANKS and RANKS[here] >= RANKS[outside]:
        paid_and_failed = {here, outside} == {_S.FAILED, _S.SETTLED}
        if not paid_and_failed and not (here is _S.FAILED and outside is _S.SENT):
            return None
    elif here is not _S.CANCELLED:
        how = f"it was {outside.value} and is only {here.value} here"
        return Difference(Kind.FORGOTTEN, row.id, here.value, outside.value, how, claim)
    how = f"it is {here.value} here, which is final, and was {outside.value} outside"
    return Difference(Kind.CONFLICT, row.id, here.value, outside.value, how)


async def _tried(ctx: AppContext, difference: Difference) -> Difference:
    """The same; a conflict if the step it needs cannot be taken. Tried and undone."""
    if difference.claim is None:
        return difference
    refused: str | None = None
    with contextlib.suppress(_Undone):
        async with _undone(ctx) as tx:
            try:
                await _repeat(ctx, tx, difference.claim, "comparing")
            except PrivataError as error:
                refused = error.message
    if refused is None:
        return difference
    return Difference(
        Kind.CONFLICT,
        difference.payout_id,
        difference.here,
        difference.outside,
        f"{difference.how}: {refused}",
    )


async def repeat_all(
    ctx: AppContext, differences: Collection[Difference], *, by: str
) -> list[UUID]:
    """Note again what the database has forgotten, one transaction for each; the payouts.

    `PrivataError` for the first that cannot be: those before it are done, and are no difference
    any more.
    """
    done = []
    for one in differences:
        if one.claim is None:
            continue
        async with ctx.database.transaction() as tx:
            await _repeat(ctx, tx, one.claim, by)
        done.append(one.payout_id)
    return done


async def _repeat(ctx: AppContext, tx: Transaction, claim: Claim, by: str) -> None:
    """Take every step that leads to what the claim says. The locks as in `store`."""
    now = ctx.clock.now()
    owner: UUID | None = await tx.connection.fetchval(
        "SELECT organization_id FROM payout WHERE id = $1", claim.payout_id
    )
    known = owner is not None
    if owner is None:
        owner = claim.organization_id
    assert owner is not None, "a claim about nobody's payout is a conflict"
    actor = operator(owner, by)
    await locked_organization(tx, actor)
    row = await store.lock_live_payout(tx, claim.payout_id)
    if row is None:
        row = await _insert(ctx, tx, claim)
    was = row.status if known else "missing"
    if claim.tx_hash is not None:
        rules.check_hash(PayoutCurrency(row.currency), claim.tx_hash)
    for to in _steps(row, claim):
        try:
            async with tx.connection.transaction():
                row = await repeat(tx, row, to, now=now, **_known(to, claim, by))
        except asyncpg.UniqueViolationError:
            raise ValidationFailed(
                f"The transaction {claim.tx_hash} already pays another payout."
            ) from None
        if to is _S.SENT:
            await tell_sent(ctx, tx, row, now)
    changes = {
        "was": was,
        "status": row.status,
        "amount": amount_text(row.amount),
        "address": row.address,
        "tx_hash": row.tx_hash,
    }
    await note(tx, actor, "payout.restored", row.id, changes)


def _steps(row: PayoutRow, claim: Claim) -> list[PayoutStatus]:
    """The states to enter, in order."""
    here = _S(row.status)
    target = claim.status
    if target is _S.FAILED:
        # It failed before anything was sent, or after.
        target = _S.SENT if claim.tx_hash else _S.PROCESSING
    way = [to for to in _WAY if to is not _S.APPROVED or row.needs_approval]
    steps = way[way.index(here) + 1 : way.index(target) + 1] if here in way else []
    return [*steps, _S.FAILED] if claim.status is _S.FAILED else steps


def _known(to: PayoutStatus, claim: Claim, by: str) -> store.Known:
    if to is _S.APPROVED:
        return {"approved_by": by}
    if to is _S.SENT:
        assert claim.tx_hash is not None  # a claim of what was sent has it
        return {"tx_hash": claim.tx_hash}
    return {"failure": "It failed before our database was restored."} if to is _S.FAILED else {}


async def _insert(ctx: AppContext, tx: Transaction, claim: Claim) -> PayoutRow:
    """A payout that the database never had, as it was requested."""
    now = ctx.clock.now()
    assert claim.organization_id is not None, "a claim that lacks anything is a conflict"
    assert claim.currency is not None
    assert claim.amount is not None
    address_id = await tx.connection.fetchval(
        _ADDRESS, claim.organization_id, claim.currency.value, claim.address, now
    )
    row = address_id and await store.insert_payout(
        tx,
        payout_id=claim.payout_id,
        address_id=address_id,
        organization_id=claim.organization_id,
        environment=Environment.LIVE,
        amount=claim.amount,
        needs_approval=False,
        requested_by="restored",
        challenge_nonce=new_nonce(),
        challenge_expires_at=now,
        now=now,
        sandbox=None,
    )
    if not row:
        raise ValidationFailed(f"{claim.address} is not a verified address of the organization.")
    return row


class _Undone(Exception):
    """Rolls a transaction back that was only tried."""


@contextlib.asynccontextmanager
async def _undone(ctx: AppContext) -> AsyncIterator[Transaction]:
    async with ctx.database.transaction() as tx:
        yield tx
        raise _Undone
