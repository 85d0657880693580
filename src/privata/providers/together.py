"""Two questions to one provider at once: a price and its limits, where these are two calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


async def both(one: Awaitable[T], other: Awaitable[U]) -> tuple[T | BaseException, U]:
    """What came of two calls that were made at the same time; the first may have failed.

    An error of the second is raised: without limits no one can say what the first error means.
    """
    first, second = await asyncio.gather(one, other, return_exceptions=True)
    if isinstance(second, BaseException):
        raise second
    return first, second
