"""The audit log as a file: streamed, and itself in the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import StrEnum

from privata.audit import service as audit
from privata.audit.filters import AuditFilter
from privata.audit.formats import csv_head, csv_lines, ndjson_line
from privata.audit.reading import every_entry, last_number
from privata.core.tenancy import Actor
from privata.infra.context import AppContext


class Form(StrEnum):
    """The forms of a file, by its ending."""

    NDJSON = "ndjson"
    CSV = "csv"


async def begin_export(ctx: AppContext, *, actor: Actor, form: Form, wanted: AuditFilter) -> int:
    """Record that the log is exported; the number of the last entry that the file will have.

    It is committed before the first byte is sent: whoever got a part of the file is in the log.
    """
    async with ctx.database.transaction() as tx:
        await audit.record(
            tx,
            actor=actor,
            action="audit.exported",
            target="audit log",
            changes={"form": form.value, "filters": audit.terms(dict(wanted.pairs()))},
        )
    return await last_number(ctx, actor.organization_id)


async def exported(
    ctx: AppContext, *, actor: Actor, form: Form, wanted: AuditFilter, up_to: int
) -> AsyncIterator[bytes]:
    """The bytes of the file, oldest entry first."""
    organization_id = actor.organization_id
    if form is Form.CSV:
        yield csv_head()
    async for entries in every_entry(ctx, organization_id, wanted, up_to=up_to):
        if form is Form.CSV:
            yield csv_lines(organization_id, entries)
        else:
            yield b"".join(ndjson_line(organization_id, entry) for entry in entries)
