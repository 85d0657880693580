"""The chain as arithmetic: every change to a made chain is found, at its first place."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from privata.audit.chain import FIELDS, GENESIS, Break, Link, Mark, Run, Walk, entry_hash

_CHAIN = uuid.UUID("0c0ffee0-0000-4000-8000-000000000001")
_TEXT = st.none() | st.text(max_size=12)
_FIELDS = st.tuples(*[_TEXT for _ in FIELDS])


def made(fields: list[tuple[str | None, ...]]) -> list[Link]:
    """A chain that holds, with these contents."""
    links: list[Link] = []
    before = GENESIS
    for seq, values in enumerate(fields, 1):
        open_link = Link(seq, before, b"", values)
        before = entry_hash(_CHAIN, open_link)
        links.append(replace(open_link, hash=before))
    return links


def judged(
    links: list[Link], *, head: Mark | None, marks: Sequence[Mark] = (), runs: Sequence[Run] = ()
) -> Break | None:
    """The first break of these links."""
    walk = Walk(_CHAIN, runs, marks)
    for link in links:
        broken = walk.step(link)
        if broken is not None:
            return broken
    return walk.finish(head)


def mark(link: Link) -> Mark:
    return Mark(link.seq, link.hash)


@given(st.lists(_FIELDS, min_size=1, max_size=6), st.data())
def test_a_changed_field_is_found_where_it_is(
    fields: list[tuple[str | None, ...]], data: st.DataObject
) -> None:
    links = made(fields)
    assert judged(links, head=mark(links[-1])) is None
    place = data.draw(st.integers(0, len(links) - 1))
    field = data.draw(st.integers(0, len(FIELDS) - 1))
    values = list(links[place].fields)
    values[field] = data.draw(_TEXT.filter(lambda value: value != values[field]))
    links[place] = replace(links[place], fields=tuple(values))
    found = judged(links, head=mark(links[-1]))
    assert found == Break(place + 1, "the entry was changed")


@given(st.lists(_FIELDS, min_size=2, max_size=6), st.data())
def test_a_missing_a_doubled_and_a_moved_entry_are_found(
    fields: list[tuple[str | None, ...]], data: st.DataObject
) -> None:
    links = made(fields)
    head = mark(links[-1])
    place = data.draw(st.integers(0, len(links) - 1))
    without = links[:place] + links[place + 1 :]
    assert judged(without, head=head) is not None
    doubled = links[: place + 1] + links[place:]
    found = judged(doubled, head=head)
    assert found == Break(place + 1, "two entries have this number")
    renumbered = [replace(link, seq=number) for number, link in enumerate(without, 1)]
    assert judged(renumbered, head=head) is not None


def test_neighbouring_fields_do_not_run_into_each_other() -> None:
    one = Link(1, GENESIS, b"", ("ab", "c", *[None] * (len(FIELDS) - 2)))
    other = replace(one, fields=("a", "bc", *[None] * (len(FIELDS) - 2)))
    nothing = replace(one, fields=("abc", "", *[None] * (len(FIELDS) - 2)))
    assert len({entry_hash(_CHAIN, link) for link in (one, other, nothing)}) == 3


def test_a_rewritten_end_is_found_by_head_and_checkpoint() -> None:
    links = made([("a", *[None] * 10), ("b", *[None] * 10), ("c", *[None] * 10)])
    last = mark(links[-1])
    shorter = links[:2]
    assert judged(shorter, head=last) == Break(3, "entries up to 3 are missing")
    # The head was put back as well: the chain holds by itself.
    assert judged(shorter, head=mark(links[1])) is None
    found = judged(shorter, head=mark(links[1]), marks=[last])
    assert found == Break(3, "entries up to 3 are missing, although a checkpoint recorded them")
    rewritten = made([("a", *[None] * 10), ("b", *[None] * 10), ("z", *[None] * 10)])
    found = judged(rewritten, head=mark(rewritten[-1]), marks=[last])
    assert found == Break(3, "the entry differs from the one in a checkpoint")
    assert judged([], head=None, marks=[last]) is not None
    assert judged([], head=last) is not None
    assert judged(links, head=None) == Break(3, "the head of the chain is missing")


def test_the_chain_goes_on_from_what_was_archived() -> None:
    links = made([(str(number), *[None] * 10) for number in range(1, 7)])
    head = mark(links[-1])
    # A transaction over the end of a month: the fourth entry lies in the earlier partition.
    runs = [
        Run(1, 2, GENESIS, links[1].hash),
        Run(4, 4, links[2].hash, links[3].hash),
    ]
    kept = [links[2], links[4], links[5]]
    assert judged(kept, head=head, runs=runs) is None
    assert judged(kept, head=head, runs=runs[:1]) == Break(4, "the entry is missing")
    forged = [runs[0], replace(runs[1], previous_hash=bytes(32))]
    assert judged(kept, head=head, runs=forged) == Break(
        4, "the archived entries do not link to the previous one"
    )
    assert judged([], head=mark(links[1]), runs=runs[:1]) is None
