"""The harness has teeth: each kind of damage is found, by the invariant that names it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from privata.webhooks.signing.signatures import sign_privata

from .ledgers import Ledgers, Published, Received, Stored

SECRET = "whsec_test_a"
NOW = int(time.time())


def _whole() -> Ledgers:
    facts = [Published(f"e{seq}", "a", b'{"n":%d}' % seq, "order", seq) for seq in (1, 2, 3)]
    received = [
        Received(
            NOW,
            "a",
            fact.event_id,
            f"d{fact.seq}",
            sign_privata([SECRET], NOW, fact.body),
            fact.body,
            200,
        )
        for fact in facts
    ]
    stored = [
        Stored(f"d{one.seq}", one.event_id, "delivered", 1, 1, (("delivered", False),))
        for one in facts
    ]
    published = {fact.event_id: fact for fact in facts}
    return Ledgers(published, received, stored, {"a": [SECRET], "b": [SECRET]})


def _with_received(index: int, **changes: object) -> Callable[[Ledgers], Ledgers]:
    def change(whole: Ledgers) -> Ledgers:
        received = list(whole.received)
        received[index] = replace(received[index], **changes)  # type: ignore[arg-type]
        return replace(whole, received=received)

    return change


def _with_stored(index: int, **changes: object) -> Callable[[Ledgers], Ledgers]:
    def change(whole: Ledgers) -> Ledgers:
        stored = list(whole.stored)
        stored[index] = replace(stored[index], **changes)  # type: ignore[arg-type]
        return replace(whole, stored=stored)

    return change


def test_a_whole_run_passes() -> None:
    _whole().check(repeats_at_most=0)
    _whole().firsts_in_order()


@pytest.mark.parametrize(
    ("damage", "invariant"),
    [
        (lambda whole: replace(whole, received=whole.received[1:]), "I1"),
        (_with_received(1, status=None), "I1"),
        (_with_received(1, status=500), "I1"),
        (lambda whole: replace(whole, published=dict(list(whole.published.items())[1:])), "I2"),
        (_with_received(1, body=b'{"n": 2}'), "I3"),
        (_with_received(1, at=NOW + 301), "I3"),
        (_with_received(1, signature="t=1,v1=x"), "I3"),
        (lambda whole: replace(whole, secrets={"a": ["whsec_test_b"]}), "I3"),
        (lambda whole: replace(whole, received=[*whole.received, whole.received[0]]), "I4"),
        (
            lambda whole: replace(
                whole, stored=[*whole.stored, Stored("d4", "e4", "delivered", 1, 1)]
            ),
            "I5",
        ),
        (_with_received(1, hook="b"), "I6"),
        (_with_stored(1, outcomes=(("delivered", False), ("http_error", False)), leases=2), "I7"),
        (_with_stored(1, spent=2), "I7"),
        (_with_stored(1, spent=0), "I7"),
    ],
)
def test_damage_is_named(damage: Callable[[Ledgers], Ledgers], invariant: str) -> None:
    with pytest.raises(AssertionError, match=f"^{invariant}:"):
        damage(_whole()).check()


def test_an_ordering_key_that_mixed_up_is_found() -> None:
    whole = _whole()
    with pytest.raises(AssertionError, match="first receipts"):
        replace(whole, received=list(reversed(whole.received))).firsts_in_order()


def test_what_was_in_doubt_may_have_come() -> None:
    whole = _whole()
    *known, doubted = whole.published.items()
    replace(whole, published=dict(known), unsure=dict([doubted])).check()
