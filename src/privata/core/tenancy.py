"""Who asks, and for which organization and environment: the two things every query carries."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID


class Environment(StrEnum):
    """Live and test never meet: keys, orders, endpoints and events belong to exactly one."""

    LIVE = "live"
    TEST = "test"


class ActorKind(StrEnum):
    KEY = "key"
    USER = "user"
    OPERATOR = "operator"
    SYSTEM = "system"


#: How the sessions of personal access tokens begin; those of browsers never do.
TOKEN_SESSION: Final = "pat:"  # noqa: S105 - the beginning of a name


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who acts, as it goes into queries and into the audit log."""

    kind: ActorKind
    id: str
    label: str
    organization_id: UUID
    environment: Environment
    scopes: frozenset[str] = frozenset()
    ip: str | None = None
    user_agent: str = ""
    session: str = ""

    @property
    def is_program(self) -> bool:
        """Whether a key or a token acts: nobody has shown a password or a second factor for it."""
        return self.kind is ActorKind.KEY or self.session.startswith(TOKEN_SESSION)


def system_actor(organization_id: UUID, environment: Environment, part: str) -> Actor:
    """The platform itself acting for an organization; `part` says which part of it."""
    return Actor(ActorKind.SYSTEM, part, part, organization_id, environment)
