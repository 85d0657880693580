"""Second factors: authenticator app, passkeys, recovery codes, each written in one transaction
with its audit entry and mail.

Changes of one person's factors take turns: `lock_user` comes before the locks of the rows.

They count from the moment in which one recovery code was typed back (`recovery_confirmed_at`):
nobody is locked out by a factor whose recovery codes were never kept.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from privata.accounts import mails, trail
from privata.accounts.client import Client
from privata.accounts.factors import recovery, store, totp
from privata.accounts.sealed import totp_context
from privata.accounts.service import lock_user
from privata.audit.service import changed
from privata.infra.context import AppContext
from privata.infra.database.postgres import Transaction
from privata.infra.sealing import Sealer
from privata.notifications.catalogue import MailTemplate

#: Passkeys of one person (docs/accounts.md), and characters of a name.
MOST_PASSKEYS: Final = 5
NAME_LENGTH: Final = 60


class FactorKind(StrEnum):
    """What a typed code was."""

    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"


class PasskeyAdded(StrEnum):
    """What came of adding a passkey."""

    ADDED = "added"
    TOO_MANY = "too_many"
    REGISTERED = "registered"


async def check_code(ctx: AppContext, *, user_id: int, typed: str) -> FactorKind | None:
    """Judge a typed code and use it up. The rows are locked: of two uses at the same moment the
    second finds the code used."""
    async with ctx.database.transaction() as tx:
        held = await store.locked_codes(tx, user_id, store.TOTP, store.RECOVERY)
        if held.app is not None and await _use_totp(tx, ctx, user_id, held.app, typed):
            return FactorKind.TOTP
        if held.recovery is not None and await _use_recovery(
            tx, ctx.sealer, user_id, held.recovery, typed
        ):
            return FactorKind.RECOVERY_CODE
    return None


async def add_totp(
    ctx: AppContext, *, user_id: int, email: str, secret: str, typed: str, client: Client
) -> bool:
    """Take an authenticator app in whose code was typed right; it replaces an earlier one."""
    counter = totp.matching_counter(secret, "".join(typed.split()), ctx.clock.now())
    if counter is None:
        return False
    sealed = ctx.sealer.seal(secret.encode(), totp_context(user_id))
    app = store.App(base64.b64encode(sealed).decode(), counter)
    async with ctx.database.transaction() as tx:
        await lock_user(tx, user_id)
        await store.delete_of_type(tx, user_id, store.TOTP)
        await store.add(tx, user_id, app)
        await trail.record(
            tx, user_id=user_id, email=email, client=client, action="second_factor.totp_added"
        )
    return True


async def add_passkey(
    ctx: AppContext, *, user_id: int, email: str, name: str, credential: Any, client: Client
) -> PasskeyAdded:
    """Take a verified passkey in, unless the person has as many as one may, or anybody has it
    already: a passkey opens one account (WebAuthn Level 3, section 7.1)."""
    async with ctx.database.transaction() as tx:
        # The person's lock makes two additions take turns, so that they cannot pass the limit.
        await lock_user(tx, user_id)
        if await store.count(tx, user_id, store.PASSKEY) >= MOST_PASSKEYS:
            return PasskeyAdded.TOO_MANY
        if await store.is_registered(tx, credential["rawId"]):
            return PasskeyAdded.REGISTERED
        await store.add(tx, user_id, store.Passkey(name[:NAME_LENGTH], credential))
        await trail.record(
            tx,
            user_id=user_id,
            email=email,
            client=client,
            action="second_factor.passkey_added",
            changes={"name": name},
        )
    return PasskeyAdded.ADDED


async def passkey_used(ctx: AppContext, *, user_id: int, passkey_id: int) -> bool:
    """Note that a passkey of the person was shown; False if it was removed meanwhile."""
    return await store.passkey_used(ctx.database.pool, user_id, passkey_id)


async def rename_passkey(
    ctx: AppContext, *, user_id: int, email: str, passkey_id: int, name: str, client: Client
) -> bool:
    """Give a passkey of the person another name; False if it is gone or somebody else's."""
    async with ctx.database.transaction() as tx:
        old = await store.rename(tx, user_id, passkey_id, name[:NAME_LENGTH])
        if old is None:
            return False
        await trail.record(
            tx,
            user_id=user_id,
            email=email,
            client=client,
            action="second_factor.passkey_renamed",
            changes={"name": changed(old, name)},
        )
    return True


