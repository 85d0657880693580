"""The limits of signing in with a password, around whatever checks it (docs/accounts.md)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime

from privata.accounts import limits, mails
from privata.accounts.client import Client
from privata.accounts.limits import Try
from privata.infra.context import AppContext
from privata.notifications.catalogue import MailTemplate


@dataclass(frozen=True, slots=True)
class SignInTry:
    """A try to sign in that may be checked."""

    by_address: Try
    by_email: Try


async def enter(ctx: AppContext, *, email: str, client: Client) -> SignInTry | None:
    """Take a try for the address and the email; None while one of them is blocked.

    Both are taken before the password is looked at, the same way for every email. A blocked address
    takes none of the email's, or it could go on blocking everybody else's.
    """
    by_address = await limits.take(ctx, limits.SIGN_IN_BY_ADDRESS, network_of(client.ip))
    if not by_address.granted:
        return None
    by_email = await limits.take(ctx, limits.SIGN_IN_BY_EMAIL, email)
    if not by_email.granted:
        return None
    return SignInTry(by_address, by_email)


async def succeeded(ctx: AppContext, attempt: SignInTry) -> None:
    """The password was right: these were no wrong tries. Earlier wrong ones of the email stay,
    so whoever has one right password cannot guess on between."""
    await limits.give_back(ctx, attempt.by_address)
    await limits.give_back(ctx, attempt.by_email)


async def failed(ctx: AppContext, attempt: SignInTry, *, email: str, client: Client) -> None:
    """The password was wrong; the try that begins the block of an email alerts its person."""
    if attempt.by_email.last and attempt.by_email.blocked_until is not None:
        await _alert(ctx, attempt.by_email.blocked_until, email, client)


@dataclass(frozen=True, slots=True)
class Round:
    """One sign-in's turn at the second factor; it counts like a wrong password until it succeeds.

    It is kept in the sign-in's state between requests: `taken_at` and `blocked_until` as ISO text.
    """

    taken_at: str
    blocked_until: str | None


async def begin_round(ctx: AppContext, *, user_id: int, email: str) -> Round | None:
    """Let a sign-in try second factors; None while the email is blocked.

    Taken before the first code is judged: whoever knows the password may open any number of
    sign-ins beforehand, and all of them together get no more rounds than the email has tries.
    After too many wrong codes a further round has one try.
    """
    taken = await limits.take(ctx, limits.SIGN_IN_BY_EMAIL, email)
    if not taken.granted:
        return None
    await limits.leave_one(ctx, limits.SECOND_FACTOR, str(user_id))
    until = taken.blocked_until.isoformat() if taken.last and taken.blocked_until else None
    return Round(taken.at.isoformat(), until)


async def round_succeeded(ctx: AppContext, begun: Round, *, user_id: int, email: str) -> None:
    """The second factor was right: nothing of this round counts."""
    await limits.clear(ctx, limits.SECOND_FACTOR, str(user_id))
    await limits.give_back_at(
        ctx, limits.SIGN_IN_BY_EMAIL, email, datetime.fromisoformat(begun.taken_at)
    )


async def round_failed(ctx: AppContext, begun: Round, *, email: str, client: Client) -> None:
    """The sign-in ended over wrong codes; the round that began a block alerts its person."""
    if begun.blocked_until is not None:
        await _alert(ctx, datetime.fromisoformat(begun.blocked_until), email, client)


async def _alert(ctx: AppContext, until: datetime, email: str, client: Client) -> None:
    async with ctx.database.transaction() as tx:
        await mails.tell(
            tx,
            ctx,
            MailTemplate.ACCOUNT_LOCKED,
            email,
            client,
            until=mails.in_words(until),
        )


def network_of(ip: str | None) -> str:
    """What counts as one address: of IPv6 the /64 that a customer gets at least."""
    if ip and ":" in ip:
        return str(ipaddress.ip_network(f"{ip.partition('%')[0]}/64", strict=False))
    return ip or ""
