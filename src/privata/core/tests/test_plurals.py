"""Counts with their nouns: what a command or a message says of one thing, and of many."""

from __future__ import annotations

from privata.core.plurals import plural


def test_one_of_a_thing_is_not_called_many() -> None:
    """`privata migrate` said "1 migrations applied."."""
    assert plural(1, "event") == "1 event"
    assert plural(0, "event") == "0 events"
    assert plural(2140, "event") == "2,140 events"
    assert plural(2, "entry", "entries") == "2 entries"
