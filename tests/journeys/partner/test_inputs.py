"""Single inputs mean what the reference says: times, nulls, lists, rates, references."""

from __future__ import annotations

import uuid
from decimal import Decimal

import httpx
import pytest

from privata.apikeys.scopes import Scope
from privata.core.lifecycle import OrderStatus
from privata.core.roles import Role
from privata.core.tenancy import Environment
from privata.organizations.tests.people import member
from privata.tokens.service import create_token
from tests.conftest import Partner, mint
from tests.contracts.recorder import contract, operations
from tests.journeys.partner.test_bodies import fields_of

NANOSECONDS = "2026-05-21T10:14:01.123456789Z"


@pytest.fixture
async def admin(partner: Partner) -> dict[str, str]:
    """The header of a key that may configure webhooks."""
    return {
        "X-API-Key": await mint(
            partner.ctx, partner.organization_id, Environment.TEST, Scope.WEBHOOK_ADMIN
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
    ("strict_ordering", False),
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
    owner = await member(partner.ctx, organization, Role.OWNER, "ann@acme.example")
    made = await create_token(partner.ctx, actor=owner, name="script", days=7, write=True)
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
    quote = await partner.quote(**{"from": "DOGE", "to": "BTC", "amount": "777"})
    exact = Decimal(quote["amount_to"]) / Decimal(quote["amount_from"])
    rate = Decimal(quote["rate"])
    assert 0 <= exact - rate < exact.scaleb(-11)
    assert exact < Decimal("0.0001")


async def test_a_reference_is_found_as_it_was_given(partner: Partner) -> None:
    order = (await partner.create(partner_order_ref="a b  c")).json()
    found = (await partner.get("/me/orders", q="a b  c")).json()["orders"]
    assert [one["order_id"] for one in found] == [order["order_id"]]


LISTS = {
    (operation["operationId"], parameter["name"]): parameter
    for _, _, operation in operations(contract().made)
    for parameter in operation["parameters"]
    if parameter["in"] == "query"
}


def test_list_filters_are_typed_in_the_document() -> None:
    status = LISTS["listOrders", "status"]
    assert status["schema"]["type"] == "array"
    assert (status["style"], status["explode"]) == ("form", False)
    assert set(status["schema"]["items"]["enum"]) == {one.value for one in OrderStatus}
    assert LISTS["listOrders", "provider"]["schema"]["items"]["pattern"]
    for name in ("since", "until"):
        formats = {one["format"] for one in LISTS["listOrders", name]["schema"]["anyOf"]}
        assert formats == {"date", "date-time"}
        assert LISTS["listDeliveries", name]["schema"]["format"] == "date-time"
    free = {"q", "cursor", "address", "extra_id"}
    told = {"enum", "format", "pattern", "anyOf", "items", "minimum"}
    for (where, name), parameter in LISTS.items():
        shape = parameter["schema"]
        assert name in free or told & set(shape), f"{where} {name} is any text: {shape}"


async def test_lists_in_a_query_are_read_as_the_document_writes_them(partner: Partner) -> None:
    order = (await partner.create()).json()["order_id"]
    found = await partner.get(
        "/me/orders", status="waiting_deposit,completed", provider="simulator"
    )
    assert [one["order_id"] for one in found.json()["orders"]] == [order]
    twice = await partner.client.get(
        "/me/orders?status=completed&status=failed", headers={"X-API-Key": partner.test_key}
    )
    assert (twice.status_code, twice.json()["orders"]) == (200, [])
    for query in ("rate_type=float&rate_type=fixed", "status=completed&status="):
        wrong = await partner.client.get(
            f"/me/orders?{query}", headers={"X-API-Key": partner.test_key}
        )
        assert fields_of(wrong) == [query.partition("=")[0]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", ""),
        ("status", "completed,"),
        ("status", "completed, failed"),
        ("status", "done"),
        ("provider", ",".join(f"p{number}" for number in range(21))),
        ("provider", "Simulator"),
        ("from", " BTC"),
        ("since", "yesterday"),
        ("usd_min", "1e3"),
        ("q", ""),
    ],
)
async def test_a_filter_that_is_not_what_it_can_be_is_named(
    partner: Partner, name: str, value: str
) -> None:
    assert fields_of(await partner.get("/me/orders", **{name: value})) == [name]
