"""Whoever is refused over a limit of their own uses up nothing of somebody else's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from privata.accounts import guarding, limits, resetting, signing_up
from privata.accounts.client import Client
from privata.accounts.limits import Limit
from privata.infra.context import AppContext

Act = Callable[[str, str], Awaitable[object]]


def _client(ip: str) -> Client:
    return Client(ip=ip, user_agent="")


def _act(ctx: AppContext, name: str) -> Act:
    """What somebody at an address does about an email."""

    async def sign_in(ip: str, email: str) -> object:
        return await guarding.enter(ctx, email=email, client=_client(ip))

    async def sign_up(ip: str, email: str) -> object:
        return await signing_up.enter(ctx, email=email, client=_client(ip))

    async def reset(ip: str, email: str) -> None:
        await resetting.request_link(ctx, email=email, client=_client(ip))

    return {"sign in": sign_in, "sign up": sign_up, "reset": reset}[name]


async def _used(ctx: AppContext, limit: Limit, value: str) -> int:
    taken = await limits.take(ctx, limit, value)
    await limits.give_back(ctx, taken)
    return taken.used - taken.granted


CASES = [
    ("sign in", limits.SIGN_IN_BY_ADDRESS, limits.SIGN_IN_BY_EMAIL),
    ("sign up", limits.MAILS_BY_ADDRESS, limits.SIGN_UP_MAILS),
    ("reset", limits.MAILS_BY_ADDRESS, limits.RESET_MAILS),
]


@pytest.mark.parametrize(("name", "own", "theirs"), CASES, ids=[name for name, _, _ in CASES])
async def test_a_refused_address_uses_up_nothing_of_an_email(
    ctx: AppContext, name: str, own: Limit, theirs: Limit
) -> None:
    """One address beyond its limit blocked sign-in, sign-up and reset of as many as it named."""
    act = _act(ctx, name)
    for turn in range(own.most):
        await act("10.0.0.1", f"p{turn}@x.example")
    for _ in range(theirs.most):
        await act("10.0.0.1", "victim@x.example")
    assert await _used(ctx, theirs, "victim@x.example") == 0
    await act("10.0.0.2", "victim@x.example")
    assert await _used(ctx, theirs, "victim@x.example") == 1


@pytest.mark.parametrize(("name", "own", "theirs"), CASES[1:], ids=[name for name, *_ in CASES[1:]])
async def test_a_mail_that_is_not_sent_is_not_counted(
    ctx: AppContext, name: str, own: Limit, theirs: Limit
) -> None:
    """An office has one address: a person who asks too often took the mails of everybody there."""
    act = _act(ctx, name)
    for _ in range(own.most):
        await act("10.0.0.1", "often@x.example")
    assert await _used(ctx, own, "10.0.0.1") == theirs.most
