"""As much of CBOR (RFC 8949) as a Cardano Byron address needs, deterministic encoding only."""

from __future__ import annotations

from typing import Final

from privata.core.addresses.errors import AddressError

UINT: Final = 0
BYTES: Final = 2
ARRAY: Final = 4
MAP: Final = 5
TAG: Final = 6

_MALFORMED: Final = "The address is malformed: a character is wrong or missing"


class Reader:
    """Reads items from the front of `data`; the caller says which major type it expects."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def head(self, major: int) -> int:
        """The argument of the next item's head: a number, a length or a tag.

        Indefinite lengths and heads longer than needed are refused (RFC 8949 section 4.2.1), or
        one address would have several texts.
        """
        first = self._take(1)[0]
        if first >> 5 != major:
            raise AddressError(_MALFORMED)
        info = first & 31
        if info < 24:
            return info
        if info > 27:
            raise AddressError(_MALFORMED)
        size = 1 << (info - 24)
        value = int.from_bytes(self._take(size), "big")
        if value < (24 if size == 1 else 1 << (4 * size)):
            raise AddressError(_MALFORMED)
        return value

    def bytes_(self) -> bytes:
        """The next item, a byte string."""
        return self._take(self.head(BYTES))

    def end(self) -> None:
        """Refuse anything after the last item."""
        if self._at != len(self._data):
            raise AddressError(_MALFORMED)

    def _take(self, count: int) -> bytes:
        if count > len(self._data) - self._at:
            raise AddressError(_MALFORMED)
        self._at += count
        return self._data[self._at - count : self._at]
