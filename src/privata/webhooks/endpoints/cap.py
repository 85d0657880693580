"""How many endpoints an organization may have: by its plan, for each environment."""

from __future__ import annotations

from typing import Final

from privata.core.errors import EndpointLimit
from privata.core.tenancy import Actor, Environment
from privata.infra.database.postgres import Transaction
from privata.organizations.profile import locked_profile

_COUNT: Final = """
SELECT count(*) FROM webhook_endpoint
WHERE organization_id = $1 AND environment = $2 AND status <> 'disabled'
"""


async def refuse_one_too_many(tx: Transaction, actor: Actor) -> None:
    """`EndpointLimit` if as many are in use as the plan holds; disabled ones do not count.

    Two that add the last one at once wait for each other at the organization's row, so the second
    one counts the first one's. `NotFound` if the organization is gone.
    """
    profile = await locked_profile(tx, organization_id=actor.organization_id)
    live = actor.environment is Environment.LIVE
    most = profile.endpoints(actor.environment)
    count = await tx.connection.fetchval(_COUNT, actor.organization_id, actor.environment.value)
    if count < most:
        return
    more = " or ask us for a larger plan" if live else ""
    raise EndpointLimit(
        f"Your organization has reached the limit of {most} {actor.environment.value} endpoints"
        f" {'in its plan' if live else 'in the sandbox'}. Disable one{more}.",
        data={"limit": most},
    )
