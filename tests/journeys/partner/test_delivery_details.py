"""One delivery by API, with what its attempts brought back."""

from __future__ import annotations

import uuid

from privata.webhooks.deliveries.details import MOST_ATTEMPTS
from tests.conftest import Partner
from tests.journeys.partner.test_webhook_api import URL, Admin, admin

__all__ = ["admin"]

_TRIED = """
INSERT INTO webhook_attempt (organization_id, delivery_id, lease_token, number, url, address,
                             signed_at, started_at, duration_ms, outcome, status_code, detail,
                             response_headers, response_excerpt)
SELECT organization_id, id, n, n, $1, '127.0.0.1', 0, now() + make_interval(secs => n), 12,
       'http_error', 500,
       'it answered 500', '[["content-type", "text/plain"], ["x-a", "1"], ["x-a", "2"]]',
       'Oops ' || n
FROM webhook_due, generate_series(1, $2::int) AS n
"""


async def test_a_delivery_shows_its_attempts(admin: Admin, partner: Partner) -> None:
    """Why an event did not arrive stood on the page alone."""
    await admin.made()
    await partner.create(sandbox_scenario="stuck")
    (listed,) = await admin.log()
    path = f"/deliveries/{listed['delivery_id']}"
    shown = (await admin.call("GET", path)).json()
    assert shown == listed | {"attempt_log": []}
    await partner.ctx.database.pool.execute(_TRIED, URL, MOST_ATTEMPTS + 1)
    log = (await admin.call("GET", path)).json()["attempt_log"]
    assert [one["number"] for one in log] == list(range(MOST_ATTEMPTS + 1, 1, -1))
    assert log[-1].pop("started_at").endswith("Z")
    assert log[-1] == {
        "number": 2,
        "stale": False,
        "url": URL,
        "address": "127.0.0.1",
        "duration_ms": 12,
        "outcome": "http_error",
        "status_code": 500,
        "detail": "it answered 500",
        "response_headers": [
            {"name": "content-type", "value": "text/plain"},
            {"name": "x-a", "value": "1"},
            {"name": "x-a", "value": "2"},
        ],
        "response_excerpt": "Oops 2",
        "response_truncated": False,
    }


async def test_missing_and_foreign_deliveries_look_alike(admin: Admin, partner: Partner) -> None:
    await admin.made()
    await partner.create(sandbox_scenario="stuck")
    (listed,) = await admin.log()
    await partner.ctx.database.pool.execute("UPDATE webhook_due SET environment = 'live'")
    answers = [
        await admin.call("GET", f"/deliveries/{wanted}")
        for wanted in (listed["delivery_id"], uuid.uuid4(), "nonsense")
    ]
    told = {(one.status_code, one.json()["error"]["message"]) for one in answers[:2]}
    assert told == {(404, "Delivery not found.")}
    assert answers[2].status_code == 404
    weak = await admin.call("GET", f"/deliveries/{listed['delivery_id']}", key=partner.test_key)
    assert weak.status_code == 403
