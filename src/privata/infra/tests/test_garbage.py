"""Full collections look at what is new, and at everything when that has doubled."""

from __future__ import annotations

import gc
import weakref

from privata.infra.garbage import GROWTH, short_pauses


class Loop:
    """Refers to itself, so that only the collector frees it."""

    def __init__(self) -> None:
        self.me = self


def test_what_survived_a_full_collection_is_set_aside() -> None:
    with short_pauses():
        gc.collect()
        aside = gc.get_freeze_count()
        assert aside > 10_000
        held = [Loop() for _ in range(1000)]
        gc.collect(1)
        assert gc.get_freeze_count() <= aside  # young ones are left alone
        gc.collect()
        assert gc.get_freeze_count() >= aside + len(held)
    assert gc.get_freeze_count() == 0


def test_new_cycles_are_freed_by_the_next_full_collection() -> None:
    with short_pauses():
        gc.collect()
        ref = weakref.ref(Loop())
        gc.collect()
        assert ref() is None


def test_cycles_that_were_set_aside_are_freed_when_as_much_again_is_held() -> None:
    with short_pauses():
        gc.collect()
        found = gc.get_freeze_count()
        loop = Loop()
        gc.collect()
        ref = weakref.ref(loop)
        del loop
        gc.collect()
        assert ref() is not None  # not looked at
        held: list[list[int]] = [[] for _ in range(GROWTH * found)]
        gc.collect()  # sets them aside at the latest
        gc.collect()
        assert ref() is None
        assert held


def test_it_ends_with_the_program_it_was_for() -> None:
    before = list(gc.callbacks)
    with short_pauses():
        assert len(gc.callbacks) == len(before) + 1
    assert gc.callbacks == before
    gc.collect()
    assert gc.get_freeze_count() == 0
