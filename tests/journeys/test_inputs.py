"""Single inputs mean what the reference says: times, nulls, lists, rates, references."""

from __future__ import annotations

import uuid
from decimal import Decimal

import httpx
import pytest

from privata.apikeys.scopes import Scope
from privata.core.tenancy import Environment
from privata.organizations.roles import Role
from privata.organizations.tests.people import member
from privata.tokens.service import create_token
from tests.conftest import Partner, mint
from tests.journeys.test_bodies import fields_of

NANOSECONDS = "2026-05-21T10:14:01.123456789Z"


@pytest.fixture
async def admin(partner: Partner) -> dict[str, str]:
    """The header of a key that may configure webhooks."""
    return {
        "X-API-Key": await mint(
            partner.kernel, partner.organization_id, Environment.TEST, Scope.WEBHOOK_ADMIN
        )
    }


@pytest.fixture
async def endpoint(partner: Partner, admin: dict[str, str]) -> str:
    wanted = {"url": "http://localhost:9/hook", "alias": "Local"}
    made = await partner.client.post("/webhook/endpoints", json=wanted, headers=admin)
    return str(made.json()["endpoint_id"])


async def test_nanoseconds_are_understood_by_every_filter(
    partner: Partner, admin: dict[str, str], endpoint: str
) -> None:
    for path in (
        "/me/orders?since={}",
        "/me/orders?until={}",
        "/webhook/deliveries?since={}&until=2026-05-21T12:14:02 02:00",
        f"/webhook/endpoints/{endpoint}/undelivered?since={{}}",
    ):
        headers = {"X-API-Key": partner.test_key} if path.startswith("/me") else admin
        answer = await partner.client.get(path.format(NANOSECONDS), headers=headers)
        assert answer.status_code == 200, f"{path}: {answer.text}"
    answer = await partner.client.post(
        "/webhook/recover", json={"endpoint_id": endpoint, "since": NANOSECONDS}, headers=admin
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["since"] == "2026-05-21T10:14:01.123Z"


NULLS: list[tuple[str, bool]] = [
    ("url", False),
    ("alias", False),
    ("strict_lanes", False),
    ("pace_per_s", False),
    ("event_filter", True),
    ("schedule_s", True),
]


@pytest.mark.parametrize(("field", "may"), NULLS)
async def test_null_does_what_the_schema_says_on_both_apis(
    partner: Partner,
    admin: dict[str, str],
    endpoint: str,
    organization: uuid.UUID,
    field: str,
    may: bool,
) -> None:
    shape = (await partner.get("/openapi.json")).json()["components"]["schemas"]["ChangeEndpoint"]
    shown = shape["properties"][field]
    assert ({"type": "null"} in shown.get("anyOf", ())) is may
    assert field not in shape.get("required", ())
    owner = await member(partner.kernel, organization, Role.OWNER, "ann@acme.example")
    made = await create_token(partner.kernel, actor=owner, name="script", days=7, write=True)
    there = str(partner.client.base_url).replace("/partner/v1", "/dashboard/v1/test")
    async with httpx.AsyncClient(timeout=30) as client:
        answers = [
            await partner.client.patch(
                f"/webhook/endpoints/{endpoint}", json={field: None}, headers=admin
            ),
            await client.patch(
                f"{there.rstrip('/')}/endpoints/{endpoint}",
                json={field: None},
                headers={"Authorization": f"Bearer {made.token}"},
            ),
        ]
    for answer in answers:
        if may:
            assert (answer.status_code, answer.json()[field]) == (200, None)
        else:
            assert fields_of(answer) == [field]


async def test_a_small_rate_keeps_12_significant_digits(partner: Partner) -> None:
    quote = await partner.quote(**{"from": "DOGE", "to": "BTC", "amount": "1000"})
    exact = Decimal(quote["amount_to"]) / Decimal(quote["amount_from"])
    rate = Decimal(quote["rate"])
    assert 0 <= exact - rate < exact.scaleb(-11)
    assert exact < Decimal("0.0001")


async def test_a_reference_is_found_as_it_was_given(partner: Partner) -> None:
    order = (await partner.create(partner_order_ref="a b  c")).json()
    found = (await partner.get("/me/orders", q="a b  c")).json()["orders"]
    assert [one["order_id"] for one in found] == [order["order_id"]]
