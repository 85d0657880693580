"""Who may hold how many slots: the rules as numbers, and a worker's slots under them."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.webhooks.engine.shares import (
    FULL_S,
    LEAST,
    LIVE_RESERVE,
    MOST,
    TEST_RESERVE,
    UNMEASURED_S,
    account_free,
    averaged,
    endpoint_cap,
    first_take,
    reserve,
)
from privata.webhooks.engine.slots import Account, Grant, Slot, Slots

SLOW_S, QUICK_S = 4.7, 0.005
_HELD = st.floats(0, 60)
_FREE = st.integers(1, 300)


@given(_FREE, st.integers(1, 300), _HELD)
def test_the_last_slot_is_for_somebody_who_has_none(free: int, sends: int, held_s: float) -> None:
    assert account_free(free, sends, held_s) < free
    assert account_free(free, 0, held_s) >= 1


@given(st.integers(2, 4096), _HELD)
def test_alone_an_account_comes_to_its_share(slots: int, held_s: float) -> None:
    """However many claims it takes: what it is given first leaves nothing to be given."""
    got = account_free(slots, 0, held_s)
    assert got <= max(1, slots * MOST)
    assert account_free(slots - got, got, held_s) == 0
    if held_s <= FULL_S:
        assert got == int(slots * MOST) or got == 1
    if held_s >= FULL_S * MOST / LEAST:
        assert got == max(1, int(slots * LEAST))


@given(_FREE, st.integers(0, 300), _HELD, _HELD)
def test_who_holds_slots_for_longer_never_gets_more(
    free: int, sends: int, one: float, other: float
) -> None:
    quick, slow = sorted([one, other])
    assert account_free(free, sends, slow) <= account_free(free, sends, quick)
    assert 1 <= endpoint_cap(free, slow) <= endpoint_cap(free, quick) <= free


def test_an_endpoint_gets_slots_by_what_it_costs() -> None:
    """Seconds that a slot is held count, not requests."""
    assert [endpoint_cap(16, held_s) for held_s in (0.0, 0.5, 1.0, 2.0, 4.7, 60.0)] == [
        16,
        16,
        8,
        4,
        2,
        2,
    ]


def test_a_small_worker_keeps_nothing_back_that_it_needs() -> None:
    assert [reserve(slots, 8) for slots in (1, 2, 3, 8, 64)] == [0, 0, 1, 1, 8]
    assert [first_take(free) for free in (0, 1, 8, 64)] == [0, 1, 1, 4]


@pytest.mark.parametrize(
    ("environment", "held_s", "most"),
    [("live", QUICK_S, 54), ("test", QUICK_S, 49), ("live", SLOW_S, 7), ("test", SLOW_S, 7)],
)
def test_alone_an_organization_gets_what_the_guide_says(
    environment: str, held_s: float, most: int
) -> None:
    slots = Slots(64, 16)
    account = Account(uuid4(), environment, False)
    slot = Slot(account, uuid4(), False)
    slots.take(slot, 0, 0.0)
    slots.sent(0, held_s)
    slots.free(slot, 0)
    sends = 0
    while (more := slots.grant(held_s)._of_account(account)) > 0:
        for _ in range(more):
            sends += 1
            slots.take(slot, sends, held_s)
    assert sends == most


def test_an_ops_endpoint_gets_what_the_guide_says() -> None:
    account = Account(uuid4(), "live", True)
    for held_s, most in ((QUICK_S, 2), (SLOW_S, 1)):
        slots = Slots(64, 16)
        slot = Slot(account, uuid4(), False)
        slots.take(slot, 0, 0.0)
        slots.sent(0, held_s)
        slots.free(slot, 0)
        assert slots.grant(held_s)._of_endpoint(slot.endpoint_id, True) == most


def test_an_average_begins_with_the_first_and_follows() -> None:
    held = averaged(None, 4.0, 1 / 8)
    assert held == 4.0
    for _ in range(40):
        held = averaged(held, 0.0, 1 / 8)
    assert held < FULL_S


@dataclass
class Model:
    """A worker over time: what is due, who has slots, and a claim as the statement makes it."""

    slots: Slots
    now: float = 0.0
    due: defaultdict[Account, Counter[UUID]] = field(default_factory=lambda: defaultdict(Counter))
    under_way: deque[tuple[float, int, Slot]] = field(default_factory=deque)
    held_s: dict[UUID, float] = field(default_factory=dict)
    began: Counter[Account] = field(default_factory=Counter)
    number: int = 0

    def holds(self, account: Account) -> int:
        return sum(slot.account == account for _, _, slot in self.under_way)

    def claim(self) -> None:
        while self._claim_once():
            pass

    def _claim_once(self) -> bool:
        grant = self.slots.grant(self.now)
        taken: list[Slot] = []
        room = {"live": grant.room.live, "test": grant.room.test}
        if grant.room.orders <= 0:
            return False
        for account in sorted(self.due, key=lambda one: self._rank(grant, one)):
            left = grant._of_account(account)
            for endpoint_id, count in self.due[account].items():
                if left <= 0:
                    break
                give = min(
                    count,
                    left,
                    max(0, grant._of_endpoint(endpoint_id, False)),
                    grant.room.orders - len(taken),
                    room[account.environment],
                )
                self.due[account][endpoint_id] -= give
                left -= give
                room[account.environment] -= give
                taken += [Slot(account, endpoint_id, False)] * give
        for slot in taken:
            self.number += 1
            self.slots.take(slot, self.number, self.now)
            self.began[slot.account] += 1
            end = self.now + self.held_s[slot.endpoint_id]
            self.under_way.append((end, self.number, slot))
        return bool(taken)

    def _rank(self, grant: Grant, account: Account) -> tuple[bool, int]:
        known = grant.accounts.get(account)
        return account.environment == "test", 0 if known is None else known.sends

    def advance(self, seconds: float) -> None:
        """Let time pass: sends end, and what gets free is claimed again."""
        until = self.now + seconds
        while self.under_way:
            first = min(self.under_way)
            if first[0] > until:
                break
            self.under_way.remove(first)
            self.now, number, slot = first
            self.slots.sent(number, self.now)
            self.slots.free(slot, number)
            self.claim()
        self.now = until
        self.claim()


def _account(environment: str = "test") -> Account:
    return Account(uuid4(), environment, False)


@pytest.mark.parametrize("environment", ["test", "live"])
def test_500_slow_endpoints_of_one_organization_leave_slots_to_the_others(environment: str) -> None:
    """One sandbox key had taken all 64 slots, and first attempts of others waited for minutes."""
    model = Model(Slots(64, 16))
    slow = _account(environment)
    for _ in range(500):
        endpoint_id = uuid4()
        model.held_s[endpoint_id] = SLOW_S
        model.due[slow][endpoint_id] = 12
    model.claim()
    others = [(_account("test"), uuid4()) for _ in range(8)]
    # Nobody knows them yet.
    assert model.holds(slow) <= account_free(64, 0, UNMEASURED_S)
    most = 0
    for tick in range(400):
        account, endpoint_id = others[tick % len(others)]
        model.held_s[endpoint_id] = QUICK_S
        before = model.began[account]
        model.due[account][endpoint_id] += 1
        model.claim()
        assert model.began[account] == before + 1, "a first attempt of another waited"
        if model.now > 2 * SLOW_S:
            most = max(most, model.holds(slow))
        model.advance(0.05)
    assert most <= 64 * LEAST + 1
    assert model.began[slow] > 30, "and it is served itself"


def test_slow_sends_do_not_hide_behind_quick_ones() -> None:
    """Quick receivers that keep an organization's average low do not let its slow ones pile up."""
    model = Model(Slots(64, 16))
    mixed = _account()
    slow = [uuid4() for _ in range(200)]
    quick = uuid4()
    model.held_s = dict.fromkeys(slow, SLOW_S) | {quick: QUICK_S}
    for _ in range(20):
        model.due[mixed][quick] += 20
        model.advance(0.02)
    for endpoint_id in slow:
        model.due[mixed][endpoint_id] = 10
    most = 0
    for _ in range(150):
        model.due[mixed][quick] += 20
        model.advance(0.1)
        newcomer, endpoint_id = _account(), uuid4()
        model.held_s[endpoint_id] = QUICK_S
        model.due[newcomer][endpoint_id] = 1
        model.claim()
        assert model.began[newcomer] == 1
        most = max(most, sum(slot.endpoint_id in slow for _, _, slot in model.under_way))
    assert most <= 64 * MOST


