"""Reading a provider's JSON: typed, bounded, and tolerant of what providers really send.

Providers send amounts as numbers, as strings, with exponents, and as null; flags as booleans, 0, 1
or words; keys that nobody documented. All of that is read. Anything else is the fault of the port
that names the call and the field, and no value is ever put into a message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

from privata.core.errors import ProviderUnavailable
from privata.core.money import MAX_INTEGER_DIGITS
from privata.providers.failures import Fault, unavailable

#: Longer texts are no id, address or word of any provider.
MAX_TEXT: Final = 512
#: Characters of a number; with more, nobody means an amount.
MAX_NUMBER: Final = 64

_LEAST: Final = Decimal("1e-30")
_MOST: Final = Decimal(10) ** MAX_INTEGER_DIGITS

_NUMBER: Final = re.compile(r"[0-9.eE+-]+", re.ASCII)
_TRUE: Final = frozenset({"true", "1", "yes"})
_FALSE: Final = frozenset({"false", "0", "no", ""})
_MOST_SECONDS: Final = 2**33

T = TypeVar("T")


class Fields:
    """One JSON object of an answer. `where` is the call and the way to the object, for messages."""

    __slots__ = ("_provider", "_values", "_where")

    def __init__(self, provider: str, where: str, values: object) -> None:
        self._provider = provider
        self._where = where
        if not isinstance(values, Mapping):
            raise unavailable(provider, Fault.SHAPE, where)
        self._values = values

    def fault(self, kind: Fault, name: str = "") -> ProviderUnavailable:
        """A fault of this object, or of one of its fields."""
        where = f"{self._where}.{name}" if name else self._where
        return unavailable(self._provider, kind, where)

    def given(self, name: str) -> object:
        """The raw value; None if it is absent, null or an empty text."""
        value = self._values.get(name)
        return None if value == "" else value

    def text(self, name: str) -> str:
        """A text that one line can show; a whole number counts, since some ids are numbers."""
        return self._must(self.optional_text(name), name)

    def optional_text(self, name: str) -> str | None:
        """The same, or None."""
        value = self.given(name)
        if value is None:
            return None
        if isinstance(value, Decimal) and value == value.to_integral_value():
            value = str(value)
        if not isinstance(value, str):
            raise self.fault(Fault.SHAPE, name)
        if len(value) > MAX_TEXT or not value.isprintable():
            raise self.fault(Fault.TEXT, name)
        return value

    def amount(self, name: str) -> Decimal:
        """An amount: not negative, finite, and within what the database holds."""
        return self._must(self.optional_amount(name), name)

    def optional_amount(self, name: str) -> Decimal | None:
        """The same, or None."""
        value = self.given(name)
        if value is None:
            return None
        if isinstance(value, str):
            value = self._parsed(value, name)
        if not isinstance(value, Decimal):
            raise self.fault(Fault.SHAPE, name)
        if not value.is_finite() or value < 0 or value >= _MOST or (value and value < _LEAST):
            raise self.fault(Fault.NUMBER, name)
        return value

    def _parsed(self, text: str, name: str) -> Decimal:
        # `Decimal` alone takes underscores, blanks, NaN and the digits of other scripts too.
        if len(text) > MAX_NUMBER or not _NUMBER.fullmatch(text):
            raise self.fault(Fault.NUMBER, name)
        try:
            return Decimal(text)
        except InvalidOperation:
            raise self.fault(Fault.NUMBER, name) from None

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean, as such, as 0 or 1, or as a word."""
        value = self._values.get(name)
        if value is None:
            return default
        word = str(value).lower()
        if isinstance(value, bool | Decimal | str) and word in _TRUE | _FALSE:
            return word in _TRUE
        raise self.fault(Fault.SHAPE, name)

    def moment(self, name: str) -> datetime:
        """ISO 8601; without an offset it is UTC."""
        return self._must(self.optional_moment(name), name)

    def optional_moment(self, name: str) -> datetime | None:
        """The same, or None."""
        text = self.optional_text(name)
        if text is None:
            return None
        try:
            at = datetime.fromisoformat(text)
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.fault(Fault.MOMENT, name) from None

    def optional_seconds(self, name: str) -> datetime | None:
        """A moment in seconds since the epoch, or None."""
        value = self.optional_amount(name)
        if value is None:
            return None
        if value > _MOST_SECONDS:
            raise self.fault(Fault.MOMENT, name)
        return datetime.fromtimestamp(int(value), UTC)

    def inside(self, name: str) -> Fields:
        """The object in a field."""
        return Fields(self._provider, f"{self._where}.{name}", self._values.get(name))

    def optional_inside(self, name: str) -> Fields | None:
        """The same, or None."""
        return None if self.given(name) is None else self.inside(name)

    def items(self, name: str) -> list[Fields]:
        """The objects in a list; an absent list is empty."""
        value = self.given(name)
        return [] if value is None else objects(self._provider, f"{self._where}.{name}", value)

    def words(self, name: str) -> list[str]:
        """The texts in a list; an absent list is empty. Anything else in it is left out."""
        value = self.given(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.fault(Fault.SHAPE, name)
        return [one for one in value if isinstance(one, str) and len(one) <= MAX_TEXT]

    def _must(self, value: T | None, name: str) -> T:
        if value is None:
            raise self.fault(Fault.SHAPE, name)
        return value


def objects(provider: str, where: str, value: object) -> list[Fields]:
    """The objects of a JSON list."""
    if not isinstance(value, list):
        raise unavailable(provider, Fault.SHAPE, where)
    return [Fields(provider, where, one) for one in value]
