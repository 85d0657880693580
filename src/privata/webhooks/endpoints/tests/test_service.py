"""Endpoints: made, changed, paused, resumed; always the actor's own, always audited."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, TypedDict
from uuid import UUID

import asyncpg
import pytest

from privata.core.errors import NotFound, UrlRefused, ValidationFailed, WebhookNotPaused
from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.webhooks.endpoints import service
from privata.webhooks.recovery.resuming import resume_endpoint
from privata.webhooks.recovery.retries import retry_delivery
from privata.webhooks.tests.deliveries import (
    actor_of,
    endpoint,
    publish_order,
)
from privata.webhooks.tests.receivers import Names
from privata.webhooks.transport.guard import NOT_REACHABLE

PUBLIC = Names({"hooks.acme.com": ["93.184.216.34"], "inside.acme.com": ["10.0.0.1"]})


class Fields(TypedDict, total=False):
    """What is asked of a new endpoint."""

    alias: str
    channel: str
    dialect: str
    event_filter: Sequence[str]


async def row_of(ctx: AppContext, endpoint_id: UUID) -> asyncpg.Record:
    row = await ctx.database.pool.fetchrow(
        "SELECT * FROM webhook_endpoint WHERE id = $1", endpoint_id
    )
    assert row is not None
    return row


async def audited(ctx: AppContext) -> list[str]:
    rows = await ctx.database.pool.fetch("SELECT action FROM audit_entry ORDER BY id")
    return [row["action"] for row in rows]


async def test_an_endpoint_and_its_secret(ctx: AppContext, organization: UUID) -> None:
    live = actor_of(organization, Environment.LIVE)
    endpoint_id, secret = await service.create_endpoint(
        ctx,
        actor=live,
        url="https://hooks.acme.com/privata",
        alias="  Orders ",
        channel="order",
        event_filter=["order.failed", "order.completed", "order.failed"],
        lookup=PUBLIC,
    )
    row = await row_of(ctx, endpoint_id)
    assert (row["alias"], row["environment"], row["status"]) == ("Orders", "live", "active")
    assert row["event_filter"] == ["order.completed", "order.failed"]
    assert secret.startswith("whsec_live_")
    kept = await ctx.database.pool.fetchrow("SELECT * FROM webhook_secret")
    assert kept is not None
    assert secret.encode() not in kept["sealed"]
    assert kept["hint"] == secret[:16]
    assert await audited(ctx) == ["endpoint.created"]


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("alias", {"alias": " "}),
        ("alias", {"alias": "x" * 81}),
        ("alias", {"alias": "a\nb"}),
        ("channel", {"channel": "money"}),
        ("dialect", {"dialect": "pigeon"}),
        ("event_filter", {"event_filter": []}),
        ("event_filter", {"event_filter": ["order.lost"]}),
        ("event_filter", {"event_filter": ["order.completed", "x" * 65]}),
    ],
)
async def test_wrong_fields_are_named(
    ctx: AppContext, organization: UUID, field: str, changes: Fields
) -> None:
    given: Fields = {"alias": "A", "channel": "order", **changes}
    with pytest.raises(ValidationFailed) as caught:
        await service.create_endpoint(
            ctx, actor=actor_of(organization), url="http://localhost:1/", **given
        )
    assert [name for name, _ in caught.value.fields] == [field]
    ((_, fragment),) = caught.value.fields
    assert not fragment[0].isupper(), "the sentence is the error's, the field has a fragment"
    assert not fragment.endswith(".")


@pytest.mark.parametrize("host", ["inside.acme.com", "unknown.acme.com", "10.0.0.1"])
async def test_hosts_that_are_no_good_look_alike(
    ctx: AppContext, organization: UUID, host: str
) -> None:
    names = Names(PUBLIC.table | {"unknown.acme.com": OSError("no answer")})
    with pytest.raises(UrlRefused) as caught:
        await service.create_endpoint(
            ctx,
            actor=actor_of(organization),
            url=f"https://{host}/",
            alias="A",
            channel="order",
            lookup=names,
        )
    assert caught.value.message == NOT_REACHABLE


async def test_plain_http_is_for_test_endpoints_of_a_development_server(
    ctx: AppContext, organization: UUID
) -> None:
    live = actor_of(organization, Environment.LIVE)
    with pytest.raises(UrlRefused):
        await service.check_url(ctx, live.environment, "http://localhost:9000/")
    await service.check_url(ctx, Environment.TEST, "http://localhost:9000/")


async def test_an_update_changes_what_is_given(ctx: AppContext, organization: UUID) -> None:
    actor = actor_of(organization)
    endpoint_id, _ = await endpoint(ctx, organization)
    await service.update_endpoint(ctx, actor=actor, endpoint_id=endpoint_id, alias="Orders")
    assert await audited(ctx) == ["endpoint.created"]  # nothing was different
    await service.update_endpoint(
        ctx, actor=actor, endpoint_id=endpoint_id, event_filter=["order.completed"]
    )
    row = await row_of(ctx, endpoint_id)
    assert (row["alias"], row["event_filter"]) == ("Orders", ["order.completed"])
    await service.update_endpoint(ctx, actor=actor, endpoint_id=endpoint_id, event_filter=None)
    assert (await row_of(ctx, endpoint_id))["event_filter"] is None
    with pytest.raises(UrlRefused):
        await service.update_endpoint(
            ctx, actor=actor, endpoint_id=endpoint_id, url="https://10.0.0.1/"
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"alias": ""},
        {"url": "https://10.0.0.1/"},
        {"event_filter": []},
        {"schedule_s": [60, 5]},
        {"pace_per_s": 0},
    ],
)
async def test_a_refused_change_of_an_endpoint_changes_nothing(
    ctx: AppContext, organization: UUID, wrong: dict[str, Any]
) -> None:
    """A wrong schedule was refused when the new name had been saved already."""
    endpoint_id, _ = await endpoint(ctx, organization)
    before = dict(await row_of(ctx, endpoint_id))
    good: dict[str, Any] = {"alias": "New name", "strict_ordering": True, "pace_per_s": 7}
    actor = actor_of(organization)
    with pytest.raises((ValidationFailed, UrlRefused)):
        await service.update_endpoint(ctx, actor=actor, endpoint_id=endpoint_id, **(good | wrong))
    assert dict(await row_of(ctx, endpoint_id)) == before
    await service.update_endpoint(ctx, actor=actor, endpoint_id=endpoint_id, **good)
    assert await audited(ctx) == ["endpoint.created", "endpoint.updated"]


async def test_pause_resume_disable(ctx: AppContext, organization: UUID) -> None:
    actor = actor_of(organization)
    endpoint_id, _ = await endpoint(ctx, organization)
    with pytest.raises(WebhookNotPaused):
        await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    await service.pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    await service.pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id, reason="gone")
    row = await row_of(ctx, endpoint_id)
    assert (row["status"], row["paused_reason"]) == ("paused", "manual")
    await resume_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    row = await row_of(ctx, endpoint_id)
    assert (row["status"], row["paused_at"], row["paused_reason"]) == ("active", None, None)
    await service.disable_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    await publish_order(ctx, organization)
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM webhook_every_delivery") == 0
    assert await audited(ctx) == [
        "endpoint.created",
        "endpoint.paused",
        "endpoint.resumed",
        "endpoint.disabled",
    ]


async def test_others_endpoints_and_deliveries_are_not_found(
    ctx: AppContext, organization: UUID
) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    delivery_id = await ctx.database.pool.fetchval("SELECT id FROM webhook_due")
    strangers = [actor_of(uuid.uuid4()), actor_of(organization, Environment.LIVE)]
    for actor in strangers:
        for verb in (
            service.update_endpoint,
            service.pause_endpoint,
            resume_endpoint,
            service.disable_endpoint,
        ):
            with pytest.raises(NotFound):
                await verb(ctx, actor=actor, endpoint_id=endpoint_id)
        with pytest.raises(NotFound):
            await retry_delivery(ctx, actor=actor, delivery_id=delivery_id)


async def test_no_retry_while_paused(ctx: AppContext, organization: UUID) -> None:
    endpoint_id, _ = await endpoint(ctx, organization)
    await publish_order(ctx, organization)
    actor = actor_of(organization)
    await service.pause_endpoint(ctx, actor=actor, endpoint_id=endpoint_id)
    delivery_id = await ctx.database.pool.fetchval("SELECT id FROM webhook_due")
    await _refuses(ctx, actor, delivery_id, "Resume the endpoint first")


async def _refuses(ctx: AppContext, actor: Actor, delivery_id: UUID, why: str) -> None:
    with pytest.raises(ValidationFailed, match=why):
        await retry_delivery(ctx, actor=actor, delivery_id=delivery_id)
