"""Each attempt is one line of the log: ids, outcome, time, decision; no URL and no secret."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from privata.infra.context import AppContext
from privata.infra.telemetry import formatter
from privata.webhooks.engine import attempt_log
from privata.webhooks.engine.claims import Claim
from privata.webhooks.engine.decisions import decide
from privata.webhooks.outcomes import Outcome
from privata.webhooks.receiver.api import Behaviour
from privata.webhooks.schedule import schedule_for
from privata.webhooks.states import DeliveryStatus
from privata.webhooks.tests.deliveries import (
    EVERY_ATTEMPT,
    dispatching,
    drained,
    make_due,
    publish_order,
    receiving,
    recorded,
)
from privata.webhooks.transport.transport import SendResult

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@asynccontextmanager
async def _logged(caplog: pytest.LogCaptureFixture) -> AsyncIterator[list[dict[str, Any]]]:
    """The lines of attempts made in the block, read from JSON after it."""
    found: list[dict[str, Any]] = []
    with caplog.at_level(logging.INFO, logger=attempt_log.__name__):
        yield found
    form = formatter("json")
    found += [json.loads(form.format(one)) for one in caplog.records
              if one.name == attempt_log.__name__]  # fmt: skip


async def test_each_attempt_of_a_delivery_is_one_line(
    ctx: AppContext, organization: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    """A delivered one left no line, and a failed one named neither endpoint nor decision."""
    async with (
        _logged(caplog) as lines,
        receiving(ctx, organization) as (app, endpoint_id),
        dispatching(ctx),
    ):
        app.behaviour = Behaviour("fail", 503, times=1)
        order_id = await publish_order(ctx, organization)
        await recorded(ctx, 1)
        await make_due(ctx)
        await drained(ctx)
    rows = await ctx.database.pool.fetch(f"SELECT * FROM {EVERY_ATTEMPT} ORDER BY number")
    delivery = await ctx.database.pool.fetchrow("SELECT * FROM webhook_every_delivery")
    assert delivery is not None
    first, second = lines
    for line in lines:
        assert line["message"] == "delivery attempt"
        assert line["delivery"] == str(delivery["id"])
        assert line["event"].startswith(f"{order_id}:")
        assert line["endpoint"] == str(endpoint_id)
        assert line["organization"] == str(organization)
        assert line["environment"] == "test"
        assert "localhost" not in json.dumps(line)
        assert "http:" not in json.dumps(line)
    assert (first["attempt"], second["attempt"]) == (1, 2)
    assert (first["outcome"], first["status"]) == ("http_error", 503)
    assert first["decision"] == "retry"
    assert datetime.fromisoformat(first["retry_at"]) > datetime.fromisoformat(first["at"])
    assert (second["outcome"], second["status"]) == ("delivered", 200)
    assert second["decision"] == "delivered"
    assert "retry_at" not in second
    assert [line["ms"] for line in lines] == [row["duration_ms"] for row in rows]


def _claim(attempts: int) -> Claim:
    return Claim(
        delivery_id=uuid4(),
        endpoint_id=uuid4(),
        organization_id=uuid4(),
        lease_token=attempts + 1,
        attempts=attempts,
        first_attempt_at=NOW,
        claimed_at=NOW,
        url="https://ann:swordfish@example.com/hook?key=swordfish",
        dialect="privata",
        environment="live",
        channel="order",
        schedule_s=(60,),
        probing=False,
        unaided=False,
        event_id="ord_1:done:1",
        body=b"{}",
        secrets=(),
    )


def _write(result: SendResult, attempts: int = 0) -> None:
    claim = _claim(attempts)
    schedule = schedule_for(claim.dialect, claim.schedule_s)
    decision = decide(
        result,
        attempts=attempts,
        first_attempt_at=NOW,
        now=NOW,
        schedule=schedule,
        rng=random.Random(1),
    )
    attempt_log.log_attempt(claim, result, decision, NOW)


@pytest.mark.parametrize(
    ("outcome", "attempts", "decision"),
    [
        (Outcome.DELIVERED, 0, "delivered"),
        (Outcome.TIMEOUT, 0, "retry"),
        (Outcome.TIMEOUT, 1, "exhausted"),
        (Outcome.INTERNAL, 1, "ours"),
    ],
)
async def test_it_says_what_was_decided(
    caplog: pytest.LogCaptureFixture, outcome: Outcome, attempts: int, decision: str
) -> None:
    async with _logged(caplog) as lines:
        _write(SendResult(outcome, 12.4), attempts)
    assert lines[0]["decision"] == decision
    assert lines[0]["ms"] == 12
    assert ("retry_at" in lines[0]) is (decision in ("retry", "ours"))
    assert "swordfish" not in json.dumps(lines)
    assert "swordfish" not in caplog.text


@pytest.mark.parametrize(
    ("reason", "logged"),
    [
        ("verify_62: Hostname mismatch, certificate is not valid for 'shop.example'", "verify_62"),
        ("loopback: 127.0.0.2", "loopback"),
        ("gaierror -2: shop.example is unknown", "gaierror -2"),
        ("WRONG_VERSION_NUMBER", "WRONG_VERSION_NUMBER"),
        ("record layer failure", "record layer failure"),
        ("shop.example:443 said no", None),
        ("https://shop.example/hook", None),
        ("127.0.0.2", None),
        ("::1", None),
        ("", None),
    ],
)
async def test_the_reason_names_no_host_of_the_receivers(
    caplog: pytest.LogCaptureFixture, reason: str, logged: str | None
) -> None:
    """OpenSSL says for which host a certificate is not; the guard, which address it refused."""
    async with _logged(caplog) as lines:
        _write(SendResult(Outcome.TLS, 1.0, reason=reason))
    assert lines[0].get("reason") == logged
    assert not {part for part in ("shop", "127.0", 'hook"', "::1") if part in json.dumps(lines)}


def test_nothing_is_put_together_while_the_level_is_off(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(attempt_log, "facts")
    with caplog.at_level(logging.WARNING, logger=attempt_log.__name__):
        _write(SendResult(Outcome.DELIVERED, 1.0))
    assert not caplog.records


def test_every_state_that_an_attempt_can_end_in_has_a_word() -> None:
    assert set(attempt_log._DECISIONS) == set(DeliveryStatus) - {DeliveryStatus.RETRIED}
