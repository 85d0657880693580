"""Which signing secrets prove a payout: those that are old enough (docs/payouts.md).

A key that may set up webhooks is shown a new secret whenever it asks. If that proved anything, one
stolen key would be both factors; a day gives the owners, who are told by mail, time to act.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from privata.core.errors import WrongPayoutState
from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.payouts.access import moment_words
from privata.webhooks.signing.possession import Possession, can_prove


def secret_age(ctx: AppContext, environment: Environment) -> timedelta:
    """How old a secret has to be. In the sandbox, where nothing is paid, any age will do."""
    if environment is Environment.TEST:
        return timedelta(0)
    return timedelta(hours=ctx.settings.payout_secret_age_hours)


def too_young(ctx: AppContext, proves_from: datetime) -> str:
    """Why a new secret proves nothing, and what to do, to go on after the name of a field."""
    hours = ctx.settings.payout_secret_age_hours
    return (
        f"was made with a signing secret less than {hours} hours old, which cannot confirm payouts"
        f" until {moment_words(proves_from)}; use the secret of an older live endpoint, or wait"
    )


async def refuse_without_secret(ctx: AppContext, tx: Transaction, actor: Actor) -> None:
    """`WrongPayoutState` where no secret could confirm: better now than when one of the day's few
    requests is spent."""
    age = secret_age(ctx, actor.environment)
    held = await can_prove(
        tx, organization_id=actor.organization_id, environment=actor.environment, min_age=age
    )
    if held.possession is Possession.NOTHING:
        raise WrongPayoutState(
            f"Confirming a payout requires the secret of a {actor.environment} webhook endpoint."
            " Create an endpoint first."
        )
    if held.proves_from is not None:
        raise WrongPayoutState(
            "Confirming a payout requires a signing secret at least"
            f" {ctx.settings.payout_secret_age_hours} hours old. Your oldest one is usable from"
            f" {moment_words(held.proves_from)}."
        )
