"""What every provider's fake has: a server on this machine, a book of orders, prices, and traps.

A fake speaks the documented wire format of one provider. Tests move its orders by hand; with a pace
it moves them by itself, so that a demo can watch live orders. It is no simulator: no money, no
chain, and nothing but its own memory.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
import zlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import ClassVar, Final

import msgspec
from aiohttp import web

from privata.core.clock import Clock, SystemClock
from privata.core.money import CONTEXT, floor_to
from privata.providers.fakes import traps
from privata.providers.fakes.assets import CHAIN_NETWORK, PRICES
from privata.providers.port import Asset
from privata.providers.simulator.addresses import deposit_address, tx_hash

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")

#: What a fake swaps, in dollars.
MIN_USD: Final = Decimal(10)
MAX_USD: Final = Decimal(250_000)

_NONE: Final = Decimal(0)


@dataclass(slots=True)
class FakeOrder:
    """An order in a fake's book; `status` is the provider's own word."""

    id: str
    source: Asset
    target: Asset
    amount_from: Decimal
    amount_to: Decimal
    fixed: bool
    payout_address: str
    payout_extra_id: str | None
    refund_address: str | None
    refund_extra_id: str | None
    deposit_address: str
    deposit_extra_id: str | None
    status: str
    created_at: datetime
    secret: str = ""
    valid_until: datetime | None = None
    tx_in: str | None = None
    tx_out: str | None = None
    tx_refund: str | None = None
    deposited: Decimal | None = None
    sent: Decimal | None = None
    stranded: bool = False
    unpaid: bool = False
    refund_asked_at: datetime | None = None
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that a fake got."""

    call: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        """The body as an object."""
        found: dict[str, object] = msgspec.json.decode(self.body)
        return found


