"""The shapes of changes: the log can never be repaired, so only those that its page reads go in."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from privata.audit.service import changed, record, terms
from privata.audit.tests.conftest import act
from privata.core.tenancy import Environment, system_actor
from privata.infra.context import AppContext


@pytest.mark.parametrize("value", [["old", "new"], {"old": 1, "new": 2}, {"one"}])
async def test_other_shapes_of_changes_are_refused(ctx: AppContext, value: object) -> None:
    """Pairs came as lists, as old and new, and as before and after; the page knew the last."""
    with pytest.raises(TypeError, match=r"changed\(before, after\)"):
        await act(ctx, uuid.uuid4(), 1, name=value)


async def test_values_and_both_sides_are_kept(ctx: AppContext) -> None:
    told: dict[str, Any] = {
        "name": changed("A", None),
        "scopes": ("quotes", "orders:read"),
        "filter": terms({"status": ["failed", "expired"], "to": "BTC"}),
        "count": 3,
    }
    actor = system_actor(uuid.uuid4(), Environment.TEST, "tests")
    async with ctx.database.transaction() as tx:
        await record(tx, actor=actor, action="a.b", target="it", changes=told)
    kept = await ctx.database.pool.fetchval("SELECT changes FROM audit_entry")
    assert json.loads(kept) == {
        "name": {"before": "A", "after": None},
        "scopes": ["quotes", "orders:read"],
        "filter": "status=failed,expired; to=BTC",
        "count": 3,
    }
