"""From judged addresses to one connection: every address gets its chance, none holds up the others.

The families take turns, and each address has a short head start before the next one is tried beside
it (RFC 8305, "Happy Eyeballs"). At most a few are under way at a time, so a name with many dead
addresses costs few sockets; the head starts are so short that the last one has its chance within
the deadline too. The first connection wins, and TLS is spoken on that one alone.

When none is made it is decided whose fault that was, address by address: see `Dialer._blame`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from itertools import chain, zip_longest
from typing import Final

from privata.core.errors import UrlRefused
from privata.webhooks.outcomes import Phase
from privata.webhooks.transport.connections import CLOSE_SECONDS, Connection
from privata.webhooks.transport.failures import (
    NO_PORT,
    UNPROVEN,
    AttemptError,
    connection_failed,
    family_not_tried,
    is_missing,
    is_ours,
    is_silent,
    no_such_family_here,
    our_network_is_silent,
    our_ports_are_used_up,
    timed_out,
    tls_failed,
)
from privata.webhooks.transport.guard import NOT_REACHABLE, Policy, Target, judge
from privata.webhooks.transport.reachability import SLOW_SECONDS, ReachabilityCheck, SocketAddress
from privata.webhooks.transport.routes import Routes, family_of

#: Seconds an address is tried alone before the next one is tried too (RFC 8305, section 8).
HEAD_START_SECONDS: Final = 0.25

#: Connections that one attempt tries to make at the same time.
ABREAST: Final = 4

_Made = tuple[asyncio.Transport, Connection]


def interleaved(addresses: Sequence[str]) -> list[str]:
    """The same addresses with the families taking turns, the first one's family first."""
    if not addresses:
        return []
    first = family_of(addresses[0])
    same = [address for address in addresses if family_of(address) == first]
    other = [address for address in addresses if family_of(address) != first]
    turns = chain.from_iterable(zip_longest(same, other))
    return [address for address in turns if address is not None]


class Dialer:
    """Makes connections; says whose fault it was when it cannot."""

    def __init__(
        self, secure: ssl.SSLContext, network: ReachabilityCheck, routes: Routes | None = None
    ) -> None:
        self._ssl = secure
        self._network = network
        self._routes = routes or Routes()

    def has_route(self, family: int) -> bool:
        """Whether this machine has a route to anything public of a family (4 or 6)."""
        return self._routes.of_family(family)

    async def dial(
        self,
        loop: asyncio.AbstractEventLoop,
        target: Target,
        addresses: Sequence[str],
        deadline: float,
        policy: Policy,
    ) -> tuple[asyncio.Transport, Connection, str]:
        """A connection, secured where the scheme asks for it, and the address it leads to.

        `UrlRefused` when the guard refuses an address; `AttemptError` when none lets us in.
        """
        for address in addresses:
            reason = judge(ip_address(address), target=target, policy=policy)
            if reason is not None:
                raise UrlRefused(NOT_REACHABLE, reason=reason)
        race = _Race(loop, target.port, deadline, self._network.ask)
        made = await race.run(interleaved(addresses))
        if made is None:
            raise await self._failure_of(race, target.port)
        transport, connection = made
        if target.scheme == "https":
            transport = await self._secure(loop, transport, connection, target.host, deadline)
        return transport, connection, race.winner

    async def _secure(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        connection: Connection,
        host: str,
        deadline: float,
    ) -> asyncio.Transport:
        try:
            async with asyncio.timeout_at(deadline):
                secured = await loop.start_tls(
                    transport,
                    connection,
                    self._ssl,
                    server_hostname=host,
                    ssl_shutdown_timeout=CLOSE_SECONDS,
                )
            if secured is None:
                raise ConnectionResetError  # noqa: TRY301
        except TimeoutError:
            transport.abort()
            raise timed_out(Phase.TLS) from None
        except OSError as error:
            transport.abort()
            raise tls_failed(error) from error
        except BaseException:
            transport.abort()
            raise
        return secured

    async def _failure_of(self, race: _Race, port: int) -> AttemptError:
        """The one error of an attempt out of those of its addresses.

        A fault of ours with one address (no IPv6 here, say) tells nothing when another address
        failed through theirs; but it is said, because they could not know. Before silence is taken
        for ours the reference hosts are heard, for what failed at once left nobody the time to
        answer.
        """
        blamed = self._blame_all(race, port)
        silent = {failed.family: address for address, failed in blamed.items() if is_silent(failed)}
        for address in silent.values():
            if not all(map(is_ours, blamed.values())):
                break
            await self._network.answers((address, port), race.began, race.deadline)
            blamed = self._blame_all(race, port)
        theirs = [failed for failed in blamed.values() if not is_ours(failed)]
        if not theirs:
            return next(iter(blamed.values()))
        missing = next((failed.family for failed in blamed.values() if is_missing(failed)), None)
        return theirs[0] if missing is None else family_not_tried(theirs[0], missing)

    def _blame_all(self, race: _Race, port: int) -> dict[str, AttemptError]:
        return {address: self._blame(race, address, port) for address in race.failures}

    def _blame(self, race: _Race, address: str, port: int) -> AttemptError:
        """Ours or theirs, by evidence.

        - No route to the address: ours when there is none to anything of its family; when there
          is, the address is one that leads nowhere, and that is theirs.
        - A route, but nobody answers, or a router on the way says no: ours when the others of the
          family who answered before are silent as well.
        - A router says no to IPv6, and nobody has answered over IPv6 yet: ours. Many machines have
          a route for it that ends at the first router.
        """
        failed = race.failures[address]
        if failed.no_way:
            family = family_of(address)
            if not self._routes.to(address):
                return failed if self._routes.of_family(family) else no_such_family_here(family)
            if failed.reason == NO_PORT:
                return our_ports_are_used_up()
            if family == 6 and not self._network.has_heard(family):
                return no_such_family_here(family, UNPROVEN)
        if failed.unanswered and not self._network.network_was_there(race.began, (address, port)):
            return our_network_is_silent(family_of(address))
        return failed