async def new_recovery_codes(
    ctx: AppContext, *, user_id: int, email: str, client: Client
) -> Sequence[str]:
    """Ten fresh codes in place of the old; only their HMACs are kept."""
    made = recovery.new_codes()
    codes = tuple(_digest(ctx.sealer, user_id, code) for code in made)
    async with ctx.database.transaction() as tx:
        await lock_user(tx, user_id)
        await store.delete_of_type(tx, user_id, store.RECOVERY)
        await store.add(tx, user_id, store.RecoveryCodes(codes, confirmed=False))
        await trail.record(
            tx, user_id=user_id, email=email, client=client, action="second_factor.codes_made"
        )
    return made


async def confirm_recovery(
    ctx: AppContext, *, user_id: int, email: str, typed: str, client: Client
) -> bool:
    """One code was typed back, and is spent by it: from now on second factors count."""
    async with ctx.database.transaction() as tx:
        await lock_user(tx, user_id)
        codes = (await store.locked_codes(tx, user_id, store.RECOVERY)).recovery
        if codes is None or not await _use_recovery(
            tx, ctx.sealer, user_id, codes, typed, confirmed=True
        ):
            return False
        if await store.turn_on(tx, user_id):
            await trail.record(
                tx, user_id=user_id, email=email, client=client, action="second_factor.turned_on"
            )
            await mails.tell(tx, ctx, MailTemplate.SECOND_FACTOR_ON, email, client)
    return True


async def remove(
    ctx: AppContext, *, user_id: int, email: str, factor_id: int, client: Client
) -> bool:
    """Take a factor of the person away; with the last one two-factor sign-in is off. False if it
    is gone or somebody else's."""
    async with ctx.database.transaction() as tx:
        await lock_user(tx, user_id)
        kind = await store.delete(tx, user_id, factor_id)
        if kind is None:
            return False
        await trail.record(
            tx,
            user_id=user_id,
            email=email,
            client=client,
            action="second_factor.removed",
            target=str(factor_id),
            changes={"type": kind},
        )
        if not await store.count(tx, user_id, store.TOTP, store.PASSKEY):
            await store.delete_of_type(tx, user_id, store.RECOVERY)
            if await store.turn_off(tx, user_id):
                await trail.record(
                    tx,
                    user_id=user_id,
                    email=email,
                    client=client,
                    action="second_factor.turned_off",
                )
                await mails.tell(tx, ctx, MailTemplate.SECOND_FACTOR_OFF, email, client)
    return True


async def _use_totp(
    tx: Transaction, ctx: AppContext, user_id: int, held: store.Locked[store.App], typed: str
) -> bool:
    sealed = base64.b64decode(held.data.secret)
    secret = ctx.sealer.unseal(sealed, totp_context(user_id)).decode()
    counter = totp.matching_counter(
        secret, "".join(typed.split()), ctx.clock.now(), after=held.data.counter
    )
    if counter is None:
        return False
    await store.write(tx, held.id, store.App(held.data.secret, counter))
    return True


async def _use_recovery(
    tx: Transaction,
    sealer: Sealer,
    user_id: int,
    held: store.Locked[store.RecoveryCodes],
    typed: str,
    *,
    confirmed: bool | None = None,
) -> bool:
    found = {each.hex() for each in sealer.digests(_text(user_id, typed))}
    spent = [code for code in held.data.codes if any(hmac.compare_digest(code, f) for f in found)]
    if not spent:
        return False
    left = tuple(code for code in held.data.codes if code not in spent)
    now_confirmed = held.data.confirmed if confirmed is None else confirmed
    await store.write(tx, held.id, store.RecoveryCodes(left, now_confirmed))
    return True


def _digest(sealer: Sealer, user_id: int, code: str) -> str:
    return sealer.digest(_text(user_id, code)).hex()


def _text(user_id: int, code: str) -> str:
    return f"recovery_code:{user_id}:{recovery.plain(code)}"
