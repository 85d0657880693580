"""The limits of signing in with a password, around whatever checks the password (SPEC 3)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from privata.accounts import letters, limits
from privata.accounts.limits import Try
from privata.accounts.place import Place
from privata.infra.kernel import Kernel
from privata.notifications.catalogue import Letter


@dataclass(frozen=True, slots=True)
class Entry:
    """A try to sign in that may be checked."""

    by_address: Try
    by_email: Try


async def enter(kernel: Kernel, *, email: str, place: Place) -> Entry | None:
    """Take a try for the address and the email; None while one of them is blocked.

    Both are taken before the password is looked at, the same way for every email.
    """
    by_address = await limits.take(kernel, limits.SIGN_IN_BY_ADDRESS, network_of(place.ip))
    by_email = await limits.take(kernel, limits.SIGN_IN_BY_EMAIL, email)
    if not (by_address.granted and by_email.granted):
        return None
    return Entry(by_address, by_email)


async def succeeded(kernel: Kernel, entry: Entry) -> None:
    """The password was right: these were no wrong tries. Earlier wrong ones of the email stay,
    so whoever has one right password cannot guess on between."""
    await limits.give_back(kernel, entry.by_address)
    await limits.give_back(kernel, entry.by_email)


async def failed(kernel: Kernel, entry: Entry, *, email: str, place: Place) -> None:
    """The password was wrong; the try that begins the block of an email alerts its person."""
    if entry.by_email.last:
        await _alert(kernel, entry.by_email, email, place)


async def second_factor_failed(kernel: Kernel, *, email: str, place: Place) -> None:
    """A sign-in ended over wrong second factors: it counts like a wrong password, so that codes
    cannot be guessed on and on by who knows the password."""
    counted = await limits.take(kernel, limits.SIGN_IN_BY_EMAIL, email)
    if counted.last:
        await _alert(kernel, counted, email, place)


async def _alert(kernel: Kernel, taken: Try, email: str, place: Place) -> None:
    assert taken.blocked_until is not None
    async with kernel.database.transaction() as tx:
        await letters.tell(
            tx,
            kernel.sealer,
            Letter.ACCOUNT_LOCKED,
            email,
            place,
            until=letters.in_words(taken.blocked_until),
        )


def network_of(ip: str | None) -> str:
    """What counts as one address: of IPv6 the /64 that a customer gets at least."""
    if ip and ":" in ip:
        return str(ipaddress.ip_network(f"{ip.partition('%')[0]}/64", strict=False))
    return ip or ""
