"""Workers killed in mid-traffic: nothing is lost, little is repeated, the order is kept."""

from __future__ import annotations

import random
import signal

from conftest import wait_for

from .conftest import Scale
from .harness import CONCURRENCY, Harness

SEED = 20
ANSWER_S = 0.02


async def test_kills_in_mid_traffic(harness: Harness, scale: Scale) -> None:
    kills, share = scale((8, 100), (100, 200))
    hook = await harness.hook("orders", delay_s=ANSWER_S)
    rng = random.Random(SEED)
    workers = [harness.worker(), harness.worker()]
    for number in range(kills):
        before = harness.accepted()
        await harness.publish(hook, share)
        # That some of it arrives after every kill is the proof that work goes on.
        await harness.accepts(before + rng.randint(share // 10, share // 2))
        workers[number % 2].send_signal(signal.SIGKILL)
        workers[number % 2].wait()
        workers[number % 2] = harness.worker()
    await harness.drained()
    ledgers = await harness.ledgers()
    assert len(ledgers.published) == kills * share
    in_flight = ledgers.lost_leases
    print(f"seed {SEED}: {kills} kills, {in_flight} sends in flight, {ledgers.repeats} repeats")
    assert 0 < in_flight <= kills * CONCURRENCY, "no kill hit a send: the test has no teeth"
    ledgers.check(repeats_at_most=in_flight)
    ledgers.firsts_in_order()


async def test_a_killed_workers_claims_come_back(harness: Harness) -> None:
    """The last thing a worker took before it died is delivered by the next one."""
    # Of an organization each: one alone may not have so many under way at a silent receiver.
    hooks = [await harness.hook(f"orders{number}", silent=True) for number in range(8)]
    for hook in hooks:
        await harness.publish(hook, 1, per_order=1)
    first = harness.worker()

    async def all_under_way() -> bool:
        return len(harness.received()) == 8

    await wait_for(all_under_way)
    first.send_signal(signal.SIGKILL)
    first.wait()
    for hook in hooks:
        await harness.behave(hook.name, silent=False)
    harness.worker()
    await harness.drained()
    ledgers = await harness.ledgers()
    assert ledgers.lost_leases == 8
    assert {one.spent for one in ledgers.stored} == {1}, "our crash spent somebody's attempt"
    ledgers.check(repeats_at_most=0)
