"""The chain of entries as arithmetic: canonical bytes, hashes, and what must follow what. Pure.

The database computes the same (migration 0003, `audit_entry_hash`); the two were written apart, so
that each checks the other. The form is described in docs/audit.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

#: What the canonical bytes begin with; another form would get another name.
FORM = "privata-audit-1\n"

#: The chain of what concerns no organization but the platform as a whole.
PLATFORM = UUID(int=0)

#: The predecessor of a chain's first entry.
GENESIS = bytes(32)

#: The fields of an entry after its place in the chain, in the order in which they are hashed.
FIELDS = (
    "at",
    "environment",
    "actor_kind",
    "actor_id",
    "actor_label",
    "action",
    "target",
    "ip",
    "user_agent",
    "session",
    "changes",
)


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as it lies in the table; `fields` are texts in the order of `FIELDS`."""

    seq: int
    previous_hash: bytes
    hash: bytes
    fields: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive entries that were exported and taken out, by their ends."""

    first_seq: int
    last_seq: int
    previous_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Mark:
    """What a head or a checkpoint says: the chain had this hash at this place."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Break:
    """The first place at which a chain does not hold, and what is wrong there."""

    seq: int
    reason: str


def entry_hash(chain: UUID, link: Link) -> bytes:
    """SHA-256 over the canonical bytes: the form's name, then each field with its length."""
    values = (str(chain), str(link.seq), link.previous_hash.hex(), *link.fields)
    return hashlib.sha256(FORM.encode() + b"".join(map(_field, values))).digest()


def _field(value: str | None) -> bytes:
    """`5:hello,` in bytes; a missing value is `~,` and differs from an empty one."""
    if value is None:
        return b"~,"
    raw = value.encode()
    return b"%d:%b," % (len(raw), raw)


class Walk:
    """Follows one chain from its beginning; feed it the entries in order, then `finish`.

    The first break stops the walk: what comes after it proves nothing.
    """

    def __init__(self, chain: UUID, runs: Sequence[Run], marks: Iterable[Mark]) -> None:
        self.chain = chain
        self.last = Mark(0, GENESIS)
        self.entries = 0
        self._runs = {run.first_seq: run for run in runs}
        self._marks: Mapping[int, bytes] = {mark.seq: mark.hash for mark in marks}

    def step(self, link: Link) -> Break | None:
        """Judge the next entry."""
        broken = self._pass_archived()
        if broken is not None:
            return broken
        expected = self.last.seq + 1
        if link.seq > expected:
            return Break(expected, "the entry is missing")
        if link.seq < expected:
            return Break(link.seq, "two entries have this number")
        if link.previous_hash != self.last.hash:
            return Break(link.seq, "the entry does not link to the previous one")
        if entry_hash(self.chain, link) != link.hash:
            return Break(link.seq, "the entry was changed")
        if self._marks.get(link.seq, link.hash) != link.hash:
            return Break(link.seq, "the entry differs from the one in a checkpoint")
        self.last = Mark(link.seq, link.hash)
        self.entries += 1
        return None

    def finish(self, head: Mark | None) -> Break | None:
        """Judge the end: every checkpoint lies before it, and the head names it."""
        broken = self._pass_archived()
        if broken is not None:
            return broken
        beyond = max(self._marks, default=0)
        if beyond > self.last.seq:
            return Break(
                self.last.seq + 1,
                f"entries up to {beyond} are missing, although a checkpoint recorded them",
            )
        if head is None and self.last.seq == 0:
            return None
        if head is None:
            return Break(self.last.seq, "the head of the chain is missing")
        if head.seq > self.last.seq:
            return Break(self.last.seq + 1, f"entries up to {head.seq} are missing")
        if head != self.last:
            return Break(head.seq, "the head of the chain points to a different entry")
        return None

    def _pass_archived(self) -> Break | None:
        for run in self._archived():
            if run.previous_hash != self.last.hash:
                return Break(run.first_seq, "the archived entries do not link to the previous one")
            self.last = Mark(run.last_seq, run.hash)
        return None

    def _archived(self) -> Iterator[Run]:
        while (run := self._runs.get(self.last.seq + 1)) is not None:
            yield run
