"""The one error of address validation, and the sentences that several networks share."""

from __future__ import annotations

from typing import Final, Literal

Field = Literal["address", "extra_id"]

BAD_CHECKSUM: Final = "The checksum does not match: a character is wrong or missing"
WRONG_LENGTH: Final = "The address is too short or too long: characters are missing or added"
BURN_ADDRESS: Final = "This is a burn address: funds sent to it are lost"
TESTNET: Final = "This is a testnet address: use a mainnet address"


class AddressError(ValueError):
    """An address or an extra id that is not to be used.

    The message is one sentence that is safe to show to a partner; it names the problem and never
    repeats the input. `field` says which of the two inputs is meant.
    """

    def __init__(self, message: str, *, field: Field = "address") -> None:
        super().__init__(message)
        self.message = message
        self.field: Field = field

    @property
    def fragment(self) -> str:
        """The message without its capital, for `fields`; a network's name keeps its own."""
        first = self.message.partition(" ")[0]
        if len(first) > 1 and first.isupper():
            return self.message
        return self.message[:1].lower() + self.message[1:]
