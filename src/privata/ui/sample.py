"""Made-up values for the gallery and the preview; nothing in the product reads them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from privata.ui.components import Bucket
from privata.ui.formats import iso
from privata.ui.shell import NavGroup, NavItem, Shell

NOW = datetime(2026, 11, 21, 14, 26, 40, tzinfo=UTC)
_PAYLOAD = (
    b'{"event":"order.completed","event_id":"prv-w4fdrkec:completed:1795271186000",'
    b'"order":{"order_id":"prv-w4fdrkec","status":"completed","from":"BTC",'
    b'"amount_from":"0.41820000","to":"XMR","amount_to_actual":"84.117201",'
    b'"markup_bps":40,"sandbox":false,"refund_window_hours":null},"ts":"2026-11-21T14:26:26Z"}'
)
_DELIVERIES = (
    ("order.completed", "retrying", 500, 3, 14, "2.0"),
    ("order.refund_required", "exhausted", 410, 8, 52, "0.961"),
    ("order.completed", "delivered", 200, 1, 60, "0.169"),
    ("order.confirming", "delivered", 200, 1, 120, "0.302"),
    ("order.exchanging", "retrying", None, 3, 180, "5.0"),
    ("order.failed", "held", None, 0, 240, None),
    ("order.expired", "delivered", 204, 2, 660, "0.728"),
)
_ORDERS = (
    ("BTC", "XMR", "exchanging", "0.41820000", "39710.22", 0),
    ("ETH", "USDT", "completed", "2.9", "9184.20", 60),
    ("XMR", "BTC", "refund_required", "51", "24011.90", 180),
    ("SOL", "ETH", "completed", "118.40", "19090.16", 240),
    ("USDT", "BTC", "waiting_deposit", "12500", "12500", 360),
    ("LTC", "XMR", "expired", "44.80", "3886.41", 540),
)


def shell(*, environment: str = "live", theme: str | None = None) -> Shell:
    """A signed-in member of an organization with every page in the sidebar."""
    return {
        "organization_name": "Acme Wallet",
        "environment": environment,
        "user_name": "Mira Kovač",
        "user_email": "mira@acme.example",
        "initials": "MK",
        "nav": _nav(),
        "active_key": "home",
        "live_url": "/live",
        "search_url": "/search",
        "theme": theme,
        "switch_environment_url": "/switch",
        "logout_url": "/switch",
        "login_url": "/sign-in",
        "account_url": "/?account",
        "organizations": [
            {"name": "Acme Wallet", "url": "/?org=1", "current": True},
            {"name": "Borealis Pay", "url": "/?org=2", "current": False},
        ],
    }


def _nav() -> list[NavGroup]:
    groups = {
        None: "Home house, Orders arrow-left-right, Revenue chart-no-axes-column",
        "Developers": "API-keys key-round, Webhooks webhook, Streams radio, Docs book-open",
        "Network": "Providers boxes, SLA gauge",
        "Workspace": "Team users, Audit-log scroll-text, Billing receipt, Settings settings",
    }
    return [{"group": name, "items": _items(text)} for name, text in groups.items()]


def _items(text: str) -> list[NavItem]:
    items: list[NavItem] = []
    for pair in text.split(", "):
        label, icon = pair.split()
        key = label.lower()
        count = 1 if key == "webhooks" else None
        url = "/" if key == "home" else f"/?page={key}"
        name = label.replace("-", " ")
        items.append({"key": key, "label": name, "url": url, "icon": icon, "count": count})
    return items


def gallery() -> dict[str, object]:
    """The values of `ui/gallery.html`."""
    return {
        "orders": [_order(*row) for row in _ORDERS],
        "deliveries": deliveries(),
        "hours": _hours(),
        "buckets": _buckets(),
        "wave": [30 + 12 * math.sin(i / 3) + i for i in range(24)],
        "payload": _PAYLOAD,
        "uptime": ["ok"] * 13 + ["warn", "bad", "bad"] + ["ok"] * 6 + ["none", "ok"],
        "soon": NOW + timedelta(hours=3, minutes=43, seconds=20),
        "past": NOW - timedelta(seconds=14),
        "opened": None,
    }


def deliveries() -> list[dict[str, Any]]:
    """Rows of a delivery log, newest first."""
    rows = []
    for i, (event, status, code, attempts, age, took) in enumerate(_DELIVERIES):
        rows.append(
            {
                "id": f"dlv_{i}rt6vgf4tsx",
                "event": event,
                "order_id": f"prv-w4fd{i}kec",
                "status": status,
                "code": code,
                "attempts": attempts,
                "took": None if took is None else Decimal(took),
                "at": NOW - timedelta(seconds=age),
            }
        )
    return rows


def delivery(ident: str) -> dict[str, Any] | None:
    """One delivery with its neighbours, as the drawer shows it."""
    rows = deliveries()
    places = [i for i, row in enumerate(rows) if row["id"] == ident]
    if not places:
        return None
    at = places[0]
    return rows[at] | {
        "prev": rows[at - 1]["id"] if at else None,
        "next": rows[at + 1]["id"] if at + 1 < len(rows) else None,
        "payload": _PAYLOAD,
        "next_at": NOW + timedelta(minutes=4, seconds=32),
    }


def search(query: str) -> list[tuple[str, list[tuple[str, str, str, str]]]]:
    """What the palette finds for `query`."""
    rows = [row for row in deliveries() if query and query in row["id"] + row["event"]]
    found = [(row["id"], f"/?open={row['id']}", "webhook", row["event"]) for row in rows]
    return [("Deliveries", found)] if found else []


def _order(
    source: str, target: str, status: str, given: str, usd: str, age: int
) -> dict[str, object]:
    return {
        "source": source,
        "target": target,
        "status": status,
        "amount": Decimal(given),
        "usd": Decimal(usd),
        "at": NOW - timedelta(seconds=age),
    }


def _hours() -> list[dict[str, object]]:
    rows = []
    start = NOW.replace(minute=0, second=0) - timedelta(hours=23)
    for i in range(24):
        wave = math.sin((i - 3) / 24 * 6.283)
        failed = 9 if i in (18, 19) else i % 4
        main = round((62 + 24 * wave + i * 5 % 11) * (0.45 if i == 23 else 1))
        at = iso(start + timedelta(hours=i))
        rows.append({"t": at, "main": main, "bad": failed, "prev": round(56 + 20 * wave)})
    return rows


def _buckets() -> list[Bucket]:
    buckets = []
    for i in range(72):
        total = round(160 + 90 * math.sin(i / 72 * 6.3 - 1.6) + i * 37 % 40)
        if i >= 57:
            buckets.append(Bucket(0, 0, total // 2))
        elif i >= 50:
            buckets.append(Bucket(total // 4, total * 3 // 4, 0))
        else:
            buckets.append(Bucket(total, 0 if i % 7 else 6, 0))
    return buckets
