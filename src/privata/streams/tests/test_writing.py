"""Beginning a write at once: what it waits for is awaited in a task, and nothing is lost."""

from __future__ import annotations

import asyncio

import pytest

from privata.streams.writing import begin


class Pipe:
    """Takes what is written while it is open."""

    def __init__(self, *, is_open: bool) -> None:
        self.open = asyncio.Event()
        if is_open:
            self.open.set()
        self.got: list[str] = []
        self.left = False

    async def write(self, text: str) -> None:
        try:
            while not self.open.is_set():
                await self.open.wait()
            self.got.append(text)
        finally:
            self.left = True


async def test_what_need_not_wait_is_done_at_once() -> None:
    pipe = Pipe(is_open=True)
    assert begin(pipe.write("one")) is None
    assert pipe.got == ["one"]


async def test_what_has_to_wait_goes_on_in_a_task() -> None:
    pipe = Pipe(is_open=False)
    rest = begin(pipe.write("one"))
    assert rest is not None
    task = asyncio.ensure_future(rest)
    await asyncio.sleep(0)
    assert pipe.got == []
    pipe.open.set()
    await task
    assert pipe.got == ["one"]


async def test_what_can_go_on_before_its_task_began_goes_on() -> None:
    pipe = Pipe(is_open=False)
    rest = begin(pipe.write("one"))
    assert rest is not None
    pipe.open.set()
    await asyncio.sleep(0)  # the wait is over, and nobody awaits the rest yet
    await rest
    assert pipe.got == ["one"]


async def test_it_may_wait_several_times() -> None:
    pipe = Pipe(is_open=False)
    rest = begin(pipe.write("one"))
    assert rest is not None
    task = asyncio.ensure_future(rest)
    for _ in range(3):
        await asyncio.sleep(0)
        pipe.open.set()
        pipe.open.clear()  # closed again before the writer looks
    await asyncio.sleep(0.01)
    assert pipe.got == []
    assert not task.done()
    pipe.open.set()
    await task
    assert pipe.got == ["one"]


@pytest.mark.parametrize("turns", [0, 1, 2])
async def test_one_that_is_cancelled_cleans_up(turns: int) -> None:
    pipe = Pipe(is_open=False)
    rest = begin(pipe.write("one"))
    assert rest is not None

    async def goes_on() -> None:
        await rest

    task = asyncio.ensure_future(goes_on())
    for _ in range(turns):
        await asyncio.sleep(0)
        pipe.open.set()
        pipe.open.clear()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pipe.left
    assert pipe.got == []


async def test_errors_come_out_where_they_happen() -> None:
    async def fails(wait: float | None) -> None:
        if wait is not None:
            await asyncio.sleep(wait)
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        begin(fails(None))
    rest = begin(fails(0))
    assert rest is not None
    with pytest.raises(ConnectionError, match="gone"):
        await rest
