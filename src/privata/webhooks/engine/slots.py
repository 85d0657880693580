"""How many deliveries a worker sends at the same time, of which kinds, and whose. Pure.

Order traffic has `concurrency` slots. A quarter of them is for first attempts only, so a heap of
retries to dead receivers cannot keep a new event waiting. Ops events have slots of their own on
top, so that order traffic of any amount cannot keep the news of a pause from arriving. What one
organization and one endpoint may hold of either is up to `shares`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from privata.core.tenancy import Environment
from privata.webhooks.engine import shares

#: One in so many slots is for first attempts.
FIRST_SHARE: Final = 4

#: One slot for ops events on top of so many of the others; at least one.
OPS_SHARE: Final = 8

#: So many endpoints and accounts are remembered between their sends; those with sends under way
#: are on top of that. All of them go along with each claim.
REMEMBERED: Final = 256

_TEST: Final = Environment.TEST.value
_LIVE: Final = Environment.LIVE.value

K = TypeVar("K")


class Account(NamedTuple):
    """Who shares with whom: an organization in one environment on one channel."""

    organization_id: UUID
    environment: str
    ops: bool


class Slot(NamedTuple):
    """Whose slot a delivery takes."""

    account: Account
    endpoint_id: UUID
    retry: bool


@dataclass(frozen=True, slots=True)
class Room:
    """The slots that are free: for orders, how many of them for retries, and for ops events.

    `live` and `test` are what each environment may take of the orders' slots, `ops_live` and
    `ops_test` of the others.
    """

    orders: int
    retries: int
    ops: int
    live: int
    test: int
    ops_live: int
    ops_test: int

    def __bool__(self) -> bool:
        return self.orders > 0 or self.ops > 0


@dataclass(frozen=True, slots=True)
class Known:
    """What an account or an endpoint has under way, may take, and how long it holds a slot."""

    sends: int
    free: int
    held_s: float


@dataclass(frozen=True, slots=True)
class Grant:
    """What a claim may take. Of accounts and endpoints that are not named, the `first_` numbers."""

    room: Room
    accounts: dict[Account, Known] = field(default_factory=dict)
    endpoints: dict[UUID, Known] = field(default_factory=dict)
    first_of_account: int = 1
    first_of_ops_account: int = 1
    first_of_endpoint: int = 1
    first_of_ops_endpoint: int = 1

    def used_up(self, taken: Iterable[Slot]) -> bool:
        """Whether somebody was given all that they may, so that more of theirs may be due."""
        accounts: Counter[Account] = Counter()
        endpoints: Counter[tuple[UUID, bool]] = Counter()
        for slot in taken:
            accounts[slot.account] += 1
            endpoints[slot.endpoint_id, slot.account.ops] += 1
        return (
            any(one.free <= 0 for one in self.accounts.values())
            or any(one.free <= 0 for one in self.endpoints.values())
            or any(n >= self._of_account(account) for account, n in accounts.items())
            or any(n >= self._of_endpoint(*endpoint) for endpoint, n in endpoints.items())
        )

    def _of_account(self, account: Account) -> int:
        known = self.accounts.get(account)
        if known is not None:
            return known.free
        return self.first_of_ops_account if account.ops else self.first_of_account

    def _of_endpoint(self, endpoint_id: UUID, ops: bool) -> int:
        known = self.endpoints.get(endpoint_id)
        if known is not None:
            return known.free
        return self.first_of_ops_endpoint if ops else self.first_of_endpoint


@dataclass(slots=True)
class _Holder:
    """An endpoint's or an account's sends: how many have a slot, and the average held time."""

    ops: bool
    sends: int = 0
    held_s: float | None = None


def ops_slots(concurrency: int) -> int:
    """The slots of the ops channel."""
    return max(1, concurrency // OPS_SHARE)


class Slots:
    """The slots of one worker, and who has them. Times are seconds of one clock that only rises."""

    def __init__(self, concurrency: int, per_endpoint: int) -> None:
        self._size = {False: concurrency, True: ops_slots(concurrency)}
        # An endpoint's part of the ops slots is what it would be of the others.
        self._cap = {
            False: per_endpoint,
            True: max(1, per_endpoint * ops_slots(concurrency) // concurrency),
        }
        self._retries = concurrency - concurrency // FIRST_SHARE
        self._taken: Counter[tuple[bool, str]] = Counter()
        self._retrying = 0
        self._endpoints: dict[UUID, _Holder] = {}
        self._accounts: dict[Account, _Holder] = {}
        #: What is being sent, with the time since when; what is only to be recorded is not in it.
        self._sending: dict[object, tuple[Slot, float]] = {}

    def take(self, slot: Slot, send: object, now: float) -> None:
        """Occupy a slot; `send` is the name of what is sent in it."""
        self._count(slot, 1)
        self._sending[send] = (slot, now)

    def sent(self, send: object, now: float, *, measured: bool = True) -> None:
        """The receiver is done with it: note how long it took, unless that was not its doing."""
        slot, since = self._sending.pop(send)
        if not measured:
            return
        held_s = now - since
        endpoint, account = self._endpoints[slot.endpoint_id], self._accounts[slot.account]
        endpoint.held_s = shares.averaged(endpoint.held_s, held_s, shares.ENDPOINT_WEIGHT)
        account.held_s = shares.averaged(account.held_s, held_s, shares.ACCOUNT_WEIGHT)

    def free(self, slot: Slot, send: object) -> None:
        """Give a slot back."""
        self._sending.pop(send, None)
        self._count(slot, -1)

    def grant(self, now: float) -> Grant:
        """What may be claimed."""
        room = self.room()
        free = {
            (False, _LIVE): room.live,
            (False, _TEST): room.test,
            (True, _LIVE): room.ops_live,
            (True, _TEST): room.ops_test,
        }
        endpoints, accounts = self._ages(now)
        return Grant(
            room,
            {
                account: Known(
                    held.sends,
                    shares.account_free(
                        free[account.ops, account.environment], held.sends, accounts[account]
                    ),
                    accounts[account],
                )
                for account, held in self._accounts.items()
            },
            {
                endpoint_id: Known(
                    held.sends,
                    shares.endpoint_cap(self._cap[held.ops], endpoints[endpoint_id]) - held.sends,
                    endpoints[endpoint_id],
                )
                for endpoint_id, held in self._endpoints.items()
            },
            shares.first_take(room.orders),
            shares.first_take(room.ops),
            shares.endpoint_cap(self._cap[False], shares.UNMEASURED_S),
            shares.endpoint_cap(self._cap[True], shares.UNMEASURED_S),
        )

    def room(self) -> Room:
        """What is free."""
        orders, live, test = self._free(ops=False)
        ops, ops_live, ops_test = self._free(ops=True)
        retries = min(orders, self._retries - self._retrying)
        return Room(orders, retries, ops, live, test, ops_live, ops_test)

    @property
    def in_flight(self) -> int:
        """How many slots are occupied."""
        return self._taken.total()

    @property
    def bounded(self) -> bool:
        """Whether more may be due than was claimed: some slots are all taken."""
        room = self.room()
        return min(room.live, room.test, room.retries, room.ops_live, room.ops_test) <= 0

    def _free(self, *, ops: bool) -> tuple[int, int, int]:
        """Free slots, and how many of them live and test may take."""
        size = self._size[ops]
        live, test = self._taken[ops, _LIVE], self._taken[ops, _TEST]
        free = size - live - test
        return (
            free,
            min(free, size - shares.reserve(size, shares.TEST_RESERVE) - live),
            min(free, size - shares.reserve(size, shares.LIVE_RESERVE) - test),
        )

    def _ages(self, now: float) -> tuple[dict[UUID, float], dict[Account, float]]:
        """How long endpoints and accounts hold a slot, what is under way included.

        A send that has begun counts with its age already. For an account it is what its sends
        under way cost together: so quick receivers do not hide that slow ones are piling up.
        """
        unmeasured = shares.UNMEASURED_S
        endpoints = {
            endpoint_id: unmeasured if held.held_s is None else held.held_s
            for endpoint_id, held in self._endpoints.items()
        }
        oldest = dict(endpoints)
        sums: Counter[Account] = Counter()
        counts: Counter[Account] = Counter()
        for slot, since in self._sending.values():
            cost = max(endpoints[slot.endpoint_id], now - since)
            oldest[slot.endpoint_id] = max(oldest[slot.endpoint_id], cost)
            sums[slot.account] += cost  # type: ignore[assignment]  # a sum of seconds
            counts[slot.account] += 1
        accounts = {
            account: max(
                unmeasured if held.held_s is None else held.held_s,
                sums[account] / (counts[account] or 1),
            )
            for account, held in self._accounts.items()
        }
        return oldest, accounts

    def _count(self, slot: Slot, step: int) -> None:
        ops = slot.account.ops
        _held(self._endpoints, slot.endpoint_id, ops).sends += step
        _held(self._accounts, slot.account, ops).sends += step
        self._taken[ops, slot.account.environment] += step
        if slot.retry and not ops:
            self._retrying += step


def _held(known: dict[K, _Holder], key: K, ops: bool) -> _Holder:
    """The holder, as the one that was used last; the one unused for longest may be forgotten."""
    held = known.pop(key, None) or _Holder(ops)
    known[key] = held
    if len(known) > REMEMBERED:
        oldest = next(iter(known))
        if not known[oldest].sends and known[oldest] is not held:
            del known[oldest]
        else:
            known[oldest] = known.pop(oldest)
    return held