class FakeError(Exception):
    """An error that a fake answers with, in its provider's shape."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


Handler = Callable[[web.Request], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Route:
    """One call of the wire format. `status` is that of success."""

    call: str
    method: str
    path: str
    handler: Handler
    status: int = 200


class FakeExchange(ABC):
    """The base of all fakes. `base_path` begins the paths of the provider's API.

    `straight` are its words for an order that goes well, in their order. `trap` answers everything
    until it is taken away; `changed` puts raw JSON in the place of one field of a call's answers
    (`call` -> dotted path -> JSON); `errors` answers a call with an error, a number of times.

    What follows is for the demo. `down` is the share of calls that fail, and `slow_s` what each
    takes longer; with `away` everything fails for `away[1]` of every `away[0]` seconds, first after
    a quarter of them. From the first on, one order in `strand_every` goes wrong and needs a refund,
    and one in `unpaid_every` never gets its deposit. `uneven`: the spread depends on the pair, so
    that a pair has another best provider than the next one.
    """

    name: ClassVar[str]
    base_path: ClassVar[str] = ""
    straight: ClassVar[Sequence[str]]

    away: tuple[float, float] | None = None
    strand_every: int | None = None
    unpaid_every: int | None = None
    uneven: bool = False

    def __init__(
        self,
        *,
        spread: Decimal = Decimal("0.01"),
        pace_s: float | None = None,
        slow_s: float = 0.0,
        down: float = 0.0,
        clock: Clock | None = None,
    ) -> None:
        self.spread = spread
        self.pace_s = pace_s
        self.slow_s = slow_s
        self.down = down
        self.clock = clock or SystemClock()
        self.book: dict[str, FakeOrder] = {}
        self.seen: list[Seen] = []
        self.trap: traps.Trap | None = None
        self.changed: dict[str, dict[str, bytes]] = {}
        self.errors: dict[str, list[FakeError]] = {}
        self.sent_bytes = 0
        self._runner: web.AppRunner | None = None
        self._started_at = time.monotonic()
        self._rng = random.Random()  # noqa: S311  # outages of a demo, not secrets

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """The calls of the wire format."""

    async def start(self, port: int = 0) -> str:
        """Serve on this machine; the base URL for the adapter."""
        app = web.Application()
        for route in self.routes():
            app.router.add_route(route.method, self.base_path + route.path, self._answering(route))
        self._started_at = time.monotonic()
        self._runner = web.AppRunner(
            app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        bound = self._runner.addresses[0][1]
        return f"http://127.0.0.1:{bound}{self.base_path}"

    async def stop(self) -> None:
        """Stop serving."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def open_book(self, path: Path) -> None:
        """Go on with the orders that `close_book` has kept, if there are any."""
        try:
            self.book = msgspec.json.decode(path.read_bytes(), type=dict[str, FakeOrder])
        except (FileNotFoundError, msgspec.MsgspecError):
            self.book = {}

    def close_book(self, path: Path) -> None:
        """Keep the orders for the next start."""
        draft = path.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(self.book))
        draft.replace(path)

    def calls(self, name: str) -> list[Seen]:
        """The requests of a call, oldest first."""
        return [one for one in self.seen if one.call == name]

    def move(self, order_id: str, word: str, **facts: object) -> FakeOrder:
        """Let an order have this status, and the hashes and amounts that go with it."""
        order = self.book[order_id]
        order.status = word
        order.facts.update(facts)
        if self.place(word) > 0:
            order.tx_in = order.tx_in or tx_hash(order.id, "in")
            order.deposited = order.deposited or order.amount_from
        if word == self.straight[-1]:
            order.tx_out = tx_hash(order.id, "out")
            order.sent = order.amount_to
        return order

    def place(self, word: str) -> int:
        """How far along the straight way a word is; 0 for one that is not on it."""
        return self.straight.index(word) if word in self.straight else 0

    def find(self, order_id: str) -> FakeOrder | None:
        """An order of the book, moved on if there is a pace."""
        order = self.book.get(order_id)
        if order is not None and self.pace_s is not None:
            self._move_on(order, self.pace_s)
        return order

    def _move_on(self, order: FakeOrder, pace_s: float) -> None:
        now = self.clock.now()
        if order.unpaid:
            return
        if order.refund_asked_at is not None:
            asked = (now - order.refund_asked_at).total_seconds()
            if order.tx_refund is None and asked >= pace_s:
                self.finish_refund(order.id)
        elif order.status in self.straight:
            age = (now - order.created_at).total_seconds()
            place = min(int(age / pace_s), len(self.straight) - 1)
            if order.stranded and place > 1:
                self.move(order.id, self.straight[1])
                self.strand(order.id)
            elif place > self.place(order.status):
                self.move(order.id, self.straight[place])

    def strand(self, order_id: str) -> None:
        """Let an order whose deposit has come need a refund."""
        raise NotImplementedError(f"the fake of {self.name} strands no orders")

    def finish_refund(self, order_id: str) -> None:
        """The refund that was asked for is sent."""
        raise NotImplementedError(f"the fake of {self.name} sends no refunds")

    def priced(
        self,
        source: Asset,
        target: Asset,
        amount: Decimal,
        *,
        direct: bool,
        markup_percent: Decimal = _NONE,
    ) -> tuple[Decimal, Decimal]:
        """What is sent and what is received, for an amount of one of them."""
        rate = CONTEXT.divide(PRICES[source.ticker], PRICES[target.ticker])
        spread = self._spread_of(source, target)
        rate = CONTEXT.multiply(rate, (1 - spread) * (1 - markup_percent / 100))
        if direct:
            return amount, floor_to(CONTEXT.multiply(amount, rate), min(target.decimals, 8))
        unit = Decimal(1).scaleb(-min(source.decimals, 8))
        sent = floor_to(CONTEXT.divide(amount, rate), min(source.decimals, 8)) + unit
        return sent, amount

    def _spread_of(self, source: Asset, target: Asset) -> Decimal:
        if not self.uneven:
            return self.spread
        # From half to one and a half of it: the same for a pair at every start.
        pair = f"{self.name} {source.ticker} {target.ticker}".encode()
        return self.spread * (50 + zlib.crc32(pair) % 101) / 100

    def bounds(self, source: Asset) -> tuple[Decimal, Decimal]:
        """The least and the most that may be sent."""
        price = PRICES[source.ticker]
        return floor_to(MIN_USD / price, 6), floor_to(MAX_USD / price, 6)

    def enter(self, order: FakeOrder) -> FakeOrder:
        """Put a new order into the book."""
        number = len(self.book)
        order.stranded = self.strand_every is not None and number % self.strand_every == 0
        order.unpaid = self.unpaid_every is not None and number % self.unpaid_every == 0
        self.book[order.id] = order
        return order

    def address_for(self, asset: Asset, seed: str) -> tuple[str, str | None]:
        """A well-formed deposit address that is nobody's."""
        return deposit_address(CHAIN_NETWORK[asset.network], seed)

    def new_id(self) -> str:
        """An id for an order: 14 hex digits, as ChangeNOW has them."""
        return secrets.token_hex(7)

    def in_time(self, minutes: float) -> datetime:
        """So many minutes from now."""
        return self.clock.now() + timedelta(minutes=minutes)

    def _answering(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answering(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            self.seen.append(
                Seen(
                    route.call,
                    request.method,
                    request.path,
                    dict(request.query),
                    dict(request.headers),
                    body,
                )
            )
            await asyncio.sleep(self.slow_s)
            if self._rng.random() < self.down or self._is_away():
                return await traps.answer(traps.Trap.SERVER_ERROR, request, self._sent)
            if self.trap is not None:
                return await traps.answer(self.trap, request, self._sent)
            return await self._in_the_format(route, request)

        return answering

    def _is_away(self) -> bool:
        if self.away is None:
            return False
        every, seconds = self.away
        return (time.monotonic() - self._started_at - every / 4) % every < seconds

    async def _in_the_format(self, route: Route, request: web.Request) -> web.Response:
        try:
            waiting = self.errors.get(route.call)
            if waiting:
                raise waiting.pop(0)
            status, value = route.status, await route.handler(request)
        except FakeError as error:
            status, value = error.status, error.body
        for path, raw in self.changed.get(route.call, {}).items():
            value = _with(value, path.split("."), raw)
        return web.Response(
            body=_ENCODER.encode(value), status=status, content_type="application/json"
        )

    def _sent(self, count: int) -> None:
        self.sent_bytes += count


def _with(value: object, path: Sequence[str], raw: bytes) -> object:
    """The value with raw JSON at a path; a number in a path is the place in a list."""
    if not path:
        return msgspec.Raw(raw)
    if isinstance(value, list):
        place = int(path[0])
        return [_with(one, path[1:], raw) if at == place else one for at, one in enumerate(value)]
    assert isinstance(value, dict)
    return {**value, path[0]: _with(value.get(path[0], {}), path[1:], raw)}
