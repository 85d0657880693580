"""What the operator sets of providers, and what a partner chooses."""

from __future__ import annotations

from uuid import UUID

from privata.audit import service as audit
from privata.core.errors import ValidationFailed
from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.providers.port import Credentials
from privata.providers.registry import live_provider, names_for
from privata.routing import store
from privata.routing.adapters import sealed_credentials
from privata.routing.rows import PartnerChoice, ShownProvider
from privata.routing.service import routing_of

#: Basis points (SPEC 7); the database says the same.
MAX_MARKUP_BPS = 300


async def set_credentials(ctx: AppContext, name: str, credentials: Credentials) -> None:
    """Seal and keep what a provider gave the operator. It is enabled by `enable`.

    `ValidationFailed` where nothing is given: no provider answers without.
    """
    _require_known(name)
    if credentials == Credentials():
        raise ValidationFailed(
            f"No credentials given. {name} keeps what it has. See docs/operations.md, Providers."
        )
    sealed = sealed_credentials(ctx.sealer, name, credentials)
    await store.put_credentials(ctx.database.pool, name, sealed)
    routing_of(ctx).believe_no_longer()


async def enable(
    ctx: AppContext, name: str, *, changes_url: bool = False, base_url: str | None = None
) -> None:
    """Ask a provider for live quotes from now on, at `base_url` or, where that is None, its own.

    Without `changes_url` the address stays as it is.
    """
    _require_known(name)
    if base_url is not None:
        _require_address(name, base_url)
    done = await store.enable(ctx.database.pool, name, changes_url=changes_url, base_url=base_url)
    if not done:
        raise ValidationFailed(
            f"{name} has no credentials. Set them with `privata providers credentials {name}`."
        )
    routing_of(ctx).believe_no_longer()


async def disable(ctx: AppContext, name: str) -> None:
    """Ask a provider for no more quotes; its orders are followed to their end."""
    _require_known(name)
    await store.disable(ctx.database.pool, name)
    routing_of(ctx).believe_no_longer()


async def providers(ctx: AppContext) -> list[ShownProvider]:
    """Every provider, set up or not, by name; no credentials."""
    found = {one.name: one for one in await store.shown(ctx.database.pool)}
    for name in names_for(Environment.LIVE):
        found.setdefault(
            name, ShownProvider(name, False, None, False, None, None, None, None, None)
        )
    return [found[name] for name in sorted(found)]


async def choose(ctx: AppContext, *, actor: Actor, choice: PartnerChoice) -> None:
    """Write what a partner wants of a provider; an empty name is its markup for all."""
    if choice.provider:
        if choice.provider not in names_for(actor.environment):
            raise ValidationFailed(
                f"{choice.provider} is no provider of {actor.environment} orders.",
                fields=[("provider", "unknown")],
            )
    elif choice.markup_bps is None:
        raise ValidationFailed("markup_bps is required.", fields=[("markup_bps", "required")])
    if choice.markup_bps is not None and not 0 <= choice.markup_bps <= MAX_MARKUP_BPS:
        sentence = f"must be from 0 to {MAX_MARKUP_BPS}"
        raise ValidationFailed("markup_bps is invalid.", fields=[("markup_bps", sentence)])
    async with ctx.database.transaction() as tx:
        await store.choose(tx, actor.organization_id, actor.environment, choice)
        await audit.record(
            tx,
            actor=actor,
            action="provider.chosen" if choice.provider else "markup.set",
            target=choice.provider or "all",
            changes={"enabled": choice.enabled, "markup_bps": choice.markup_bps},
        )


async def chosen(
    ctx: AppContext, *, organization_id: UUID, environment: Environment
) -> list[PartnerChoice]:
    """What a partner chose so far."""
    return await store.choices(ctx.database.pool, organization_id, environment)


def _require_known(name: str) -> None:
    known = names_for(Environment.LIVE)
    if name not in known:
        raise ValidationFailed(f"{name} is no provider. Use one of {', '.join(known)}.")


def _require_address(name: str, base_url: str) -> None:
    try:
        live_provider(name, Credentials(), base_url)
    except ValueError as error:
        sentence = str(error)
        raise ValidationFailed(f"{sentence[0].upper()}{sentence[1:]}.") from None
