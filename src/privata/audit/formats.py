"""An entry as a line of a file: JSON for programs, CSV for spreadsheets. Pure."""

from __future__ import annotations

import csv
import io
from uuid import UUID

import msgspec

from privata.audit.reading import Entry
from privata.core.clock import iso
from privata.infra.csv_cells import cell

#: The columns of a CSV export, and the keys of a JSON line, in their order.
COLUMNS = (
    "organization_id",
    "seq",
    "at",
    "environment",
    "actor_kind",
    "actor_id",
    "actor_label",
    "action",
    "target",
    "ip",
    "user_agent",
    "session",
    "changes",
    "previous_hash",
    "hash",
)


def ndjson_line(organization_id: UUID | None, entry: Entry) -> bytes:
    """One JSON object and a line break. `at` has all its digits, `changes` the text hashed."""
    shown = _texts(organization_id, entry)
    record: dict[str, object] = dict(zip(COLUMNS, shown, strict=True))
    record["seq"] = entry.seq
    record["changes"] = None if entry.changes is None else msgspec.Raw(entry.changes.encode())
    return msgspec.json.encode(record) + b"\n"


def csv_lines(organization_id: UUID | None, entries: list[Entry]) -> bytes:
    """Rows of a CSV file (RFC 4180), safe to open in a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for entry in entries:
        writer.writerow([cell(text) for text in _texts(organization_id, entry)])
    return out.getvalue().encode()


def csv_head() -> bytes:
    """The first row, with a mark by which spreadsheets know that the file is UTF-8."""
    return "\ufeff".encode() + ",".join(COLUMNS).encode() + b"\r\n"


def _texts(organization_id: UUID | None, entry: Entry) -> list[str | None]:
    # Microseconds, as they were hashed; `iso` elsewhere shows milliseconds.
    at = iso(entry.at)[:-4] + f"{entry.at.microsecond:06d}Z"
    return [
        None if organization_id is None else str(organization_id),
        str(entry.seq),
        at,
        entry.environment,
        entry.actor_kind,
        entry.actor_id,
        entry.actor_label,
        entry.action,
        entry.target,
        entry.ip,
        entry.user_agent,
        entry.session,
        entry.changes,
        entry.previous_hash.hex(),
        entry.hash.hex(),
    ]
