"""Pages, filters and files of the log: one organization's, whole, and safe to open."""

from __future__ import annotations

import csv
import io
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.audit import service as audit
from privata.audit.export import Form, begin_export, exported
from privata.audit.filters import AuditFilter, parse_filter
from privata.audit.formats import COLUMNS
from privata.audit.reading import actions_of, entry_of, page_of
from privata.audit.service import changed
from privata.core.errors import NotFound
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.context import AppContext


def actor_of(organization_id: uuid.UUID, label: str, **more: Any) -> Actor:
    return Actor(ActorKind.USER, "7", label, organization_id, Environment.TEST, **more)


@pytest.fixture
async def log(ctx: AppContext) -> uuid.UUID:
    """Six entries, and a stranger's."""
    mine = uuid.uuid4()
    ann = actor_of(mine, "ann@a.example", ip="203.0.113.7")
    bob = actor_of(mine, "bob@a.example", ip="2001:db8::7")
    acts = [
        (ann, "endpoint.created", "e1", None),
        (bob, "endpoint.paused", "e1", {"status": changed("active", "paused")}),
        (ann, "api_key.created", "k1", {"name": '=HYPERLINK("http://evil")'}),
        (bob, "api_key.revoked", "k1", None),
        (ann, "endpoint.resumed", "e1", None),
        (ann, "endpoint.disabled", "e2", None),
        (actor_of(uuid.uuid4(), "ann@a.example"), "endpoint.created", "e1", None),
    ]
    for actor, action, target, changes in acts:
        async with ctx.database.transaction() as tx:
            await audit.record(tx, actor=actor, action=action, target=target, changes=changes)
    return mine


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (AuditFilter(), [6, 5, 4, 3, 2, 1]),
        (AuditFilter(actor="BOB"), [4, 2]),
        (AuditFilter(actor="7"), [6, 5, 4, 3, 2, 1]),
        (AuditFilter(actor="%"), []),
        (AuditFilter(action="api_key"), [4, 3]),
        (AuditFilter(action="endpoint.paused"), [2]),
        (AuditFilter(target="e1"), [5, 2, 1]),
        (AuditFilter(address="203.0.113.0/24"), [6, 5, 3, 1]),
        (AuditFilter(address="2001:db8::7"), [4, 2]),
        (AuditFilter(since=f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"), []),
        (AuditFilter(to=f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}"), []),
        (AuditFilter(environment="live"), []),
        (AuditFilter(actor="ann", action="endpoint", target="e"), [6, 5, 1]),
    ],
)
async def test_filters(
    ctx: AppContext, log: uuid.UUID, wanted: AuditFilter, numbers: list[int]
) -> None:
    page = await page_of(ctx, log, wanted)
    assert [entry.seq for entry in page.entries] == numbers


async def test_pages_go_back_and_forth(ctx: AppContext, log: uuid.UUID) -> None:
    everything = AuditFilter()
    first = await page_of(ctx, log, everything, size=4)
    assert ([e.seq for e in first.entries], first.newer, first.older) == ([6, 5, 4, 3], None, 3)
    second = await page_of(ctx, log, everything, before=3, size=4)
    assert ([e.seq for e in second.entries], second.newer, second.older) == ([2, 1], 2, None)
    back = await page_of(ctx, log, everything, after=2, size=2)
    assert ([e.seq for e in back.entries], back.newer, back.older) == ([4, 3], 4, 3)
    start = await page_of(ctx, log, everything, after=4, size=2)
    assert ([e.seq for e in start.entries], start.newer, start.older) == ([6, 5], None, 5)


async def test_one_entry_of_ones_own(ctx: AppContext, log: uuid.UUID) -> None:
    entry = await entry_of(ctx, log, 2)
    assert entry.fields == [("status", "active", "paused")]
    assert (await entry_of(ctx, log, 3)).fields[0][1] is None
    for organization_id, seq in ((log, 7), (log, 0), (uuid.uuid4(), 1)):
        with pytest.raises(NotFound):
            await entry_of(ctx, organization_id, seq)
    assert await actions_of(ctx, log) == [
        "api_key.created",
        "api_key.revoked",
        "endpoint.created",
        "endpoint.disabled",
        "endpoint.paused",
        "endpoint.resumed",
    ]


async def _file(ctx: AppContext, actor: Actor, form: Form, wanted: AuditFilter) -> bytes:
    up_to = await begin_export(ctx, actor=actor, form=form, wanted=wanted)
    chunks = exported(ctx, actor=actor, form=form, wanted=wanted, up_to=up_to)
    return b"".join([chunk async for chunk in chunks])


async def test_a_json_file_has_what_was_hashed(ctx: AppContext, log: uuid.UUID) -> None:
    actor = actor_of(log, "ann@a.example")
    text = await _file(ctx, actor, Form.NDJSON, AuditFilter(target="e1"))
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["seq"] for line in lines] == [1, 2, 5]
    assert lines[1]["changes"] == {"status": {"before": "active", "after": "paused"}}
    assert list(lines[0]) == list(COLUMNS)
    assert lines[1]["organization_id"] == str(log)
    row = await ctx.database.pool.fetchrow(
        "SELECT encode(hash, 'hex') AS hash,"
        " to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS at"
        " FROM audit_entry WHERE organization_id = $1 AND seq = 2",
        log,
    )
    assert row is not None
    assert (lines[1]["hash"], lines[1]["at"]) == (row["hash"], row["at"])


async def test_an_export_is_in_the_log_and_in_its_file(ctx: AppContext, log: uuid.UUID) -> None:
    actor = actor_of(log, "ann@a.example")
    text = await _file(ctx, actor, Form.CSV, AuditFilter())
    rows = list(csv.reader(io.StringIO(text.decode("utf-8-sig"), newline="")))
    assert rows[0] == list(COLUMNS)
    assert [row[1] for row in rows[1:]] == ["1", "2", "3", "4", "5", "6", "7"]
    last = await entry_of(ctx, log, 7)
    assert (last.action, last.fields) == (
        "audit.exported",
        [("form", None, "csv"), ("filters", None, "")],
    )


@given(
    st.dictionaries(
        st.sampled_from(["actor", "action", "target", "address", "since", "to", "environment"]),
        st.text(max_size=30)
        | st.sampled_from(["2026-02-30", "2026-01-01", "9999-12-31", "10.1.2.3/8", "live", "a.b"]),
    )
)
def test_an_address_is_never_an_error(query: dict[str, str]) -> None:
    wanted = parse_filter(query)
    assert parse_filter(dict(wanted.pairs())) == wanted
