"""What Django's views need of the program around them.

Django makes its views without arguments, so this is the one place that keeps the kernel of the
process; it is set once, before the first request.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from asgiref.sync import async_to_sync

from privata.core.clock import SystemClock
from privata.infra.kernel import Kernel

if TYPE_CHECKING:
    from django.http import HttpRequest

_kernel: Kernel | None = None
_SYSTEM = SystemClock()

T = TypeVar("T")


def install(kernel: Kernel) -> None:
    """Give the views their kernel."""
    global _kernel
    _kernel = kernel


def kernel() -> Kernel:
    """The kernel of this process."""
    if _kernel is None:
        raise RuntimeError("the Desk has no kernel: it was not started by privata.serving")
    return _kernel


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks, for a part of the page."""
    return request.headers.get("HX-Request") == "true"


def current_time() -> datetime:
    """The time by the clock of this process; the machine's where there is no kernel (a preview)."""
    return (_SYSTEM if _kernel is None else _kernel.clock).now()


def wait(answer: Awaitable[T]) -> T:
    """Run a service from a synchronous view, on the event loop that owns the connections."""

    async def answered() -> T:
        return await answer

    return async_to_sync(answered)()
