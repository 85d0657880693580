"""The operator's commands on the ledger, as programs on a real database."""

from __future__ import annotations

import json
import uuid

import asyncpg

from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.ledger.tests.books import earn
from tests.journeys.operating.test_operator_commands import privata


async def test_corrections_and_what_does_not_hold(
    ctx: AppContext, settings: Settings, organization: uuid.UUID, superuser: asyncpg.Connection
) -> None:
    whose = ("--organization", str(organization))
    given = (*whose, "--amount", "12.5", "--reason", "a promise of May", "--json")
    code, out, err = await privata(settings, "ledger", "correct", *given)
    assert code == 0, err
    made = json.loads(out)
    assert (made["organization_id"], made["amount"]) == (str(organization), "12.5")
    code, _, err = await privata(settings, "ledger", "correct", *given, "--id", made["id"])
    assert (code, "is already booked" in err) == (1, True)
    taken = (*whose, "--amount", "-12.50000001", "--reason", "too much")
    code, _, err = await privata(settings, "ledger", "correct", *taken)
    assert (code, "only 12.50 USD is available" in err) == (1, True)
    code, _, err = await privata(settings, "ledger", "correct", *taken, "--amount", "NaN")
    assert (code, "amount: the amount must be greater than zero" in err) == (1, True)
    nobody = ("--organization", str(uuid.uuid4()), "--amount", "1", "--reason", "x")
    code, _, err = await privata(settings, "ledger", "correct", *nobody)
    assert (code, "Organization not found" in err) == (1, True)

    order_id = await earn(ctx, organization)
    back = (*whose, "--order", order_id, "--reason", "refunded after all")
    code, out, _ = await privata(settings, "ledger", "reverse", *back)
    assert (code, out) == (0, f"{order_id}: 1.00000000 USD reversed.\n")
    code, _, err = await privata(settings, "ledger", "reverse", *back)
    assert (code, "is already booked" in err) == (1, True)
    code, out, _ = await privata(settings, "ledger", "balances", *whose, "--json")
    assert json.loads(out)["available"] == "12.50000000"

    code, out, _ = await privata(settings, "ledger", "verify")
    assert (code, out) == (0, "ok, 3 entries in 1 book\n")
    await superuser.execute("UPDATE ledger_account SET balance = 99 WHERE name = 'available'")
    code, out, _ = await privata(settings, "ledger", "verify", *whose)
    assert code == 1
    assert (
        f"{organization}  available: has a balance of 99.00000000, but its postings sum to 12.5"
        in out
    )
    code, out, _ = await privata(settings, "ledger", "verify", "--json")
    assert code == 1
    assert [one["what"] for one in json.loads(out)["findings"]] == ["available"]
    rows = await ctx.database.pool.fetch(
        "SELECT action, actor_kind FROM audit_entry WHERE action LIKE 'ledger.%' ORDER BY id"
    )
    assert [tuple(row) for row in rows] == [
        ("ledger.corrected", "operator"),
        ("ledger.reversed", "operator"),
    ]
