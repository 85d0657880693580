"""Three ledgers and what must hold between them, whatever was broken meanwhile.

**Published**: what a committed transaction acknowledged. **Received**: what the receivers wrote
down, each in a process that no fault touches. **Stored**: what the database says in the end. Each
check has the number of its invariant and names the first event that breaks it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from privata.webhooks.signing.signatures import verify_privata

#: Outcomes after which the receiver has nothing in its journal, or may have nothing.
UNHEARD = frozenset({"connection", "dns", "blocked", "tls", "internal", "timeout"})


@dataclass(frozen=True)
class Published:
    """An event that was acknowledged, and the one hook that is owed it."""

    event_id: str
    hook: str
    body: bytes
    order_id: str
    seq: int


@dataclass(frozen=True)
class Received:
    """A request that a hook wrote down; `status` is None when no answer was handed over."""

    at: float
    hook: str
    event_id: str
    delivery_id: str
    signature: str
    body: bytes
    status: int | None

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status <= 299


@dataclass(frozen=True)
class Stored:
    """A delivery at the end: `leases` is how often it was claimed."""

    delivery_id: str
    event_id: str
    status: str
    spent: int
    leases: int
    outcomes: tuple[tuple[str, bool], ...] = field(default=())  # of each attempt, and: stale?


def read_journal(path: Path) -> list[Received]:
    """The journal of a receiver, in the order in which the requests came."""
    requests: dict[int, dict[str, object]] = {}
    answers: dict[int, int] = {}
    if not path.exists():
        return []
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    for text in whole.split(b"\n") if whole else []:
        line = json.loads(text)
        if "answered" in line:
            answers[line["answered"]] = line["status"]
        else:
            requests[line["number"]] = line
    return [
        Received(
            at=float(str(line["at"])),
            hook=str(line["hook"]),
            event_id=str(line["event_id"]),
            delivery_id=str(line["delivery_id"]),
            signature=str(line["signature"]),
            body=str(line["body"]).encode("latin-1"),
            status=answers.get(number),
        )
        for number, line in requests.items()
    ]


@dataclass(frozen=True)
class Ledgers:
    """The three of one run. `unsure` are events whose commit was neither confirmed nor refused.

    `secrets` are all the secrets a hook ever had.
    """

    published: Mapping[str, Published]
    received: Sequence[Received]
    stored: Sequence[Stored]
    secrets: Mapping[str, Collection[str]]
    unsure: Mapping[str, Published] = field(default_factory=dict)

    @property
    def repeats(self) -> int:
        """Accepted requests beyond the first of their delivery."""
        counted = Counter(one.delivery_id for one in self.received if one.accepted)
        return sum(counted.values()) - len(counted)

    @property
    def lost_leases(self) -> int:
        """Claims whose attempt was never recorded: they died with a worker."""
        return sum(one.leases - len(one.outcomes) for one in self.stored)

    def check(self, *, repeats_at_most: int | None = None) -> None:
        """All invariants. Repeats are bounded by the claims that died, or by what is given."""
        self._nothing_lost()
        self._nothing_from_nowhere()
        self._repeats_are_the_same()
        bound = self.lost_leases if repeats_at_most is None else repeats_at_most
        assert self.repeats <= bound, f"I4: {self.repeats} repeats, at most {bound} were expected"
        self._delivered_means_accepted()
        self._nobody_elses()
        self._attempts_are_what_was_seen()

    def _nothing_lost(self) -> None:
        got = {one.event_id for one in self.received if one.accepted}
        lost = self.published.keys() - got
        assert not lost, f"I1: {len(lost)} acknowledged events were lost: {_first(lost)}"

    def _nothing_from_nowhere(self) -> None:
        known = self.published.keys() | self.unsure.keys()
        strange = {one.event_id for one in self.received} - known
        assert not strange, f"I2: {len(strange)} were never published: {_first(strange)}"

    def _repeats_are_the_same(self) -> None:
        for one in self.received:
            fact = self._fact(one.event_id)
            assert one.body == fact.body, f"I3: the body of {one.event_id} changed"
            assert any(
                verify_privata(one.body, one.signature, secret, one.at)
                for secret in self.secrets[one.hook]
            ), f"I3: the signature of {one.event_id} is not valid or not fresh"
        owners: dict[str, str] = {}
        for one in self.received:
            first = owners.setdefault(one.event_id, one.delivery_id)
            assert first == one.delivery_id, f"I3: {one.event_id} came as two deliveries"

    def _delivered_means_accepted(self) -> None:
        accepted = {one.delivery_id for one in self.received if one.accepted}
        for one in self.stored:
            if one.status == "delivered":
                assert one.delivery_id in accepted, f"I5: {one.event_id} is called delivered"

    def _nobody_elses(self) -> None:
        for one in self.received:
            assert one.hook == self._fact(one.event_id).hook, f"I6: {one.event_id} at {one.hook}"

    def _attempts_are_what_was_seen(self) -> None:
        seen = Counter(one.delivery_id for one in self.received)
        off = [wrong for one in self.stored if (wrong := _miscounted(one, seen[one.delivery_id]))]
        assert not off, f"I7: {len(off)} deliveries, first: {off[0]}"

    def firsts_in_order(self) -> None:
        """First receipts of each order come in the order of its events, at each hook."""
        firsts: dict[str, list[int]] = {}
        met: set[str] = set()
        for one in self.received:
            if one.event_id not in met:
                met.add(one.event_id)
                fact = self._fact(one.event_id)
                firsts.setdefault(fact.order_id, []).append(fact.seq)
        for order_id, seqs in firsts.items():
            assert seqs == sorted(seqs), f"the first receipts of {order_id} were {seqs}"

    def _fact(self, event_id: str) -> Published:
        return self.published.get(event_id) or self.unsure[event_id]


def _miscounted(one: Stored, arrived: int) -> str | None:
    """What is wrong with the attempts of a delivery that arrived so often."""
    heard = sum(outcome not in UNHEARD for outcome, _ in one.outcomes)
    unrecorded = one.leases - len(one.outcomes)
    silent = len(one.outcomes) - heard
    if not heard <= arrived <= heard + silent + unrecorded:
        return (
            f"{one.event_id} arrived {arrived} times; {heard} attempts say so, {silent} cannot "
            f"know, {unrecorded} were not recorded"
        )
    counted = sum(outcome != "internal" and not stale for outcome, stale in one.outcomes)
    return None if one.spent == counted else f"{one.event_id} spent {one.spent}, not {counted}"


def _first(ids: Iterable[str]) -> str:
    return min(ids)