class _Race:
    """The connections of one attempt. `failures` has the error of each address that failed."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        port: int,
        deadline: float,
        ask: Callable[[SocketAddress], object],
    ) -> None:
        self._loop = loop
        self._port = port
        self.deadline = deadline
        self._ask = ask
        self._running: dict[asyncio.Task[_Made], str] = {}
        self.began = loop.time()
        self.failures: dict[str, AttemptError] = {}
        self.winner = ""

    async def run(self, addresses: Sequence[str]) -> _Made | None:
        """The first connection that is made; None when there is none by the deadline."""
        waiting = deque(addresses)
        # One head start more than there are addresses: the last one has time of its own too.
        share = (self.deadline - self.began) / (len(addresses) + 1)
        head_start = min(HEAD_START_SECONDS, share)
        next_at = self.began
        # Once for all addresses: with many of them each has too little time for silence to show.
        slow = self._loop.call_later(SLOW_SECONDS, self._ask_about, addresses)
        try:
            while waiting or self._running:
                now = self._loop.time()
                if now >= self.deadline:
                    break
                if waiting and (now >= next_at or not self._running):
                    self._start(waiting.popleft())
                    next_at = now + head_start
                until = min(self.deadline, next_at) if waiting else self.deadline
                done, _ = await asyncio.wait(
                    self._running,
                    timeout=max(0.0, until - now),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for task in done:
                    made = self._ended(task)
                    if made is not None:
                        return made
                    next_at = now  # the next one need not wait for a head start that is over
            for address in (*self._running.values(), *waiting):
                self.failures[address] = timed_out(Phase.CONNECT)
            return None
        finally:
            slow.cancel()
            for task in list(self._running):
                self._drop(task)

    def _ask_about(self, addresses: Sequence[str]) -> None:
        for address in {family_of(address): address for address in addresses}.values():
            self._ask((address, self._port))

    def _start(self, address: str) -> None:
        if len(self._running) >= ABREAST:
            oldest = next(iter(self._running))
            self.failures[self._running[oldest]] = timed_out(Phase.CONNECT)
            self._drop(oldest)
        self._running[asyncio.create_task(self._connect(address))] = address

    def _ended(self, task: asyncio.Task[_Made]) -> _Made | None:
        address = self._running.pop(task)
        try:
            made = task.result()
        except OSError as error:
            self.failures[address] = connection_failed(error, Phase.CONNECT)
            return None
        self.winner = address
        return made

    async def _connect(self, address: str) -> _Made:
        return await self._loop.create_connection(
            lambda: Connection(self._loop), address, self._port
        )

    def _drop(self, task: asyncio.Task[_Made]) -> None:
        """Give a connection up; one that was made at this very moment is closed."""
        self._running.pop(task, None)
        task.cancel()
        task.add_done_callback(_abort)


def _abort(task: asyncio.Task[_Made]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result()[0].abort()
