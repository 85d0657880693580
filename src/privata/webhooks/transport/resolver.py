"""From a host name to judged, pinned addresses.

All answers are judged, and one bad answer refuses the host: a mixed answer is how DNS rebinding
looks. Good answers are pinned for five minutes from their resolution, never longer because they
are used, so whoever controls the zone cannot swap an address between the judgement and the
connection.

Whose fault is a failed look-up? DNS says three things. *An answer* or *no such name* is definite.
Everything else (SERVFAIL, no reply, a broken system call) may be the partner's zone or our own
resolver, and the code alone does not tell. So it is theirs (`dns`) only if a look-up of another
name got a definite answer after this one began; when none did, one such name is looked up then.
Without that check the failure is ours (`internal`) and spends nobody's attempt. A name that is
slow is checked early, so that a deadline can be judged too: see `definite_answers`.
Systems that say "no such name" without a network (macOS) cannot be told apart.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, Protocol

from privata.webhooks.outcomes import Outcome
from privata.webhooks.transport.address_table import Address, Reason
from privata.webhooks.transport.guard import LOOPBACK, NOT_REACHABLE, Policy, Target, judge
from privata.webhooks.transport.own_addresses import OwnNames, is_here

PIN_SECONDS: Final = 300.0
MAX_PINS: Final = 10_000
SLOW_SECONDS: Final = 1.0
LOOKUP_THREADS: Final = 16
REFERENCE_SECONDS: Final = 5.0

_NO_SUCH_NAME: Final = frozenset(
    code for name in ("EAI_NONAME", "EAI_NODATA") if (code := getattr(socket, name, None))
)


class Lookup(Protocol):
    """How names are looked up: all addresses of a host; raises `OSError` (`socket.gaierror`)."""

    async def __call__(self, host: str) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Resolution:
    """Judged addresses in the order to try them, or why there are none.

    `failure` is `dns`, `blocked` or `internal`. `reason` names the rule or the error for our log,
    `detail` is a sentence for the partner.
    """

    addresses: tuple[str, ...] = ()
    failure: Outcome | None = None
    reason: str = ""
    detail: str = ""


@dataclass(slots=True)
class _Pin:
    answers: tuple[Address, ...]
    expires_at: float
    # The last judgement. Policies are few and long-lived, so this is nearly always a hit.
    judged_for: Policy | None = None
    judged_with: frozenset[Address] | None = None
    resolution: Resolution = field(default_factory=Resolution)


class SystemLookup:
    """`getaddrinfo` in threads of its own.

    The event loop's shared threads are few (four under uvloop): a handful of dead zones would
    hold up every other name, and whatever else uses them.
    """

    def __init__(self, threads: int = LOOKUP_THREADS) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="privata-dns")

    async def __call__(self, host: str) -> Sequence[str]:
        rows = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        )
        return [str(row[4][0]) for row in rows]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class Resolver:
    """Looks names up once for all who wait, judges the answers and pins them.

    `references` are names of the operator's own choice, asked to learn whether our resolver works;
    names that resolved before serve as well. `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        lookup: Lookup | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        pin_seconds: float = PIN_SECONDS,
        max_pins: int = MAX_PINS,
        slow_seconds: float = SLOW_SECONDS,
        references: Sequence[str] = (),
    ) -> None:
        self._lookup: Lookup = lookup or SystemLookup()
        self._clock = clock
        self._pin_seconds = pin_seconds
        self._max_pins = max_pins
        self._slow_seconds = slow_seconds
        self._references = tuple(references)
        self._pins: dict[str, _Pin] = {}
        self._running: dict[str, asyncio.Task[_Pin | Resolution]] = {}
        self._reference: asyncio.Task[None] | None = None
        self._own = OwnNames(self._ask, clock)
        self.lookups = 0
        #: Rises with every answer that proves that our resolver works.
        self.definite_answers = 0

    def pinned(self, target: Target, policy: Policy) -> Resolution | None:
        """The resolution that needs no look-up, or None. An address in the URL is its own."""
        if target.is_localhost:
            return _LOCALHOST
        if not self._own.known(policy.own_names):
            return None
        if target.is_ip_literal:
            return _resolution_of((ip_address(target.host),), target, policy, self._own.addresses)
        pin = self._pins.get(target.host)
        if pin is None or pin.expires_at <= self._clock():
            return None
        return self._judged(pin, target, policy)

    async def resolve(self, target: Target, policy: Policy) -> Resolution:
        """Judged addresses of the target's host; waits for DNS when there is no pin."""
        if not (target.is_localhost or self._own.known(policy.own_names)):
            await self._own.learn(policy.own_names)
        resolution = self.pinned(target, policy)
        if resolution is not None:
            return resolution
        task = self._running.get(target.host)
        if task is None:
            task = asyncio.create_task(self._look_up(target.host))
            self._running[target.host] = task
            task.add_done_callback(lambda _: self._running.pop(target.host, None))
        # Shielded: a waiter whose deadline comes must not take the answer from the others.
        found = await asyncio.shield(task)
        return found if isinstance(found, Resolution) else self._judged(found, target, policy)

    async def works(self) -> bool:
        """Whether names resolve now, by a reference name; without one, that they may."""
        if not self._references and not self._pins:
            return True
        before = self.definite_answers
        try:
            async with asyncio.timeout(REFERENCE_SECONDS):
                await asyncio.shield(self._call_reference(""))
        except TimeoutError:
            return False
        return self.definite_answers > before

    async def aclose(self) -> None:
        """End running look-ups; threads inside `getaddrinfo` end with it."""
        tasks: list[asyncio.Task[_Pin | Resolution] | asyncio.Task[None]] = [
            *self._running.values()
        ]
        if self._reference is not None:
            tasks.append(self._reference)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._own.aclose()
        if isinstance(self._lookup, SystemLookup):
            self._lookup.close()

    async def _look_up(self, host: str) -> _Pin | Resolution:
        before = self.definite_answers
        early = asyncio.get_running_loop().call_later(
            self._slow_seconds, self._call_reference, host
        )
        try:
            answers = await self._ask(host)
        except OSError as error:
            if _says_no(error):
                return Resolution((), Outcome.DNS, "no_such_name", "DNS says: no such name.")
            if self.definite_answers == before:
                await asyncio.shield(self._call_reference(host))
            return self._undecided(error, resolver_works=self.definite_answers > before)
        except UnicodeError:
            return Resolution((), Outcome.DNS, "name", "The host is not a valid name.")
        finally:
            early.cancel()
        if not answers:
            return Resolution((), Outcome.DNS, "no_address", "DNS gave no address.")
        return self._pin(host, answers)

    async def _ask(self, host: str) -> tuple[Address, ...]:
        """One look-up, counted when its answer is definite."""
        self.lookups += 1
        try:
            texts = await self._lookup(host)
        except OSError as error:
            self.definite_answers += _says_no(error)
            raise
        self.definite_answers += 1
        return tuple(dict.fromkeys(ip_address(text) for text in texts))

    def _undecided(self, error: OSError, *, resolver_works: bool) -> Resolution:
        reason = f"{type(error).__name__} {error.errno}: {error.strerror}"
        if resolver_works:
            detail = "The name servers of this name did not answer properly."
            return Resolution((), Outcome.DNS, reason, detail)
        return Resolution((), Outcome.INTERNAL, reason, "Our own name resolution is not working.")

    def _call_reference(self, host: str) -> asyncio.Task[None]:
        if self._reference is None or self._reference.done():
            self._reference = asyncio.create_task(self._ask_reference(host))
        return self._reference

    async def _ask_reference(self, host: str) -> None:
        known = (*self._references, *reversed(self._pins))
        name = next((name for name in known if name != host), None)
        if name is None:
            return
        try:
            await self._ask(name)
        except (OSError, ValueError):
            # Silence of the reference is an answer too: the counter has not risen.
            return

    def _pin(self, host: str, answers: tuple[Address, ...]) -> _Pin:
        self._pins.pop(host, None)
        while len(self._pins) >= self._max_pins:
            del self._pins[next(iter(self._pins))]
        pin = self._pins[host] = _Pin(answers, self._clock() + self._pin_seconds)
        return pin

    def _judged(self, pin: _Pin, target: Target, policy: Policy) -> Resolution:
        own = self._own.addresses
        if pin.judged_for is not policy or pin.judged_with is not own:
            pin.resolution = _resolution_of(pin.answers, target, policy, own)
            pin.judged_for, pin.judged_with = policy, own
        return pin.resolution


def _says_no(error: OSError) -> bool:
    return isinstance(error, socket.gaierror) and error.errno in _NO_SUCH_NAME


def _resolution_of(
    answers: tuple[Address, ...], target: Target, policy: Policy, own: frozenset[Address]
) -> Resolution:
    for answer in answers:
        reason = judge(answer, target=target, policy=policy)
        if reason is None and (answer in own or is_here(answer, policy)):
            reason = Reason.OWN_ADDRESS
        if reason is not None:
            return Resolution((), Outcome.BLOCKED, f"{reason}: {answer}", NOT_REACHABLE)
    return Resolution(tuple(str(answer) for answer in answers))


_LOCALHOST: Final = Resolution(tuple(str(address) for address in LOOPBACK))
