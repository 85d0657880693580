"""Prose of the OpenAPI document."""

from __future__ import annotations

from typing import Final

DESCRIPTION: Final = """\
Ask for a quote, make an order from it, and learn of every change by webhook.

- **Base address**: `{base_url}/partner/v1`. Everything is JSON in snake_case and UTF-8.
- **Keys**: send yours as `X-API-Key`. `pk_test_…` opens the sandbox, `pk_live_…` real orders; \
nothing crosses between the two.
- **Amounts** are decimal strings, never numbers with a floating point. **Times** are RFC 3339 in \
UTC, ending in `Z`.
- **Ids in errors and logs**: every answer has `X-Request-Id`.
- **HEAD** works wherever GET does, with the same headers and no body.
- **Browsers** may read (GET, HEAD) from any site, without credentials and without a secret key: \
a call with `Origin` and a secret key is answered `403 BROWSER_REFUSED`.
- **Repeating safely**: send an `Idempotency-Key` with every POST that makes something. For 24 \
hours the same key with the same request gives the first answer again.
- **Fields** may be added to answers and events at any time; ignore those you do not know. Unknown \
fields in a request are refused, and named.
"""

#: What each group of operations is for.
TAGS: Final[dict[str, str]] = {
    "Quotes": "What can be swapped, within which limits, and at what price.",
    "Orders": "Swaps made from quotes.",
    "Refunds": "What happens to a deposit that could not be exchanged.",
    "Streams": "The status of one order as it changes, over server-sent events.",
    "Account": "Your organization, the key in use, and your orders.",
    "Providers": "What each provider can do.",
    "Payouts": "Your revenue on its way to you.",
    "Events": "The event log: everything webhooks told you, to read again.",
    "Webhooks": "Endpoints, their secrets, the delivery log, and recovering what was missed.",
    "Health": "Whether the API answers.",
}
