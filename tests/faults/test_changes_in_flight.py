"""Endpoints that are changed while events are under way: nothing is lost, nothing goes astray."""

from __future__ import annotations

from conftest import wait_for
from privata.webhooks.endpoints.rotation import rotate_secret
from privata.webhooks.endpoints.service import disable_endpoint, pause_endpoint, update_endpoint
from privata.webhooks.recovery.resuming import resume_endpoint
from privata.webhooks.signing.signatures import verify_privata
from privata.webhooks.tests.deliveries import count, dispatching

from .conftest import Scale
from .world import Hook, World

ANSWER_S = 0.05


async def _under_way(world: World, number: int) -> None:
    async def arrived() -> bool:
        return len(world.received()) >= number

    await wait_for(arrived)


async def test_rotation_in_mid_traffic(world: World, scale: Scale) -> None:
    """A receiver that knows only one of the two, whichever, verifies all of the window."""
    hook = await world.hook("orders", delay_s=0.005)
    async with dispatching(world.kernel):
        for _ in range(scale(3, 20)):
            await world.publish(hook, 100)
            await _under_way(world, len(world.published) - 80)
            before = len(world.received())
            made = await rotate_secret(
                world.kernel, actor=hook.actor, endpoint_id=hook.endpoint_id, overlap_s=300
            )
            old, hook.secrets = hook.secrets[-1], [*hook.secrets, made.secret]
            await world.publish(hook, 100)
            await world.drained()
            for one in world.received()[before:]:
                assert verify_privata(one.body, one.signature, old, one.at)
            both = [
                one
                for one in world.received()[before:]
                if verify_privata(one.body, one.signature, made.secret, one.at)
            ]
            assert len(both) >= 100
            # As if the window were over, so that there can be another rotation.
            await world.kernel.database.pool.execute(
                "UPDATE webhook_secret SET expires_at = now() - interval '1 second'"
                " WHERE expires_at IS NOT NULL"
            )
    ledgers = await world.ledgers()
    ledgers.check(repeats_at_most=0)
    ledgers.firsts_in_order()


async def test_a_killed_secret_signs_nothing_new(world: World) -> None:
    hook = await world.hook("orders")
    leaked = hook.secrets[0]
    made = await rotate_secret(
        world.kernel, actor=hook.actor, endpoint_id=hook.endpoint_id, overlap_s=0
    )
    hook.secrets.append(made.secret)
    async with dispatching(world.kernel):
        await world.publish(hook, 40)
        await world.drained()
    for one in world.received():
        assert verify_privata(one.body, one.signature, made.secret, one.at)
        assert not verify_privata(one.body, one.signature, leaked, one.at)
    (await world.ledgers()).check(repeats_at_most=0)


async def test_the_url_is_edited_in_flight(world: World) -> None:
    """What is under way ends at the old place; what waits goes to the new one; all of it once."""
    hook = await world.hook("old", delay_s=ANSWER_S)
    async with dispatching(world.kernel):
        await world.publish(hook, 400)
        await _under_way(world, 40)
        await update_endpoint(
            world.kernel, actor=hook.actor, endpoint_id=hook.endpoint_id, url=world.url("new")
        )
        edited = len(world.received())
        await world.drained()
    received = world.received()
    places = [one.hook for one in received]
    slots = world.kernel.settings.dispatch_concurrency
    assert set(places[edited + slots :]) == {"new"}, "the old place went on getting events"
    assert {one.event_id for one in received if one.accepted} == set(world.published)
    assert len(received) == len(world.published)


async def test_disabled_in_flight(world: World) -> None:
    """What is under way ends; what waited stays on record and is not sent."""
    hook = await world.hook("orders", delay_s=ANSWER_S)
    async with dispatching(world.kernel):
        await world.publish(hook, 400)
        await _under_way(world, 40)
        await disable_endpoint(world.kernel, actor=hook.actor, endpoint_id=hook.endpoint_id)

        async def quiet() -> bool:
            return await count(world.kernel, "in_flight") == 0

        await wait_for(quiet)
        ended = len(world.received())
        await world.publish(hook, 4)
        kept = await count(world.kernel, "status = 'pending'")
    assert len(world.received()) == ended
    assert kept == 400 - ended > 0, "what was not sent is kept; what came later is not owed"


async def test_paused_then_resumed(world: World, scale: Scale) -> None:
    """Events that come during a pause are held, then delivered in order, none dropped."""
    events = scale(400, 5_000)
    hook = await world.hook("orders")
    await _faster(world, hook)
    async with dispatching(world.kernel):
        await world.publish(hook, 8)
        await world.drained()
        await pause_endpoint(world.kernel, actor=hook.actor, endpoint_id=hook.endpoint_id)
        for _ in range(5):
            await world.publish(hook, events // 5)
        assert world.accepted() == 8, "a paused endpoint got something"
        await resume_endpoint(world.kernel, actor=hook.actor, endpoint_id=hook.endpoint_id)
        await world.drained(seconds=300)
    ledgers = await world.ledgers()
    assert len(ledgers.published) == events + 8
    ledgers.check(repeats_at_most=0)
    ledgers.firsts_in_order()


async def _faster(world: World, hook: Hook) -> None:
    """A pace that does not make the test wait; the pace itself is tested with the claims."""
    await world.kernel.database.pool.execute(
        "UPDATE webhook_endpoint SET pace_per_s = 400 WHERE id = $1", hook.endpoint_id
    )
