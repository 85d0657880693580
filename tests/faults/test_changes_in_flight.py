"""Endpoints that are changed while events are under way: nothing is lost, nothing goes astray."""

from __future__ import annotations

from conftest import wait_for
from privata.webhooks.endpoints.rotation import rotate_secret
from privata.webhooks.endpoints.service import disable_endpoint, pause_endpoint, update_endpoint
from privata.webhooks.recovery.resuming import resume_endpoint
from privata.webhooks.signing.signatures import verify_privata
from privata.webhooks.tests.deliveries import count, dispatching

from .conftest import Scale
from .harness import Harness, Hook

ANSWER_S = 0.05


async def _under_way(harness: Harness, number: int) -> None:
    async def arrived() -> bool:
        return len(harness.received()) >= number

    await wait_for(arrived)


async def test_rotation_in_mid_traffic(harness: Harness, scale: Scale) -> None:
    """A receiver that knows only one of the two, whichever, verifies all of the window."""
    hook = await harness.hook("orders", delay_s=0.005)
    async with dispatching(harness.ctx):
        for _ in range(scale(3, 20)):
            await harness.publish(hook, 100)
            await _under_way(harness, len(harness.published) - 80)
            before = len(harness.received())
            made = await rotate_secret(
                harness.ctx, actor=hook.actor, endpoint_id=hook.endpoint_id, overlap_s=300
            )
            old, hook.secrets = hook.secrets[-1], [*hook.secrets, made.secret]
            await harness.publish(hook, 100)
            await harness.drained()
            for one in harness.received()[before:]:
                assert verify_privata(one.body, one.signature, old, one.at)
            both = [
                one
                for one in harness.received()[before:]
                if verify_privata(one.body, one.signature, made.secret, one.at)
            ]
            assert len(both) >= 100
            # As if the window were over, so that there can be another rotation.
            await harness.ctx.database.pool.execute(
                "UPDATE webhook_secret SET expires_at = now() - interval '1 second'"
                " WHERE expires_at IS NOT NULL"
            )
    ledgers = await harness.ledgers()
    ledgers.check(repeats_at_most=0)
    ledgers.firsts_in_order()


async def test_a_killed_secret_signs_nothing_new(harness: Harness) -> None:
    hook = await harness.hook("orders")
    leaked = hook.secrets[0]
    made = await rotate_secret(
        harness.ctx, actor=hook.actor, endpoint_id=hook.endpoint_id, overlap_s=0
    )
    hook.secrets.append(made.secret)
    async with dispatching(harness.ctx):
        await harness.publish(hook, 40)
        await harness.drained()
    for one in harness.received():
        assert verify_privata(one.body, one.signature, made.secret, one.at)
        assert not verify_privata(one.body, one.signature, leaked, one.at)
    (await harness.ledgers()).check(repeats_at_most=0)


async def test_the_url_is_edited_in_flight(harness: Harness) -> None:
    """What is under way ends at the old place; what waits goes to the new one; all of it once."""
    hook = await harness.hook("old", delay_s=ANSWER_S)
    async with dispatching(harness.ctx):
        await harness.publish(hook, 400)
        await _under_way(harness, 40)
        await update_endpoint(
            harness.ctx, actor=hook.actor, endpoint_id=hook.endpoint_id, url=harness.url("new")
        )
        edited = len(harness.received())
        await harness.drained()
    received = harness.received()
    places = [one.hook for one in received]
    slots = harness.ctx.settings.dispatch_concurrency
    assert set(places[edited + slots :]) == {"new"}, "the old place went on getting events"
    assert {one.event_id for one in received if one.accepted} == set(harness.published)
    assert len(received) == len(harness.published)


async def test_disabled_in_flight(harness: Harness) -> None:
    """What is under way ends; what waited stays on record and is not sent."""
    hook = await harness.hook("orders", delay_s=ANSWER_S)
    async with dispatching(harness.ctx):
        await harness.publish(hook, 400)
        await _under_way(harness, 40)
        await disable_endpoint(harness.ctx, actor=hook.actor, endpoint_id=hook.endpoint_id)

        async def quiet() -> bool:
            return await count(harness.ctx, "in_flight") == 0

        await wait_for(quiet)
        ended = len(harness.received())
        await harness.publish(hook, 4)
        kept = await count(harness.ctx, "status = 'pending'")
    assert len(harness.received()) == ended
    assert kept == 400 - ended > 0, "what was not sent is kept; what came later is not owed"


async def test_paused_then_resumed(harness: Harness, scale: Scale) -> None:
    """Events that come during a pause are held, then delivered in order, none dropped."""
    events = scale(400, 5_000)
    hook = await harness.hook("orders")
    await _faster(harness, hook)
    async with dispatching(harness.ctx):
        await harness.publish(hook, 8)
        await harness.drained()
        await pause_endpoint(harness.ctx, actor=hook.actor, endpoint_id=hook.endpoint_id)
        for _ in range(5):
            await harness.publish(hook, events // 5)
        assert harness.accepted() == 8, "a paused endpoint got something"
        await resume_endpoint(harness.ctx, actor=hook.actor, endpoint_id=hook.endpoint_id)
        await harness.drained(seconds=300)
    ledgers = await harness.ledgers()
    assert len(ledgers.published) == events + 8
    ledgers.check(repeats_at_most=0)
    ledgers.firsts_in_order()


async def _faster(harness: Harness, hook: Hook) -> None:
    """A pace that does not make the test wait; the pace itself is tested with the claims."""
    await harness.ctx.database.pool.execute(
        "UPDATE webhook_endpoint SET pace_per_s = 400 WHERE id = $1", hook.endpoint_id
    )
