"""A rejected organization went on: what each status lets work, asked at every way in over HTTP."""

from __future__ import annotations

import httpx
import pytest

from privata.core.roles import Role
from privata.core.standing import Capability, OrganizationStatus, works
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.context import AppContext
from privata.organizations.review import decide
from privata.organizations.tests.people import member
from privata.tokens.service import create_token
from tests.conftest import Partner

ESTIMATE = {"from": "BTC", "to": "ETH", "amount": "0.1"}


def _is_refused(answer: httpx.Response, status: OrganizationStatus) -> None:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (403, "ORGANIZATION_INACTIVE"), answer.text
    assert error["status"] == status.value


@pytest.mark.parametrize("status", list(OrganizationStatus))
async def test_keys_and_tokens_answer_where_the_table_says_so(
    partner: Partner, ctx: AppContext, api_url: str, status: OrganizationStatus
) -> None:
    order_id = (await partner.create()).json()["order_id"]
    ann = await member(ctx, partner.organization_id, Role.OWNER, "ann@acme.example")
    token = (await create_token(ctx, actor=ann, name="script", days=7, write=True)).token
    await ctx.database.pool.execute("UPDATE organization SET status = $1", status.value)

    for key, capability in (
        (partner.test_key, Capability.TEST_KEYS),
        (partner.live_key, Capability.LIVE_KEYS),
    ):
        for path, query in (
            ("/estimate", ESTIMATE),
            (f"/order/{order_id}", {}),
            ("/me", {}),
            ("/events", {"after": "0"}),
        ):
            answer = await partner.get(path, key=key, **query)
            if works(capability, status):
                assert "ORGANIZATION_INACTIVE" not in answer.text
            else:
                _is_refused(answer, status)

    async with httpx.AsyncClient(
        base_url=f"{api_url}/dashboard/v1", headers={"Authorization": f"Bearer {token}"}, timeout=30
    ) as script:
        answer = await script.get("/me")
        if works(Capability.TOKENS, status):
            assert answer.status_code == 200
        else:
            _is_refused(answer, status)


async def test_a_stopped_key_is_no_wrong_key(partner: Partner, ctx: AppContext) -> None:
    """No address is locked out for it, and it answers again when the organization is approved."""
    operator = Actor(ActorKind.OPERATOR, "cli", "op", partner.organization_id, Environment.LIVE)
    for to in (OrganizationStatus.REJECTED, OrganizationStatus.APPROVED):
        await decide(
            ctx, actor=operator, organization_id=partner.organization_id, to=to, note="A reason"
        )
        for _ in range(8):
            answer = await partner.get("/estimate", **ESTIMATE)
            if to is OrganizationStatus.REJECTED:
                _is_refused(answer, to)
            else:
                assert answer.status_code == 200
    assert await ctx.database.pool.fetchval("SELECT count(*) FROM key_failure") == 0
