"""A fake as a program: `python -m privata.providers.fakes changenow --port 8801`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
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
def main(name: str, port: int, pace: float, spread: Decimal, slow: float, down: float) -> None:
    """Serve the wire format of a provider on this machine, with orders that move by themselves.

    Prints the base URL for its adapter.
    """
    fake = FAKES[name](spread=spread, pace_s=pace, slow_s=slow, down=down)
    try:
        asyncio.run(_serve(fake, port))
    except KeyboardInterrupt:
        sys.exit(0)


async def _serve(fake: FakeExchange, port: int) -> None:
    click.echo(await fake.start(port))
    try:
        await asyncio.Event().wait()
    finally:
        await fake.stop()


if __name__ == "__main__":
    main()