def test_a_quick_organization_alone_has_nearly_all_slots() -> None:
    model = Model(Slots(64, 16))
    alone = _account()
    endpoints = [uuid4() for _ in range(8)]
    model.held_s = dict.fromkeys(endpoints, QUICK_S)
    most = 0
    for _ in range(30):
        for endpoint_id in endpoints:
            model.due[alone][endpoint_id] = 100
        model.advance(0.004)
        most = max(most, model.holds(alone))
    assert most == int((64 - reserve(64, LIVE_RESERVE)) * MOST)


def test_live_goes_before_test_and_neither_starves() -> None:
    model = Model(Slots(64, 16))
    for environment in ("test", "live"):
        for _ in range(40):
            account, endpoint_id = _account(environment), uuid4()
            model.held_s[endpoint_id] = SLOW_S
            model.due[account][endpoint_id] = 1_000
    model.claim()
    holds = Counter(slot.account.environment for _, _, slot in model.under_way)
    assert holds["live"] > holds["test"] > 0
    assert holds["live"] <= 64 - reserve(64, TEST_RESERVE)


def test_the_ops_channel_is_shared_by_the_same_rules() -> None:
    """It has 8 slots, and one endpoint's cap was 16: one silent endpoint had them all."""
    slots = Slots(64, 16)
    account = Account(uuid4(), "live", True)
    taken = 0
    while (known := slots.grant(60.0)) and known._of_account(account) > 0:
        slots.take(Slot(account, uuid4(), False), taken, 0.0)
        taken += 1
    assert taken <= 2
    assert slots.grant(60.0).first_of_ops_endpoint <= 2
    other = Account(uuid4(), "test", True)
    assert slots.grant(60.0)._of_account(other) >= 1
