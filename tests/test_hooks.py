"""Hooks: what a room is given from above is there, once, or its use fails loudly."""

from __future__ import annotations

import pytest

from privata.core.hooks import Hook
from privata.wiring import wire


def test_an_empty_hook_raises_when_it_is_needed() -> None:
    """A consequence that nobody registered is never left out silently."""
    hook: Hook[str] = Hook("a part")
    with pytest.raises(RuntimeError, match="Nothing fills the hook 'a part'"):
        _ = hook.value


def test_a_hook_is_filled_once() -> None:
    hook: Hook[str] = Hook("a part")
    hook.fill("this")
    hook.fill("this")
    assert hook.value == "this"
    with pytest.raises(RuntimeError, match="filled already"):
        hook.fill("that")


def test_putting_the_rooms_together_twice_is_no_error() -> None:
    wire()
    wire()
