"""`privata orders review`: what an operator sees and does at the command line."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from conftest import environment_for
from privata.infra.context import AppContext
from tests import programs
from tests.conftest import Partner
from tests.journeys.partner.refunds import act, needing, order_of, settle

Command = Callable[..., Awaitable[tuple[int | None, str, str]]]


@pytest.fixture
def command(ctx: AppContext, tmp_path: Path) -> Command:
    """Runs the program on the database of the test: exit code, output, errors."""
    settings = ctx.settings
    environment = environment_for(
        tmp_path, str(settings.database_url), str(settings.database_owner_url)
    )

    async def run(*words: str) -> tuple[int | None, str, str]:
        done = await programs.run_beside("privata", "orders", "review", *words, env=environment)
        return done.returncode, done.stdout, done.stderr

    return run


async def test_an_order_is_listed_decided_and_gone(partner: Partner, command: Command) -> None:
    order_id = await needing(partner, amount="0.10403")
    assert (await act(partner, order_id)).is_success
    await settle(partner.ctx)
    code, out, err = await command("list", "--json")
    assert code == 0, err
    (listed,) = json.loads(out)["orders"]
    assert (listed["order_id"], listed["amount_from"]) == (order_id, "0.10403")
    assert listed["refund_state"] == "failed"
    code, out, _ = await command("list")
    assert order_id in out
    assert "The provider rejected" in out
    code, _, err = await command("decide", order_id, "--to", "refunded")
    assert code == 1
    assert "transaction" in err.splitlines()[-1]
    words = ("--to", "refunded", "--tx-hash", "ab" * 32, "--note", "Paid by hand.")
    code, out, err = await command("decide", order_id, *words, "--json")
    assert code == 0, err
    assert json.loads(out)["status"] == "refunded"
    order = await order_of(partner, order_id)
    assert (order["status"], order["tx_out_hash"]) == ("refunded", "ab" * 32)
    assert json.loads((await command("list", "--json"))[1]) == {"orders": []}
    code, _, err = await command("decide", order_id, "--to", "failed")
    assert code == 1
    assert "refunded, not in manual_review" in err
