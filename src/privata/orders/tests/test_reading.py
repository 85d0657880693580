"""The orders list on a real database: filters, pages, tenants."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import django
import psycopg
import pytest

from conftest import Cluster
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.postgres import django_database

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

_INSERT = """
INSERT INTO orders (id, organization_id, environment, provider, provider_order_id,
    partner_order_ref, from_asset, from_network, from_decimals, to_asset, to_network, to_decimals,
    amount_from, amount_to_expected, rate_type, deposit_address, payout_address, status,
    tx_in_hash, tx_out_hash, sandbox_scenario, expires_at, completed_at, created_at)
VALUES (%(id)s, %(organization)s, %(environment)s, %(provider)s, 'p', %(ref)s, %(source)s, 'BTC',
    8, %(target)s, 'ETH', 18, 1, 2, 'float', %(deposit)s, 'payout', %(status)s, %(tx_in)s,
    %(tx_out)s, %(scenario)s, %(at)s, %(completed_at)s, %(at)s)
"""


class Shop:
    """A tenant and its orders."""

    def __init__(self, url: str, environment: Environment = Environment.TEST) -> None:
        from privata.organizations.doors import Tenant
        from privata.organizations.roles import Role

        self.url = url
        organization = uuid.uuid4()
        actor = Actor(ActorKind.USER, "1", "a@b.example", organization, environment)
        self.tenant = Tenant(organization, "Shop", environment, Role.OWNER, actor)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO organization (id, name) VALUES (%s, 'Shop')", (organization,)
            )

    def add(self, number: int, *, minutes: int | None = None, **changes: Any) -> str:
        """Order `number`, made that many minutes ago."""
        age = timedelta(minutes=number if minutes is None else minutes)
        environment = self.tenant.environment
        values = {
            "id": f"prv-{uuid.uuid4()}",
            "organization": self.tenant.organization_id,
            "environment": environment.value,
            "provider": "simulator",
            "ref": f"ref-{number}",
            "source": "BTC",
            "target": "ETH",
            "deposit": f"deposit-{number}",
            "status": "waiting_deposit",
            "tx_in": None,
            "tx_out": None,
            "scenario": "success" if environment is Environment.TEST else None,
            "at": NOW - age,
            "completed_at": NOW if changes.get("status") == "completed" else None,
        } | changes
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(_INSERT, values)
        return str(values["id"])


@pytest.fixture
def url(cluster: Cluster, database_name: str) -> Iterator[str]:
    """The database that Django's models read during a test."""
    made = cluster.app(database_name)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "privata.desk.settings")
    django.setup()
    from django.db import connections

    connections["default"].settings_dict.update(django_database(made))
    yield made
    connections["default"].close()


@pytest.fixture
def shop(url: str) -> Shop:
    return Shop(url)


def ids(shop: Shop, query: str = "", **edges: Any) -> list[str]:
    from django.http import QueryDict

    from privata.orders.filters import parse_filter
    from privata.orders.reading import page_of

    page = page_of(shop.tenant, parse_filter(QueryDict(query)), NOW, **edges)
    return [order.id for order in page.rows]


def test_each_filter_narrows_and_they_narrow_together(shop: Shop) -> None:
    first = shop.add(1, status="completed", tx_in="in-1", tx_out="out-1")
    second = shop.add(2, source="LTC", provider="exolix")
    third = shop.add(3, minutes=60 * 24 * 8, status="expired", target="XMR")
    assert ids(shop) == [first, second, third]
    assert ids(shop, "status=completed&status=expired") == [first, third]
    assert ids(shop, "from=ltc") == [second]
    assert ids(shop, "to=XMR") == [third]
    assert ids(shop, "provider=exolix") == [second]
    assert ids(shop, "span=7d") == [first, second]
    assert ids(shop, "status=completed&from=LTC") == []


def test_search_is_exact_in_five_fields(shop: Shop) -> None:
    wanted = shop.add(1, status="completed", tx_in="in-1", tx_out="out-1")
    shop.add(2)
    for text in (wanted, wanted.upper(), "ref-1", "deposit-1", "in-1", "out-1"):
        assert ids(shop, f"q={text}") == [wanted], text
    assert ids(shop, "q=ref") == []


def test_pages_go_there_and_back_without_gap_or_repetition(shop: Shop) -> None:
    from privata.orders.filters import OrderFilter
    from privata.orders.reading import PAGE, page_of

    # Several orders of one microsecond: the id decides, or some would be lost between pages.
    every = [shop.add(n, minutes=n // 7) for n in range(2 * PAGE + 9)]
    seen, pages = [], []
    page = page_of(shop.tenant, OrderFilter(), NOW)
    assert page.newer is None
    while True:
        pages.append(page)
        seen += [order.id for order in page.rows]
        if page.older is None:
            break
        page = page_of(shop.tenant, OrderFilter(), NOW, before=page.older)
    assert [len(one.rows) for one in pages] == [PAGE, PAGE, 9]
    assert sorted(seen) == sorted(every)
    assert len(set(seen)) == len(seen)
    back = page_of(shop.tenant, OrderFilter(), NOW, after=pages[2].newer)
    assert [order.id for order in back.rows] == [order.id for order in pages[1].rows]
    back = page_of(shop.tenant, OrderFilter(), NOW, after=back.newer)
    assert [order.id for order in back.rows] == [order.id for order in pages[0].rows]
    assert back.newer is None


def test_new_orders_are_counted_and_do_not_enter(shop: Shop) -> None:
    from privata.orders.filters import OrderFilter
    from privata.orders.reading import MOST_NEW, count_newer, page_of, same_rows

    shown = [shop.add(n) for n in range(10, 13)]
    page = page_of(shop.tenant, OrderFilter(), NOW)
    first, last = page.first, page.last
    assert first is not None
    assert last is not None
    for n in range(3):
        shop.add(n)
    assert count_newer(shop.tenant, OrderFilter(), NOW, first) == 3
    same = same_rows(shop.tenant, OrderFilter(), NOW, first, last)
    assert [order.id for order in same] == shown
    for n in range(100, 100 + MOST_NEW):
        shop.add(n, minutes=1)
    assert count_newer(shop.tenant, OrderFilter(), NOW, first) == MOST_NEW + 1


def test_nothing_of_another_tenant_is_seen(url: str, shop: Shop) -> None:
    from privata.orders.reading import order_of

    mine = shop.add(1)
    other, live = Shop(url), Shop(url, Environment.LIVE)
    theirs, real = other.add(1), live.add(1)
    assert ids(shop) == [mine]
    assert order_of(shop.tenant, mine) is not None
    for order_id in (theirs, real, "prv-nonsense"):
        assert order_of(shop.tenant, order_id) is None
        assert ids(shop, f"q={order_id}") == []
    assert ids(live) == [real]
