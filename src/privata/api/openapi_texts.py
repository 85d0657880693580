"""Prose of the OpenAPI document."""

from __future__ import annotations

from typing import Final

DESCRIPTION: Final = """\
Request a quote, create an order from it, and get a webhook for every status change.

- **Base URL**: `{base_url}/partner/v1`. Requests and responses are JSON in UTF-8 with snake_case \
names.
- **Authentication**: send your API key as `X-API-Key`. `pk_test_…` keys use the sandbox and \
`pk_live_…` keys create real orders. The two environments share no data.
- **Amounts** are decimal strings, never floating-point numbers. **Times** are RFC 3339 in UTC, \
ending in `Z`.
- **Request IDs**: every response has an `X-Request-Id` header, which also appears in our logs.
- **HEAD** works wherever GET does, with the same headers and no body.
- **Browsers** may read (GET, HEAD) from any site, without credentials and without a secret key. \
A request with an `Origin` header and a secret key returns `403 BROWSER_REFUSED`.
- **Safe retries**: send an `Idempotency-Key` with every POST that creates something. For 24 \
hours, the same key with the same request returns the first response again.
- **New fields** may be added to responses and events at any time. Ignore fields you do not know. \
Unknown fields in a request are rejected and named in the error.
"""

#: What each group of operations is for.
TAGS: Final[dict[str, str]] = {
    "Quotes": "Assets you can swap, their limits, and prices.",
    "Orders": "Swaps created from quotes.",
    "Refunds": "Choose what happens to a deposit that could not be exchanged.",
    "Streams": "Live status of an order over server-sent events.",
    "Account": "Your organization, the current API key, and your orders.",
    "Providers": "What each provider can do.",
    "Payouts": "Pay out your revenue.",
    "Events": "The event log: every event your webhooks carry, for you to read again.",
    "Webhooks": "Endpoints, signing secrets, the delivery log, and recovery of missed events.",
    "Health": "Check whether the API is up.",
}
