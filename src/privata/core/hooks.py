"""What a room is given from above: a place for it, filled once when the program is put together.

A room never imports one that stands above it. Where an act of the lower room has consequences in
the upper one, or the lower one needs a part that the upper one owns, it names a `Hook`.
`privata.wiring` fills it in every program; what only pages need, `dashboard.urls` fills, so that
other programs load no page. Nothing is left out silently: an empty hook raises.
"""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Hook(Generic[T]):
    """A value, mostly a function, that a program puts in before it works."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._filled: list[T] = []

    def fill(self, value: T) -> None:
        """Put the value in; doing so again with the same one changes nothing.

        `RuntimeError` for another one: two programs in one process would contradict each other.
        """
        if self._filled and self._filled != [value]:
            raise RuntimeError(f"The hook {self._name!r} is filled already.")
        self._filled = [value]

    @property
    def value(self) -> T:
        """What was put in. `RuntimeError` while that is nothing."""
        if not self._filled:
            raise RuntimeError(
                f"Nothing fills the hook {self._name!r}: see privata.wiring, and dashboard.urls "
                "for those of pages."
            )
        return self._filled[0]
