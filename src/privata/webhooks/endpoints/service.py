"""Endpoints: making, changing, pausing, disabling and deleting them.

Everything is the actor's: what belongs to another organization or environment is not found.
`held` is no state that is stored. A pending delivery of a paused endpoint is held, so pausing and
resuming change one row, whatever the backlog, and no delivery can be forgotten between the two.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from types import EllipsisType
from typing import Final
from uuid import UUID

from privata.audit.service import changed
from privata.core.errors import UrlRefused, ValidationFailed
from privata.core.tenancy import Actor, Environment
from privata.events.service import DELIVERIES_WAKEUP, LIVE_WAKEUP, live_payload
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.infra.http.idempotency import Keep
from privata.webhooks.endpoints import store
from privata.webhooks.endpoints.access import locked_endpoint, note
from privata.webhooks.endpoints.cap import refuse_one_too_many
from privata.webhooks.endpoints.new_secrets import new_secret
from privata.webhooks.endpoints.rules import (
    checked_alias,
    checked_channel,
    checked_dialect,
    checked_filter,
    checked_pace,
    checked_schedule,
    dialect_for,
)
from privata.webhooks.endpoints.secret_emails import tell_of_secret
from privata.webhooks.states import Channel, Dialect, EndpointStatus
from privata.webhooks.transport.guard import NOT_REACHABLE, parse_url
from privata.webhooks.transport.policies import policies
from privata.webhooks.transport.resolver import Lookup, Resolver

#: Seconds a host name may take to resolve when its URL is entered.
LOOKUP_S: Final = 5.0


async def check_url(
    ctx: AppContext, environment: Environment, url: str, lookup: Lookup | None = None
) -> None:
    """Judge a URL as each attempt will: its text, then every address behind its host.

    `UrlRefused`; a host that is blocked, unknown or silent gets one and the same message, so that
    nobody can map a network by entering URLs.
    """
    policy = policies(ctx.settings)[environment.value]
    target = parse_url(url, policy=policy)
    resolver = Resolver(lookup)
    try:
        async with asyncio.timeout(LOOKUP_S):
            found = await resolver.resolve(target, policy)
    except TimeoutError:
        raise UrlRefused(NOT_REACHABLE, reason="lookup_timeout") from None
    finally:
        await resolver.aclose()
    if found.failure is not None:
        raise UrlRefused(NOT_REACHABLE, reason=found.reason)


async def create_endpoint(
    ctx: AppContext,
    *,
    actor: Actor,
    url: str,
    alias: str,
    channel: str,
    event_filter: Sequence[str] | None = None,
    dialect: str = "privata",
    lookup: Lookup | None = None,
    keep: Keep[tuple[UUID, str]] | None = None,
) -> tuple[UUID, str]:
    """Make an endpoint in the actor's environment; its id and, this once, its secret.

    An ops endpoint at Slack speaks `slack`, whatever `dialect` says.
    `ValidationFailed` for a wrong field, `EndpointLimit` when the plan holds no more, `UrlRefused`
    for a URL that we would not deliver to.
    `lookup` resolves names (default: the system).
    """
    kind = checked_channel(channel)
    chosen = checked_filter(kind, event_filter)
    speaks = dialect_for(kind, url, checked_dialect(dialect))
    fields = (kind.value, checked_alias(alias), url, speaks.value, chosen)
    await check_url(ctx, actor.environment, url, lookup)
    endpoint_id = uuid.uuid4()
    secret = new_secret(ctx.sealer, actor.environment, speaks.value)
    async with ctx.database.transaction() as tx:
        await refuse_one_too_many(tx, actor)
        await store.insert_endpoint(tx, actor, endpoint_id, fields, secret)
        types = None if chosen is None else tuple(chosen)
        changes = {"alias": alias, "url": url, "channel": channel, "event_filter": types}
        await note(tx, actor, "endpoint.created", endpoint_id, changes)
        await tell_of_secret(ctx, tx, actor=actor, endpoint_id=endpoint_id)
        if keep is not None:
            await keep(tx, (endpoint_id, secret.plain))
    return endpoint_id, secret.plain


async def update_endpoint(
    ctx: AppContext,
    *,
    actor: Actor,
    endpoint_id: UUID,
    alias: str | None = None,
    url: str | None = None,
    event_filter: Sequence[str] | EllipsisType | None = ...,
    strict_ordering: bool | None = None,
    schedule_s: Sequence[int] | EllipsisType | None = ...,
    pace_per_s: int | None = None,
    lookup: Lookup | None = None,
) -> None:
    """Change what is given, all of it or nothing. Errors as for `create_endpoint`.

    A filter of None means all events, a schedule of None that of the dialect. Waiting deliveries go
    to the new URL, in flight ones still to the old. Failures of the old one are forgotten. Attempts
    that are due keep their time: a new schedule says when the ones after them are.
    """
    if url is not None:
        await check_url(ctx, actor.environment, url, lookup)
    async with ctx.database.transaction() as tx:
        row = await locked_endpoint(tx, actor, endpoint_id)
        chosen, schedule = row["event_filter"], row["schedule_s"]
        if not isinstance(event_filter, EllipsisType):
            chosen = checked_filter(Channel(row["channel"]), event_filter)
        if not isinstance(schedule_s, EllipsisType):
            schedule = checked_schedule(schedule_s)
        moved = row["url"] if url is None else url
        spoken = Dialect(row["dialect"])
        new = {
            "alias": row["alias"] if alias is None else checked_alias(alias),
            "url": moved,
            "event_filter": chosen,
            "dialect": dialect_for(Channel(row["channel"]), moved, spoken).value,
            "strict_ordering": row["strict_ordering"]
            if strict_ordering is None
            else strict_ordering,
            "schedule_s": schedule,
            "pace_per_s": row["pace_per_s"] if pace_per_s is None else checked_pace(pace_per_s),
        }
        changes = {
            name: changed(row[name], value) for name, value in new.items() if row[name] != value
        }
        if not changes:
            return
        await store.change_endpoint(tx, actor, endpoint_id, new)
        await note(tx, actor, "endpoint.updated", endpoint_id, changes)
        tx.wake(DELIVERIES_WAKEUP)  # ordering keys and pace decide what may be sent now


async def pause_endpoint(
    ctx: AppContext, *, actor: Actor, endpoint_id: UUID, reason: str = "manual"
) -> None:
    """Hold all deliveries from now on; nothing is dropped. Does nothing to one that is paused.

    `NotFound`; `ValidationFailed` for a disabled one: what waited for it has ended for good.
    """
    async with ctx.database.transaction() as tx:
        row = await locked_endpoint(tx, actor, endpoint_id)
        if row["status"] == EndpointStatus.PAUSED:
            return
        if row["status"] == EndpointStatus.DISABLED:
            raise ValidationFailed(
                "This endpoint is disabled, and that cannot be undone. Create a new endpoint."
            )
        status = EndpointStatus.PAUSED.value
        await store.move_endpoint(tx, actor, endpoint_id, status, reason, actor.label)
        await note(tx, actor, "endpoint.paused", endpoint_id, {"reason": reason})


async def disable_endpoint(ctx: AppContext, *, actor: Actor, endpoint_id: UUID) -> None:
    """Take it out of use: no event is queued for it any more.

    What waited ends, and stays on record. `NotFound`; does nothing to one that is disabled.
    """
    async with ctx.database.transaction() as tx:
        row = await locked_endpoint(tx, actor, endpoint_id)
        if row["status"] != EndpointStatus.DISABLED:
            await _end(tx, actor, row, "endpoint.disabled")


async def delete_endpoint(ctx: AppContext, *, actor: Actor, endpoint_id: UUID) -> None:
    """Take it out of use and out of sight, for good; its secrets sign nothing any more.

    The log keeps its deliveries as of a deleted endpoint. `NotFound`, also for one that is deleted.
    """
    async with ctx.database.transaction() as tx:
        row = await locked_endpoint(tx, actor, endpoint_id)
        await _end(tx, actor, row, "endpoint.deleted")
        await store.delete_endpoint(tx, actor, endpoint_id)


async def _end(tx: Transaction, actor: Actor, row: store.Row, action: str) -> None:
    endpoint_id: UUID = row["id"]
    ended = await store.waiting_for(tx, actor, endpoint_id)
    await store.move_endpoint(tx, actor, endpoint_id, EndpointStatus.DISABLED.value)
    changes = {"was": row["status"], "alias": row["alias"], "url": row["url"], "ended": ended}
    await note(tx, actor, action, endpoint_id, changes)
    # Rows of the log show what became of them.
    tx.wake(LIVE_WAKEUP, live_payload(actor.organization_id, actor.environment, "deliveries"))
