"""Ids of ops events: what can happen once has one id, an occurrence has an id of its own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from privata.core.ids import made_at, new_id, new_order_id
from privata.core.tenancy import Environment
from privata.events import ops_events
from privata.events.service import NewEvent

LIVE, TEST = Environment.LIVE, Environment.TEST
NOW = datetime(2026, 5, 21, 10, 14, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=3)
ONE, OTHER = UUID(int=1), UUID(int=2)

#: Ids in time order, of a moment long before the events.
BEGUN = NOW - timedelta(days=40)
ORDER, NEW = new_order_id(BEGUN), new_id(BEGUN)


def payout(ident: UUID, now: datetime = NOW, environment: Environment = LIVE) -> NewEvent:
    return ops_events.payout_sent(
        payout_id=ident,
        amount="500.00",
        currency="USDC-SOL",
        address="a",
        tx_hash="t",
        environment=environment,
        now=now,
    )


def late(state: str, now: datetime) -> NewEvent:
    return ops_events.late_deposit(
        order_id="prv-1",
        partner_order_ref=None,
        state=state,
        tx_in_hash=None,
        tx_out_hash=None,
        note=None,
        environment=TEST,
        now=now,
    )


def expiring(hours_left: int, now: datetime) -> NewEvent:
    return ops_events.api_key_expiring(
        key_id=ONE,
        name="x",
        prefix="pk",
        environment=LIVE,
        now=now,
        expires_on=date(2026, 6, 1),
        hours_left=hours_left,
    )


def unlocked(organization_id: UUID, now: datetime) -> NewEvent:
    return ops_events.api_key_unlocked(
        organization_id=organization_id, ip="203.0.113.7", environment=LIVE, now=now, locked_at=NOW
    )


def interrupted(order_id: str, now: datetime) -> NewEvent:
    return ops_events.provider_outage_affecting_partner(
        provider="simulator",
        environment=LIVE,
        reason="refund_interrupted",
        now=now,
        since=now,
        order_id=order_id,
    )


@pytest.mark.parametrize(
    ("first", "again", "other"),
    [
        (payout(ONE), payout(ONE, LATER), payout(OTHER)),
        (payout(ONE), payout(ONE, LATER), payout(ONE, environment=TEST)),
        (late("seen", NOW), late("seen", LATER), late("swapped", NOW)),
        (expiring(168, NOW), expiring(160, LATER), expiring(24, LATER)),
        (unlocked(ONE, NOW), unlocked(ONE, LATER), unlocked(OTHER, NOW)),
        (interrupted("prv-1", NOW), interrupted("prv-1", LATER), interrupted("prv-2", NOW)),
        (interrupted(ORDER, NOW), interrupted(ORDER, LATER), interrupted("prv-2", NOW)),
        (payout(NEW), payout(NEW, LATER), payout(new_id(NOW))),
    ],
)
def test_told_again_at_another_time_it_is_the_same_event(
    first: NewEvent, again: NewEvent, other: NewEvent
) -> None:
    assert first.event_id == again.event_id != other.event_id
    assert f'"event_id":"{first.event_id}"'.encode() in again.body


def test_the_ids_that_were_told_are_found_again_by_later_releases() -> None:
    """Its namespace and the way it is written down must not change."""
    assert payout(ONE).event_id == "ops-cb868874-1fbf-5d9a-987e-4e074895e70d:payout_sent"


def test_an_occurrence_has_an_id_of_its_own() -> None:
    two = [
        ops_events.api_key_locked(
            ip="203.0.113.7", environment=LIVE, now=NOW, locked_until=LATER, attempts=5
        ).event_id
        for _ in range(2)
    ]
    assert len(set(two)) == 2


@pytest.mark.parametrize(
    ("event", "at"),
    [
        (interrupted(ORDER, NOW), BEGUN),
        (payout(NEW), BEGUN),
        (unlocked(ONE, LATER), NOW),
    ],
)
def test_the_id_stands_in_time_order_by_what_it_is_about(event: NewEvent, at: datetime) -> None:
    ident = event.event_id.removeprefix("ops-").partition(":")[0]
    assert made_at(UUID(ident)) == at
