"""The shared client: where it may go, how often, and what it keeps to itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest
from aiohttp import web

from privata.core.errors import ProviderUnavailable
from privata.providers.currencies import Code
from privata.providers.failures import Fault
from privata.providers.fakes.exchange import FakeExchange, Route
from privata.providers.fakes.traps import Trap
from privata.providers.http.bucket import MOST_PAUSE_S, Bucket
from privata.providers.http.client import Call, ClientSettings, ProviderClient
from privata.providers.http.decoding import decoded, encoded
from privata.providers.listing import Listing
from privata.providers.port import Asset, Credentials, Deadline, OrderSecret

BTC = Asset("BTC", "BTC", "Bitcoin", 8)


class Echo(FakeExchange):
    """Answers what it was asked, and counts who asks at the same time."""

    name = "echo"
    straight = ("waiting",)

    def __init__(self) -> None:
        super().__init__()
        self.at_once = 0
        self.most_at_once = 0
        self.go_on = asyncio.Event()

    def routes(self) -> Sequence[Route]:
        return (
            Route("echo", "POST", "/echo", self.echo),
            Route("wait", "GET", "/wait", self.wait),
        )

    async def echo(self, request: web.Request) -> object:
        return {"body": (await request.read()).decode(), "cookie": request.headers.get("Cookie")}

    async def wait(self, request: web.Request) -> object:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.go_on.wait()
        self.at_once -= 1
        return {}


@pytest.mark.parametrize(
    "base_url",
    [
        "http://api.example.com",
        "ftp://127.0.0.1",
        "https://",
        "https://user:password@api.example.com",
        "https://api.example.com/?key=1",
        "http://127.0.0.1.example.com",
    ],
)
def test_a_base_url_is_https_or_on_this_machine(base_url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        ClientSettings(base_url, calls_per_minute=1, burst=1)


def test_limits_must_be_more_than_nothing() -> None:
    with pytest.raises(ValueError, match="burst"):
        ClientSettings("https://api.example.com", calls_per_minute=1, burst=0)


async def test_connections_are_bounded_and_waiting_has_the_deadline() -> None:
    fake = Echo()
    settings = ClientSettings(await fake.start(), calls_per_minute=1e6, burst=100, connections=2)
    client = ProviderClient("echo", settings)
    try:
        calls = [client.call(Call("wait", "GET", "/wait"), Deadline.after(0.3)) for _ in range(5)]
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert [one.reason for one in ended if isinstance(one, ProviderUnavailable)] == [
            Fault.TIMEOUT
        ] * 5
        assert fake.most_at_once == 2
    finally:
        await client.close()
        await fake.stop()


async def test_a_get_that_changes_something_is_sent_once() -> None:
    fake = Echo()
    settings = ClientSettings(await fake.start(), calls_per_minute=1e6, burst=100)
    client = ProviderClient("echo", settings)
    fake.trap = Trap.CLOSED
    try:
        with pytest.raises(ProviderUnavailable) as raised:
            await client.call(Call("wait", "GET", "/wait", once=True))
        assert raised.value.reason == Fault.CONNECTION
        assert len(fake.calls("wait")) == 1
    finally:
        await client.close()
        await fake.stop()


async def test_no_call_is_sent_twice_though_a_kept_connection_is_hung_up_on() -> None:
    """aiohttp would send a GET again, and the provider count two."""
    fake = Echo()
    fake.go_on.set()
    settings = ClientSettings(await fake.start(), calls_per_minute=1e6, burst=100)
    client = ProviderClient("echo", settings)
    try:
        assert (await client.call(Call("wait", "GET", "/wait"))).ok
        fake.trap = Trap.CLOSED
        with pytest.raises(ProviderUnavailable) as raised:
            await client.call(Call("wait", "GET", "/wait"))
        assert raised.value.reason == Fault.CONNECTION
        assert len(fake.calls("wait")) == 2
        fake.trap = None
        assert (await client.call(Call("wait", "GET", "/wait"))).ok
    finally:
        await client.close()
        await fake.stop()


async def test_bytes_go_out_as_they_are() -> None:
    fake = Echo()
    settings = ClientSettings(await fake.start(), calls_per_minute=1e6, burst=100)
    client = ProviderClient("echo", settings)
    try:
        reply = await client.call(Call("echo", "POST", "/echo", body=b'{"b":1,  "a":2}'))
        assert reply.fields().text("body") == '{"b":1,  "a":2}'
        reply = await client.call(Call("echo", "POST", "/echo", body={"a": Decimal("1E-18")}))
        assert decoded("echo", "x", reply.fields().text("body").encode()) == {"a": Decimal("1E-18")}
    finally:
        await client.close()
        await fake.stop()


async def test_a_server_that_is_not_there() -> None:
    fake = Echo()
    base_url = await fake.start()
    await fake.stop()
    client = ProviderClient("echo", ClientSettings(base_url, calls_per_minute=60, burst=1))
    with pytest.raises(ProviderUnavailable) as raised:
        await client.call(Call("echo", "POST", "/echo"))
    assert raised.value.reason == Fault.CONNECTION
    await client.close()


def test_the_bucket_lets_calls_out_in_turn() -> None:
    now = [0.0]
    bucket = Bucket("x", per_minute=60, burst=2, monotonic=lambda: now[0])
    assert [bucket.reserve(1, 10) for _ in range(4)] == [0, 0, 1, 2]
    with pytest.raises(ProviderUnavailable) as raised:
        bucket.reserve(1, 2.5)
    assert raised.value.reason == Fault.OUR_RATE
    # Who could not wait took nothing.
    assert bucket.reserve(1, 3) == 3
    now[0] = 100.0
    assert [bucket.reserve(1, 0) for _ in range(2)] == [0, 0]


def test_the_bucket_weighs_calls() -> None:
    bucket = Bucket("x", per_minute=60, burst=50, monotonic=lambda: 0.0)
    assert bucket.reserve(50, 0) == 0
    assert bucket.reserve(1, 1) == 1


def test_a_pause_ends_by_itself_however_long_it_was_to_be() -> None:
    now = [0.0]
    bucket = Bucket("x", per_minute=60, burst=2, monotonic=lambda: now[0])
    bucket.pause(1e9)
    with pytest.raises(ProviderUnavailable) as raised:
        bucket.reserve(1, 1)
    assert raised.value.reason == Fault.RATE_LIMITED
    now[0] = MOST_PAUSE_S
    assert bucket.reserve(1, 0) == 0


async def test_calls_that_need_the_list_together_ask_once() -> None:
    asked = 0

    async def load(deadline: Deadline | None) -> dict[Asset, Code]:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return {BTC: Code("btc", "btc")}

    listing = Listing("x", load, 60)
    codes = await asyncio.gather(*(listing.code(BTC, None) for _ in range(5)))
    assert codes == [Code("btc", "btc")] * 5
    assert asked == 1


async def test_an_old_list_is_used_while_the_provider_is_down() -> None:
    now, down = [0.0], [False]

    async def load(deadline: Deadline | None) -> dict[Asset, Code]:
        if down[0]:
            raise ProviderUnavailable("down")
        return {BTC: Code("btc", "btc")}

    listing = Listing("x", load, 60, monotonic=lambda: now[0])
    down[0] = True
    with pytest.raises(ProviderUnavailable):
        await listing.code(BTC, None)
    down[0] = False
    assert await listing.code(BTC, None) is not None
    now[0], down[0] = 61.0, True
    assert await listing.code(BTC, None) == Code("btc", "btc")


def test_secrets_are_not_printed() -> None:
    credentials = Credentials(key="k-1", secret="s-1", account="a-1")
    secret = OrderSecret({"token": "t-1"})
    call = Call("x", "GET", "/", query={"address": "a-2"}, headers={"h": "h-1"}, body={"b": "b-1"})
    shown = f"{credentials!r} {credentials} {secret!r} {secret} {call!r}"
    for value in ("k-1", "s-1", "a-1", "t-1", "a-2", "h-1", "b-1"):
        assert value not in shown
    assert OrderSecret.from_bytes(secret.to_bytes()) == secret


def test_numbers_keep_their_digits() -> None:
    text = b'{"a":0.1,"b":123456789.123456789123456789,"c":1e-8}'
    value = decoded("x", "x", text)
    assert value == {
        "a": Decimal("0.1"),
        "b": Decimal("123456789.123456789123456789"),
        "c": Decimal("1e-8"),
    }
    assert decoded("x", "x", encoded(value)) == value
