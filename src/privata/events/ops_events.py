"""The payloads of the ops channel (docs/webhooks.md), and the way to publish them.

`{"event", "event_id", "reason", "ts", ...}` and the event's own fields; the builders are pure.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from privata.core.clock import iso
from privata.core.ids import made_at, named_id, new_id, order_made_at
from privata.core.tenancy import Environment
from privata.events.service import OPS_CHANNEL, NewEvent, publish
from privata.infra.database.postgres import Transaction

Value = str | int | float | bool | None

_HOUR: Final = timedelta(hours=1)

#: What the ids of events that can happen only once are made in. Never changes: a restored database
#: has to find the ids that were told before.
_NAMESPACE: Final = UUID("0f0c5c1e-5a0b-5d43-9c38-0b7f2f1d9e64")

#: The second warning of `api_key_expiring` comes at this many hours before the end.
_LAST_DAY_HOURS: Final = 24


def ops_event(
    name: str,
    *,
    reason: str,
    now: datetime,
    environment: Environment,
    fields: Mapping[str, Value],
    about: Sequence[str] | None = None,
    since: datetime | None = None,
) -> NewEvent:
    """An event of the ops channel; its id is `ops-<uuid>:<event>`.

    `about` names what happened, if it can happen only once: the id is made of it, so that the event
    has the same one when it is told again after a restore (decision 0039). It has to hold an id
    that no other organization has. `since` is a moment of the same thing that a restore does not
    change; the id stands in time order by it. Without `about` this is an occurrence, with an id of
    its own.
    """
    ident = new_id(now) if about is None else _ident(environment, name, about, since)
    event_id = f"ops-{ident}:{name}"
    body: dict[str, Value] = {
        "event": name,
        "event_id": event_id,
        "reason": reason,
        "ts": iso(now),
        **fields,
    }
    if environment is Environment.TEST:
        body["sandbox"] = True
    return NewEvent(event_id, name, msgspec.json.encode(body))


def _ident(
    environment: Environment, name: str, about: Sequence[str], since: datetime | None
) -> UUID:
    # As JSON: no two lists of words are written alike.
    words = msgspec.json.encode([environment.value, name, *about]).decode()
    return uuid.uuid5(_NAMESPACE, words) if since is None else named_id(words, since)


def webhook_paused(
    *,
    endpoint_id: UUID,
    alias: str,
    url: str,
    environment: Environment,
    reason: str,
    now: datetime,
    paused_at: datetime,
    last_error: str | None,
    failed_attempts: int,
    window: timedelta,
) -> NewEvent:
    """We stopped sending to an endpoint, which people know by its `alias`.

    `failed_attempts` of its attempts failed within `window`. `resume_after` is always null: an
    endpoint comes back by a person or by a probe that arrives.
    """
    fields: dict[str, Value] = {
        "alias": alias,
        "endpoint_id": str(endpoint_id),
        "url": url,
        "paused_at": iso(paused_at),
        "resume_after": None,
        "last_error": last_error,
        "failed_attempts": failed_attempts,
        "window_hours": window // _HOUR,
    }
    return ops_event(
        "webhook_paused", reason=reason, now=now, environment=environment, fields=fields
    )


def webhook_resumed(
    *,
    endpoint_id: UUID,
    alias: str,
    url: str,
    environment: Environment,
    reason: str,
    now: datetime,
    waiting: int,
) -> NewEvent:
    """We send again; `waiting` deliveries were due. The reason is `manual` or `probe`."""
    fields: dict[str, Value] = {
        "alias": alias,
        "endpoint_id": str(endpoint_id),
        "url": url,
        "resumed_at": iso(now),
        "waiting": waiting,
    }
    return ops_event(
        "webhook_resumed", reason=reason, now=now, environment=environment, fields=fields
    )


def api_key_locked(
    *,
    ip: str,
    environment: Environment,
    now: datetime,
    locked_until: datetime,
    attempts: int,
) -> NewEvent:
    """An address is locked out: it sent `attempts` wrong keys, one at least with the prefix of a
    key of this organization. Only the address is told, since the guesses may hold part of a key.
    """
    fields: dict[str, Value] = {
        "ip": ip,
        "locked_at": iso(now),
        "locked_until": iso(locked_until),
        "attempts": attempts,
    }
    return ops_event(
        "api_key_locked", reason="invalid_keys", now=now, environment=environment, fields=fields
    )


def api_key_unlocked(
    *,
    organization_id: UUID,
    ip: str,
    environment: Environment,
    now: datetime,
    locked_at: datetime,
) -> NewEvent:
    """The lockout of an address has ended; the reason is `elapsed`."""
    fields: dict[str, Value] = {
        "ip": ip,
        "locked_at": iso(locked_at),
        "unlocked_at": iso(now),
    }
    return ops_event(
        "api_key_unlocked",
        reason="elapsed",
        now=now,
        environment=environment,
        fields=fields,
        about=(str(organization_id), ip, locked_at.isoformat()),
        since=locked_at,
    )


def api_key_expiring(
    *,
    key_id: UUID,
    name: str,
    prefix: str,
    environment: Environment,
    now: datetime,
    expires_on: date,
    hours_left: int,
) -> NewEvent:
    """A key stops working at 00:00 UTC of `expires_on`; `hours_left` until then, rounded up.

    The reason is `7_days` or `24_hours`: which of the two warnings this is.
    """
    fields: dict[str, Value] = {
        "key_id": str(key_id),
        "name": name,
        "prefix": prefix,
        "expires_on": expires_on.isoformat(),
        "hours_left": hours_left,
    }
    reason = "24_hours" if hours_left <= _LAST_DAY_HOURS else "7_days"
    return ops_event(
        "api_key_expiring",
        reason=reason,
        now=now,
        environment=environment,
        fields=fields,
        about=(str(key_id), expires_on.isoformat(), reason),
        since=made_at(key_id),
    )


def provider_outage_affecting_partner(
    *,
    provider: str,
    environment: Environment,
    reason: str,
    now: datetime,
    since: datetime,
    order_id: str | None = None,
) -> NewEvent:
    """A provider that the partner uses has been down since then.

    With the reason `refund_interrupted` it went down in the middle of the refund of `order_id`,
    which a person looks at now.
    """
    fields: dict[str, Value] = {
        "provider": provider,
        "down_since": iso(since),
        "order_id": order_id,
    }
    return ops_event(
        "provider_outage_affecting_partner",
        reason=reason,
        now=now,
        environment=environment,
        fields=fields,
        about=None if order_id is None else (order_id, provider, reason),
        since=None if order_id is None else order_made_at(order_id),
    )


def late_deposit(
    *,
    order_id: str,
    partner_order_ref: str | None,
    state: str,
    tx_in_hash: str | None,
    tx_out_hash: str | None,
    note: str | None,
    environment: Environment,
    now: datetime,
) -> NewEvent:
    """A deposit for an order that had expired, or what became of it; the reason is its state.

    The order stays expired. `tx_in_hash` is the deposit where the provider names it, `tx_out_hash`
    what was paid for it or sent back.
    """
    fields: dict[str, Value] = {
        "order_id": order_id,
        "partner_order_ref": partner_order_ref,
        "tx_in_hash": tx_in_hash,
        "tx_out_hash": tx_out_hash,
        "note": note,
    }
    return ops_event(
        "late_deposit",
        reason=state,
        now=now,
        environment=environment,
        fields=fields,
        about=(order_id, state),
        since=order_made_at(order_id),
    )


def payout_sent(
    *,
    payout_id: UUID,
    amount: str,
    currency: str,
    address: str,
    tx_hash: str,
    environment: Environment,
    now: datetime,
) -> NewEvent:
    """A payout is on its way; `amount` is in US dollars. The reason is `sent`."""
    fields: dict[str, Value] = {
        "payout_id": str(payout_id),
        "amount": amount,
        "currency": currency,
        "address": address,
        "tx_hash": tx_hash,
        "sent_at": iso(now),
    }
    return ops_event(
        "payout_sent",
        reason="sent",
        now=now,
        environment=environment,
        fields=fields,
        about=(str(payout_id),),
        since=made_at(payout_id),
    )


async def publish_ops(
    tx: Transaction, *, organization_id: UUID, environment: Environment, event: NewEvent
) -> None:
    """Owe the event to every ops endpoint that wants it, in the caller's transaction."""
    await publish(
        tx,
        organization_id=organization_id,
        environment=environment,
        channel=OPS_CHANNEL,
        events=[event],
    )
