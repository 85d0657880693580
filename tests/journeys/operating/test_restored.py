"""`privata restored`: what it lists, what stops it, and what it releases."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from conftest import environment_for
from privata.commands.restored import Asked, Found, compare_and_confirm
from privata.core.errors import PrivataError
from privata.infra import generation
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.infra.tests.test_generation import move
from privata.orders.tests.test_advance import make_order
from tests import programs

TX = "0x" + "ab" * 32


async def asked(
    ctx: AppContext,
    *sent: Path,
    orders: tuple[Path, ...] = (),
    received: tuple[Path, ...] = (),
    nothing_sent: bool = False,
    accepted: frozenset[UUID] = frozenset(),
    confirm: bool = True,
    new_generation: bool = False,
) -> Found:
    wish = Asked(sent, orders, received, nothing_sent, accepted, confirm, new_generation)
    return await compare_and_confirm(ctx, wish)


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / f"{uuid4()}.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
async def moved(ctx: AppContext) -> AppContext:
    """A database that was restored."""
    await generation.note(ctx.database)
    await move(ctx, timeline=9)
    return ctx


async def test_without_anything_to_compare_with_nothing_is_released(moved: AppContext) -> None:
    with pytest.raises(PrivataError, match="Nothing to compare with"):
        await asked(moved)
    assert not (await asked(moved, confirm=False)).generation.confirmed
    done = await asked(moved, nothing_sent=True)
    assert (done.generation.number, done.generation.confirmed, done.confirmed_now) == (
        2,
        True,
        True,
    )
    again = await asked(moved, nothing_sent=True)
    assert (again.generation, again.confirmed_now) == (done.generation, False)


async def test_a_conflict_is_resolved_by_a_person_and_named(
    moved: AppContext, tmp_path: Path
) -> None:
    payout = uuid4()
    paid = written(tmp_path, "payout_id,tx_hash", f"{payout},{TX}")
    with pytest.raises(PrivataError, match=f"because of 1 conflict.*{payout}: the list"):
        await asked(moved, paid)
    assert not (await asked(moved, paid, confirm=False)).generation.confirmed
    assert (await asked(moved, paid, accepted=frozenset({payout}))).generation.confirmed


async def test_a_snapshot_that_left_no_sign_begins_a_generation_when_it_is_said(
    ctx: AppContext,
) -> None:
    first = await generation.note(ctx.database)
    done = await asked(ctx, nothing_sent=True, new_generation=True)
    assert (done.generation.number, done.generation.confirmed) == (2, True)
    assert done.generation.mark != first.mark


async def test_orders_and_events_that_others_have_are_listed(
    ctx: AppContext, organization: UUID, tmp_path: Path
) -> None:
    order_id = await make_order(ctx, organization)
    row = await ctx.database.pool.fetchrow(
        "SELECT provider, provider_order_id, event_id FROM orders, event WHERE order_id = orders.id"
    )
    assert row is not None
    orders = written(tmp_path, "provider,provider_order_id", f"{row[0]},{row[1]}", f"{row[0]},lost")
    received = written(tmp_path, "event_id", row[2], f"{order_id}:sending:1")
    found = await asked(ctx, orders=(orders,), received=(received,), confirm=False)
    assert [(one.kind, one.name) for one in found.forgotten] == [
        ("order", f"{row[0]} lost"),
        ("event", f"{order_id}:sending:1"),
    ]
    with pytest.raises(PrivataError, match="has no column provider"):
        await asked(ctx, orders=(received,), confirm=False)


async def test_the_command_says_what_is_open_and_what_it_did(
    moved: AppContext, settings: Settings, tmp_path: Path
) -> None:
    payout = uuid4()
    paid = written(tmp_path, "payout_id,tx_hash", f"{payout},{TX}")
    code, out, _ = await run(settings, "--sent", str(paid))
    assert code == 1
    first, last = out.splitlines()
    assert first.startswith(f"conflict    payout {payout}  the list does not say its organization")
    assert last == (
        "Generation 2 is not confirmed: live payouts are on hold. 1 open difference."
        " Run again with --confirm to correct them."
    )
    code, out, err = await run(settings, "--sent", str(paid), "--confirm")
    assert (code, out) == (1, "")
    assert err.startswith("privata: Payouts stay on hold because of 1 conflict")
    code, out, _ = await run(settings, "--sent", str(paid), "--confirm", "--accept", str(payout))
    assert code == 0
    assert out.splitlines()[-1] == "Generation 2 is confirmed. Payouts are released."


async def run(settings: Settings, *words: str) -> tuple[int, str, str]:
    """Exit code and output of the command."""
    assert settings.database_url is not None
    assert settings.database_owner_url is not None
    env = environment_for(settings.home, settings.database_url, settings.database_owner_url)
    done = await programs.run_beside("privata", "restored", *words, env=env)
    return done.returncode, done.stdout, done.stderr
