"""What the automation API takes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from privata.audit.filters import MAX_TEXT
from privata.infra.http.wire import Wire
from privata.infra.storable import MAX_NUMBER
from privata.webhooks.deliveries.listing import MAX_LIMIT

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT)]


class OrdersQuery(Wire):
    """Orders, newest first; `cursor` continues behind a page."""

    status: Annotated[str, Field(max_length=32)] = ""
    cursor: Annotated[str, Field(max_length=256)] = ""
    limit: Limit = 50


class AuditQuery(Wire):
    """Entries, newest first; `before` continues behind a number."""

    actor: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    action: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    target: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    address: Annotated[str, Field(max_length=64)] = ""
    since: Annotated[str, Field(max_length=10)] = ""
    to: Annotated[str, Field(max_length=10)] = ""
    environment: Annotated[str, Field(max_length=4)] = ""
    before: Annotated[int, Field(ge=1, le=MAX_NUMBER)] | None = None
    limit: Limit = 50
