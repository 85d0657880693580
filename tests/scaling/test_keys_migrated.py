"""Keys that begin with the organization and the environment: what there was is kept, both ways, and
no row can point into another organization or the other environment."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from conftest import Cluster
from privata.core.ids import new_id
from tests.contracts.test_migrations import manage

Owner = psycopg.Connection[Any]


@pytest.fixture
def owner(cluster: Cluster, database_name: str) -> Iterator[Owner]:
    # ClientCursor: several statements at once, with values.
    with psycopg.connect(
        cluster.owner(database_name), autocommit=True, cursor_factory=psycopg.ClientCursor
    ) as connection:
        yield connection


@pytest.fixture
def ids(owner: Owner) -> dict[str, uuid.UUID]:
    made = {name: new_id() for name in ("org", "other", "endpoint", "child", "recovery", "job")}
    owner.execute(
        "INSERT INTO organization (id, name) VALUES (%(org)s, 'Acme'), (%(other)s, 'Other')", made
    )
    return made


ENDPOINT = """
INSERT INTO webhook_endpoint (id, organization_id, environment, channel, alias, url)
VALUES (%(endpoint)s, %(org)s, 'test', 'order', 'x', 'http://x');
"""

HOOKS = f"""
{ENDPOINT}
INSERT INTO webhook_secret (organization_id, environment, id, endpoint_id, sealed, hint)
VALUES (%(org)s, 'test', %(child)s, %(endpoint)s, 'sealed', 'whsec_test_x');
INSERT INTO webhook_recovery (organization_id, environment, id, endpoint_id, since, created_by)
VALUES (%(org)s, 'test', %(recovery)s, %(endpoint)s, '2026-01-01', 'x');
INSERT INTO event (event_id, organization_id, environment, channel, type, body)
VALUES ('e', %(org)s, 'test', 'order', 'order.sending', '');
INSERT INTO webhook_due (organization_id, environment, endpoint_id, event_seq, recovery_id)
SELECT %(org)s, 'test', %(endpoint)s, seq, %(recovery)s FROM event;
"""

#: What is kept, by the names that it has before and after.
HOOKS_KEPT = (
    "SELECT id, endpoint_id, sealed, hint, expires_at FROM webhook_secret",
    "SELECT id, organization_id, environment, endpoint_id, status FROM webhook_recovery",
    "SELECT id, endpoint_id, recovery_id FROM webhook_due",
)


def kept(owner: Owner, *asked: str) -> list[list[tuple[Any, ...]]]:
    return [owner.execute(one).fetchall() for one in asked]


def test_endpoints_secrets_and_recoveries_are_kept_over_their_new_keys_and_back(
    cluster: Cluster, database_name: str, owner: Owner, ids: dict[str, uuid.UUID]
) -> None:
    url = cluster.owner(database_name)
    owner.execute(HOOKS, ids)
    before = kept(owner, *HOOKS_KEPT)
    assert [len(rows) for rows in before] == [1, 1, 1]
    manage(url, "migrate", "webhooks", "0014", "--verbosity", "0")
    assert kept(owner, *HOOKS_KEPT) == before
    with pytest.raises(psycopg.errors.UndefinedColumn):
        owner.execute("SELECT organization_id FROM webhook_secret")
    manage(url, "migrate", "webhooks", "--verbosity", "0")
    assert kept(owner, *HOOKS_KEPT) == before
    found = owner.execute("SELECT organization_id, environment FROM webhook_secret").fetchall()
    assert found == [(ids["org"], "test")]


EXPORTED = """
INSERT INTO order_export (organization_id, environment, id, query, columns, as_of, created_by)
VALUES (%(org)s, 'test', %(job)s, '', '{}', now(), 'x');
INSERT INTO order_export_chunk (organization_id, environment, export_id, number, data)
VALUES (%(org)s, 'test', %(job)s, 0, 'zero'), (%(org)s, 'test', %(job)s, 1, 'one');
"""

EXPORTED_KEPT = (
    "SELECT id, organization_id, environment, as_of FROM order_export",
    "SELECT export_id, number, data FROM order_export_chunk ORDER BY number",
)


def test_exports_are_kept_over_their_new_keys_and_back(
    cluster: Cluster, database_name: str, owner: Owner, ids: dict[str, uuid.UUID]
) -> None:
    url = cluster.owner(database_name)
    owner.execute(EXPORTED, ids)
    before = kept(owner, *EXPORTED_KEPT)
    assert [len(rows) for rows in before] == [1, 2]
    manage(url, "migrate", "orders", "0009", "--verbosity", "0")
    assert kept(owner, *EXPORTED_KEPT) == before
    manage(url, "migrate", "orders", "--verbosity", "0")
    assert kept(owner, *EXPORTED_KEPT) == before
    owner.execute("DELETE FROM order_export")
    assert kept(owner, EXPORTED_KEPT[1]) == [[]]


REFUNDED = """
INSERT INTO orders (id, organization_id, environment, quote_id, provider, provider_order_id,
    from_asset, from_network, from_decimals, to_asset, to_network, to_decimals, amount_from,
    amount_to_expected, rate_type, deposit_address, payout_address, sandbox_scenario, expires_at)
