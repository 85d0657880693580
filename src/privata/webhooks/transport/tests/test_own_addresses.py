"""Our own addresses are no targets, by whatever name they are reached."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import pytest

from privata.infra.settings import Settings
from privata.webhooks.outcomes import Outcome
from privata.webhooks.tests.receivers import Names
from privata.webhooks.transport import own_addresses
from privata.webhooks.transport.address_table import Address
from privata.webhooks.transport.guard import Policy, judge, parse_url
from privata.webhooks.transport.own_addresses import AGAIN_SECONDS, KEPT_SECONDS, is_here
from privata.webhooks.transport.policies import policies
from privata.webhooks.transport.resolver import Resolver

OURS, THEIRS = "93.184.215.14", "93.184.215.15"
OWN_NAME = "privata.example.com"
POLICY = Policy(own_hosts=frozenset({OWN_NAME}), own_names=frozenset({OWN_NAME}))


async def _reason(resolver: Resolver, url: str, policy: Policy = POLICY) -> str:
    found = await resolver.resolve(parse_url(url, policy=policy), policy)
    assert found.failure in (None, Outcome.BLOCKED)
    return found.reason


async def test_what_our_public_name_resolves_to_is_refused_under_any_name() -> None:
    now = 0.0
    names = Names({OWN_NAME: [OURS, "2606:2800:21f::1"], "a.com": [OURS], "b.com": [THEIRS]})
    resolver = Resolver(lookup=names, clock=lambda: now)
    for url in ("https://a.com/", f"https://{OURS}/", "https://[2606:2800:21f::1]/"):
        assert (await _reason(resolver, url)).startswith("own_address")
    for url in ("https://b.com/", f"https://{THEIRS}/"):
        assert await _reason(resolver, url) == ""
    assert names.asked.count(OWN_NAME) == 1
    # We move: the new address is refused, the old one is anybody's. Pins are judged anew.
    names.table[OWN_NAME] = [THEIRS]
    now = KEPT_SECONDS
    assert (await _reason(resolver, "https://b.com/")).startswith("own_address")
    assert await _reason(resolver, "https://a.com/") == ""
    # What was known stays known while our name cannot be looked up.
    names.table[OWN_NAME] = socket.gaierror(socket.EAI_AGAIN, "later")
    now += KEPT_SECONDS
    assert (await _reason(resolver, f"https://{THEIRS}/")).startswith("own_address")
    asked = names.asked.count(OWN_NAME)
    now += AGAIN_SECONDS - 1
    await _reason(resolver, f"https://{THEIRS}/")
    assert names.asked.count(OWN_NAME) == asked
    await resolver.aclose()


async def test_a_slow_look_up_of_our_own_name_holds_up_nobody_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(own_addresses, "PATIENCE_SECONDS", 0.01)
    release = asyncio.Event()

    async def look_up(host: str) -> Sequence[str]:
        if host == OWN_NAME:
            await release.wait()
            return [OURS]
        return [OURS]

    resolver = Resolver(lookup=look_up)
    assert await _reason(resolver, "https://a.com/") == ""
    release.set()
    await asyncio.sleep(0.01)
    assert (await _reason(resolver, "https://a.com/")).startswith("own_address")
    await resolver.aclose()


def _outward() -> list[Address]:
    """Addresses of this machine other than loopback, if it has any that its name leads to."""
    try:
        rows = socket.getaddrinfo(socket.gethostname(), None)
    except OSError:
        return []
    found = {ip_address(str(row[4][0]).partition("%")[0]) for row in rows}
    return [one for one in found if not one.is_loopback and not one.is_link_local]


def test_an_address_of_an_interface_is_ours_unless_it_is_allowed_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = ip_address("10.0.0.5")
    monkeypatch.setattr(own_addresses, "_binds", lambda address, _: address == str(mine))
    own_addresses._binding_tells.cache_clear()
    for allowed, here in ((), True), (("10.0.0.0/8",), True), (("10.0.0.5/32",), False):
        policy = Policy(allowed_cidrs=tuple(map(ip_network, allowed)))
        assert is_here(mine, policy) is here
    assert not is_here(ip_address("10.0.0.6"), Policy())
    own_addresses._binding_tells.cache_clear()


async def test_a_name_that_leads_to_an_interface_of_this_machine_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(own_addresses, "_binds", lambda address, _: address == OURS)
    own_addresses._binding_tells.cache_clear()
    resolver = Resolver(lookup=Names({"a.com": [THEIRS, OURS], "b.com": [THEIRS]}))
    assert await _reason(resolver, "https://a.com/", Policy()) == f"own_address: {OURS}"
    assert await _reason(resolver, f"https://{OURS}/", Policy()) == f"own_address: {OURS}"
    assert await _reason(resolver, "https://b.com/", Policy()) == ""
    own_addresses._binding_tells.cache_clear()


def test_the_kernel_knows_which_addresses_are_here() -> None:
    assert own_addresses._binds("127.0.0.1", 4)
    assert not own_addresses._binds("198.41.0.4", 4)
    assert not is_here(ip_address("127.0.0.1"), Policy()), "loopback is the table's business"
    assert not is_here(ip_address(THEIRS), Policy())
    for one in _outward():
        assert is_here(one, Policy())


def test_where_any_address_can_be_bound_binding_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(own_addresses, "_binds", lambda *_: True)
    own_addresses._binding_tells.cache_clear()
    assert not is_here(ip_address(THEIRS), Policy())
    assert "PRIVATA_OUTBOUND_OWN_ADDRESSES" in caplog.text
    own_addresses._binding_tells.cache_clear()


def test_the_settings_say_what_more_is_ours() -> None:
    settings = Settings(
        _env_file=None,
        public_url=f"https://{OWN_NAME}",
        outbound_own_addresses="93.184.216.0/24, 2606:2800:21f::/48",
    )
    policy = policies(settings)["live"]
    assert policy.own_names == frozenset({OWN_NAME})
    target = parse_url("https://a.com/", policy=policy)
    for text, refused in (("93.184.216.34", True), ("2606:2800:21f::9", True), (OURS, False)):
        found = judge(ip_address(text), target=target, policy=policy)
        assert (found == "own_address") is refused
    shared = settings.model_copy(update={"outbound_own_by_name": False})
    assert policies(shared)["live"].own_names == frozenset()
    by_address = settings.model_copy(update={"public_url": f"https://{OURS}"})
    assert policies(by_address)["live"].own_names == frozenset()
    assert OURS in policies(by_address)["live"].own_hosts
