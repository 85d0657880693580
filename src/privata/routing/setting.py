"""What the operator sets of providers, and what a partner chooses."""

from __future__ import annotations

from enum import StrEnum

from privata.audit import service as audit
from privata.core.errors import NotFound, ValidationFailed
from privata.core.tenancy import Actor, Environment
from privata.infra.context import AppContext
from privata.organizations.profile import locked_profile
from privata.providers.port import MAX_MARKUP_BPS, Credentials
from privata.providers.registry import live_provider, names_for
from privata.routing import reading, store
from privata.routing.adapters import sealed_credentials
from privata.routing.rows import OfferedProvider, ShownProvider
from privata.routing.service import routing_of


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


class Turned(StrEnum):
    """What came of turning a provider on or off."""

    DONE = "done"
    #: It was so before; nothing is written.
    SAME = "same"
    #: It is the last one that is on, and nobody has said to turn off even that.
    LAST = "last"


async def turn(
    ctx: AppContext, *, actor: Actor, provider: str, on: bool, even_last: bool = False
) -> Turned:
    """Use a provider for the organization's quotes, or no longer; its markup stays.

    Without any, quotes end in `NO_PROVIDERS_AVAILABLE`: the last one is turned off only with
    `even_last`. `NotFound` for a provider that the operator does not offer.
    """
    async with ctx.database.transaction() as tx:
        # One after another: of two people who turn off the last two, one is warned.
        await locked_profile(tx, organization_id=actor.organization_id)
        every = await reading.offered(tx.connection, actor=actor)
        if _named(every, provider).turned_on == on:
            return Turned.SAME
        if not on and not even_last and sum(one.turned_on for one in every) == 1:
            return Turned.LAST
        await store.turn(tx, actor, provider, on=on)
        await audit.record(
            tx,
            actor=actor,
            action="provider.turned_on" if on else "provider.turned_off",
            target=provider,
        )
    return Turned.DONE


async def set_markup(
    ctx: AppContext, *, actor: Actor, bps: int | None, provider: str | None = None
) -> bool:
    """Set the organization's markup, or that for one provider; whether that changed anything.

    None for a provider is the organization's markup, which itself must be a number from 0 to
    `MAX_MARKUP_BPS`. `ValidationFailed`; `NotFound` for a provider that the operator does not
    offer.
    """
    if bps is None and provider is None:
        raise ValidationFailed("markup_bps is required.", fields=[("markup_bps", "required")])
    if bps is not None and not 0 <= bps <= MAX_MARKUP_BPS:
        sentence = f"must be from 0 to {MAX_MARKUP_BPS}"
        raise ValidationFailed("markup_bps is invalid.", fields=[("markup_bps", sentence)])
    async with ctx.database.transaction() as tx:
        await locked_profile(tx, organization_id=actor.organization_id)
        if provider is None:
            before: int | None = await reading.markup_of(tx.connection, actor=actor)
        else:
            every = await reading.offered(tx.connection, actor=actor)
            before = _named(every, provider).markup_bps
        if before == bps:
            return False
        if provider is None:
            await store.mark_up(tx, actor, bps or 0)
        else:
            await store.mark_up_one(tx, actor, provider, bps)
        await audit.record(
            tx,
            actor=actor,
            action="markup.changed",
            target=provider or "all",
            changes={"markup_bps": audit.changed(before, bps)},
        )
    return True


def _named(every: list[OfferedProvider], name: str) -> OfferedProvider:
    found = next((one for one in every if one.name == name), None)
    if found is None:
        raise NotFound("Provider not found.")
    return found


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