VALUES ('prv-1', %(org)s, 'test', 'qt_1', 'simulator', 'p', 'BTC', 'BTC', 8, 'ETH', 'ETH', 8, 1, 2,
        'float', 'd', 'p', 'refund', now());
INSERT INTO refund (order_id, organization_id, environment, action, to_address, source,
    requested_by, due_at)
VALUES ('prv-1', %(org)s, 'test', 'return_to_refund_address', 'a', 'api', 'x', now());
INSERT INTO idempotency_key (organization_id, environment, key, request_digest, locked_until)
VALUES (%(org)s, 'test', 'k', '', '2026-01-01'), (%(org)s, 'live', 'k', '', '2026-01-01');
"""

REFUNDED_KEPT = (
    "SELECT organization_id, environment, order_id, to_address FROM refund",
    "SELECT environment, key, locked_until FROM idempotency_key ORDER BY environment",
)

#: As the release before them asks, which runs beside them.
BEFORE_THEM = """
INSERT INTO idempotency_key (organization_id, environment, key, request_digest, locked_until)
VALUES (%(org)s, 'test', 'k', 'new', now())
ON CONFLICT (organization_id, environment, key) DO UPDATE SET request_digest = 'new'
RETURNING id
"""


def test_refunds_and_kept_answers_are_kept_over_their_new_keys_and_back(
    cluster: Cluster, database_name: str, owner: Owner, ids: dict[str, uuid.UUID]
) -> None:
    url = cluster.owner(database_name)
    owner.execute(REFUNDED, ids)
    before = kept(owner, *REFUNDED_KEPT)
    assert [len(rows) for rows in before] == [1, 2]
    again = "INSERT INTO refund SELECT * FROM refund"
    for targets in ({"infra": "0010", "refunds": "0004"}, {"infra": "", "refunds": ""}):
        for app, target in targets.items():
            manage(url, "migrate", app, *filter(None, [target]), "--verbosity", "0")
        assert kept(owner, *REFUNDED_KEPT) == before
        assert len(owner.execute(BEFORE_THEM, ids).fetchall()) == 1
        with pytest.raises(psycopg.errors.UniqueViolation, match="refund_pkey"):
            owner.execute(again)


def test_an_order_has_one_refund_whichever_environment_it_names(
    owner: Owner, ids: dict[str, uuid.UUID]
) -> None:
    owner.execute(REFUNDED, ids)
    columns = "order_id, organization_id, action, to_address, source, requested_by, due_at"
    with pytest.raises(psycopg.errors.UniqueViolation, match="refund_pkey"):
        owner.execute(
            f"INSERT INTO refund ({columns}, environment) SELECT {columns}, 'live' FROM refund"
        )


@pytest.mark.parametrize("wrong", ["other organization", "other environment"])
@pytest.mark.parametrize(
    "child",
    [
        "INSERT INTO webhook_secret (organization_id, environment, id, endpoint_id, sealed, hint)"
        " VALUES (%(whose)s, %(where)s, %(child)s, %(endpoint)s, '', '')",
        "INSERT INTO webhook_recovery (organization_id, environment, id, endpoint_id, since,"
        " created_by) VALUES (%(whose)s, %(where)s, %(recovery)s, %(endpoint)s, now(), 'x')",
        "INSERT INTO order_export_chunk (organization_id, environment, export_id, number, data)"
        " VALUES (%(whose)s, %(where)s, %(job)s, 2, '')",
    ],
    ids=["secret", "recovery", "piece of an export"],
)
def test_nothing_belongs_to_what_is_another_s(
    owner: Owner, ids: dict[str, uuid.UUID], child: str, wrong: str
) -> None:
    owner.execute(ENDPOINT + EXPORTED, ids)
    own: dict[str, object] = {**ids, "whose": ids["org"], "where": "test"}
    others = own | ({"whose": ids["other"]} if wrong == "other organization" else {"where": "live"})
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="of_its_"):
        owner.execute(child, others)
    owner.execute(child, own)
