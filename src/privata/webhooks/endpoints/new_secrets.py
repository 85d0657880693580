"""Making a signing secret, for a new endpoint and for a rotation alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from privata.core.ids import new_id
from privata.core.tenancy import Environment
from privata.infra.sealing import Sealer
from privata.webhooks.signing.signatures import mint_secret, secret_context

#: Characters of a secret that are kept to be shown.
HINT_CHARS: Final = 16


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret that was just made: `plain` is shown this once, `sealed` is stored."""

    id: UUID
    plain: str = field(repr=False)
    sealed: bytes = field(repr=False)

    @property
    def hint(self) -> str:
        """Its first characters, to recognize it by."""
        return self.plain[:HINT_CHARS]


def new_secret(sealer: Sealer, environment: Environment, dialect: str) -> NewSecret:
    """32 random bytes in the shape the dialect wants, sealed for the row with this id."""
    secret_id, plain = new_id(), mint_secret(environment.value, dialect)
    return NewSecret(secret_id, plain, sealer.seal(plain.encode(), secret_context(secret_id)))
