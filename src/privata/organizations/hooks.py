"""What rooms above do when something happens to an organization; `privata.wiring` puts it in.

Both run in the transaction of the act: it is committed with them or not at all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from privata.core.hooks import Hook
from privata.core.roles import Role
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction


class RoleFell(Protocol):
    """Ends what a member has made as far as their role, from now on `role`, does not reach it.

    `role` is None for somebody who is no member any more; `email` is theirs.
    """

    async def __call__(
        self,
        ctx: AppContext,
        tx: Transaction,
        *,
        actor: Actor,
        user_id: int,
        email: str,
        role: Role | None,
    ) -> None: ...


ROLE_FELL: Final[Hook[RoleFell]] = Hook("a member's role fell")

#: Makes the first test key of an organization that has gone through onboarding: the key itself.
FIRST_KEY: Final[Hook[Callable[[AppContext, Transaction, Actor], Awaitable[str]]]] = Hook(
    "the first key of an organization"
)
