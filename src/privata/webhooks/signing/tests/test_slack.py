"""The `slack` dialect: who speaks it, and what is posted."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import wait_for
from privata.core.errors import ValidationFailed
from privata.core.tenancy import Environment
from privata.events.ops_events import ops_event, publish_ops, webhook_paused
from privata.infra.context import AppContext
from privata.webhooks.endpoints.rules import dialect_for
from privata.webhooks.endpoints.service import create_endpoint, update_endpoint
from privata.webhooks.receiver.api import create_app, running
from privata.webhooks.signing.signatures import Message, body_for, headers_for, verify_privata
from privata.webhooks.signing.slack import HOST, MAX_TEXT, is_slack, slack_body
from privata.webhooks.states import Channel, Dialect
from privata.webhooks.tests.deliveries import actor_of, count, dispatching, endpoint_row
from privata.webhooks.tests.receivers import Names

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SLACK_URL = f"https://{HOST}/services/T0/B0/x"
PUBLIC = Names({HOST: ["93.184.216.34"], "hooks.acme.com": ["93.184.216.34"]})


@pytest.mark.parametrize(
    ("url", "slack"),
    [
        (SLACK_URL, True),
        ("https://HOOKS.slack.com/services/x", True),
        ("http://hooks.slack.com/services/x", False),
        ("https://hooks.slack.com.evil.example/x", False),
        ("https://evil.example/hooks.slack.com", False),
        ("https://[", False),
    ],
)
def test_slack_is_known_by_its_host(url: str, slack: bool) -> None:
    assert is_slack(url) is slack


def test_the_dialect_follows_the_url() -> None:
    chosen = Dialect.STANDARD
    assert dialect_for(Channel.OPS, SLACK_URL, chosen) is Dialect.SLACK
    assert dialect_for(Channel.OPS, "https://acme.example/", chosen) is chosen
    assert dialect_for(Channel.OPS, "https://acme.example/", Dialect.SLACK) is Dialect.PRIVATA
    with pytest.raises(ValidationFailed) as caught:
        dialect_for(Channel.ORDER, SLACK_URL, chosen)
    assert [field for field, _ in caught.value.fields] == ["url"]


def test_webhook_paused_names_the_endpoint_by_its_alias_and_has_the_details() -> None:
    event = webhook_paused(
        endpoint_id=UUID(int=1),
        alias="Orders <EU>",
        url="https://acme.example/hook?a=1&b=2",
        environment=Environment.LIVE,
        reason="failures",
        now=NOW,
        paused_at=NOW,
        last_error="http_error 503: <html>",
        failed_attempts=50,
        window=timedelta(hours=6),
    )
    message = json.loads(slack_body(event.body))
    section, context = message["blocks"]
    assert message["text"] == "Webhook paused: Orders &lt;EU&gt; (failures)"
    assert section["type"] == "section"
    assert section["text"]["type"] == "mrkdwn"
    assert section["text"]["text"] == "*Webhook paused: Orders &lt;EU&gt;*\nReason: failures"
    (details,) = context["elements"]
    assert context["type"] == "context"
    assert "url: https://acme.example/hook?a=1&amp;b=2" in details["text"]
    assert "last_error: http_error 503: &lt;html&gt;" in details["text"]
    assert "failed_attempts: 50" in details["text"]
    assert "resume_after" not in details["text"]
    assert details["verbatim"] is True


_VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=900)


@given(st.dictionaries(st.text(max_size=60), _VALUES, max_size=30), st.text(max_size=700))
def test_any_event_is_a_message_that_slack_takes(fields: dict[str, object], reason: str) -> None:
    try:
        body = json.dumps({"event": "payout_sent", "reason": reason, **fields}).encode()
        json.dumps(fields, ensure_ascii=False).encode()
        reason.encode()
    except UnicodeEncodeError:
        return
    message = json.loads(slack_body(body))
    assert slack_body(body) == slack_body(body)
    texts = [message["blocks"][0]["text"]["text"]]
    texts += [one["text"] for block in message["blocks"][1:] for one in block["elements"]]
    for text in texts:
        assert 0 < len(text) <= MAX_TEXT
        assert "<" not in text
        assert ">" not in text
        plain = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
        assert "&" not in plain


@pytest.mark.parametrize("body", [b"[]", b"1", b"not json", b""])
def test_other_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        slack_body(body)


def test_what_is_signed_is_what_is_sent() -> None:
    body = body_for("slack", b'{"event":"payout_sent","reason":"r"}')
    message = Message("ops-1", "d", 1, 1_760_000_000, body)
    headers = dict(headers_for("slack", ["whsec_test_x"], message))
    signature = headers["X-Privata-Signature"]
    assert verify_privata(body, signature, "whsec_test_x", 1_760_000_000)
    assert body_for("privata", b"{}") == b"{}"


async def test_an_ops_endpoint_at_slack_speaks_it_by_itself(
    ctx: AppContext, organization: UUID
) -> None:
    live = actor_of(organization, Environment.LIVE)
    endpoint_id, secret = await create_endpoint(
        ctx, actor=live, url=SLACK_URL, alias="Ops", channel="ops", lookup=PUBLIC
    )
    assert (await endpoint_row(ctx, endpoint_id))["dialect"] == "slack"
    assert secret.startswith("whsec_live_")
    for url, dialect in (("https://hooks.acme.com/x", "privata"), (SLACK_URL, "slack")):
        await update_endpoint(ctx, actor=live, endpoint_id=endpoint_id, url=url, lookup=PUBLIC)
        assert (await endpoint_row(ctx, endpoint_id))["dialect"] == dialect


async def test_slack_gets_blocks(ctx: AppContext, organization: UUID) -> None:
    app = create_app()
    async with running(app) as base:
        actor = actor_of(organization)
        _, secret = await create_endpoint(
            ctx, actor=actor, url=f"{base}/hook", alias="Ops", channel="ops"
        )
        app.secrets = [secret]
        await ctx.database.pool.execute("UPDATE webhook_endpoint SET dialect = 'slack'")
        async with dispatching(ctx):
            event = ops_event(
                "payout_sent",
                reason="broadcast",
                now=NOW,
                environment=Environment.TEST,
                fields={"payout_id": str(uuid4())},
            )
            async with ctx.database.transaction() as tx:
                await publish_ops(
                    tx, organization_id=organization, environment=Environment.TEST, event=event
                )

            async def delivered() -> bool:
                return await count(ctx, "status = 'delivered'") == 1

            await wait_for(delivered)
    (received,) = app.log.find()
    assert received.verified
    assert "Payout sent" in received.body
