"""A fake as a program: `python -m privata.providers.fakes changenow --port 8801`."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

import click

from privata.providers.changenow.fake import FakeChangeNow
from privata.providers.exolix.fake import FakeExolix
from privata.providers.fakes.exchange import FakeExchange
from privata.providers.fixedfloat.fake import FakeFixedFloat
from privata.providers.godex.fake import FakeGodex
from privata.providers.letsexchange.fake import FakeLetsExchange
from privata.providers.sideshift.fake import FakeSideShift
from privata.providers.simpleswap.fake import FakeSimpleSwap
from privata.providers.stealthex.fake import FakeStealthEx
from privata.providers.trocador.fake import FakeTrocador

#: Every fake by the name of its provider.
FAKES: Final[Mapping[str, Callable[..., FakeExchange]]] = {
    FakeChangeNow.name: FakeChangeNow,
    FakeFixedFloat.name: FakeFixedFloat,
    FakeSideShift.name: FakeSideShift,
    FakeExolix.name: FakeExolix,
    FakeGodex.name: FakeGodex,
    FakeLetsExchange.name: FakeLetsExchange,
    FakeSimpleSwap.name: FakeSimpleSwap,
    FakeStealthEx.name: FakeStealthEx,
    FakeTrocador.name: FakeTrocador,
}


@click.command()
@click.argument("name", type=click.Choice(sorted(FAKES)))
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0: a free one.")
@click.option("--pace", type=float, default=4.0, help="Seconds from one status to the next.")
@click.option("--spread", type=Decimal, default=Decimal("0.01"), help="What it keeps, of 1.")
@click.option("--slow", type=float, default=0.0, help="Seconds that each call takes longer.")
@click.option("--down", type=click.FloatRange(0, 1), default=0.0, help="Share of calls that fail.")
@click.option("--away", type=(float, float), help="Every so many seconds, down for so many.")
@click.option("--strand-every", type=click.IntRange(1), help="One order in so many is stranded.")
@click.option("--unpaid-every", type=click.IntRange(1), help="One order in so many is not paid.")
@click.option("--uneven", is_flag=True, help="Let the spread depend on the pair.")
@click.option("--book", type=click.Path(path_type=Path), help="Keep the orders in this file.")
@click.option("--until-eof", is_flag=True, help="End when standard input does.")
def main(
    name: str,
    port: int,
    pace: float,
    spread: Decimal,
    slow: float,
    down: float,
    away: tuple[float, float] | None,
    strand_every: int | None,
    unpaid_every: int | None,
    uneven: bool,
    book: Path | None,
    until_eof: bool,
) -> None:
    """Serve the wire format of a provider on this machine, with orders that move by themselves.

    Prints the base URL for its adapter.
    """
    fake = FAKES[name](spread=spread, pace_s=pace, slow_s=slow, down=down)
    fake.away, fake.strand_every, fake.unpaid_every = away, strand_every, unpaid_every
    fake.uneven = uneven
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(fake, port, book, until_eof=until_eof))


async def _serve(fake: FakeExchange, port: int, book: Path | None, *, until_eof: bool) -> None:
    if book is not None:
        fake.open_book(book)
    click.echo(await fake.start(port))
    try:
        await (_end_of_input() if until_eof else asyncio.Event().wait())
    finally:
        await fake.stop()
        if book is not None:
            fake.close_book(book)


async def _end_of_input() -> None:
    """Wait until whoever holds the other end of standard input closes it, or has ended."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    await reader.read()


if __name__ == "__main__":
    main()
