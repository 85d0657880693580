"""The organization is first in every key of partner data, children included.

A distributed PostgreSQL keeps the rows of an organization together by it: it refuses any other key
and pushes no other join down. What does not begin with it yet stands here with the reason. The list
only gets shorter: an entry that is true no more is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import psycopg
import pytest

from conftest import Cluster

#: Tables that are shared by all organizations or stay on one node; why.
SHARED = {
    "organization": "the organizations themselves: small, read everywhere",
    "organization_profile": "one row for each organization",
    "membership": "people and their organizations: small, read everywhere",
    "invitation": "found by its token alone, before anybody knows whose it is",
    "notice_opt_out": "of a membership",
    "order_saved_view": "of a person, in whichever organization",
    "api_key": "found by a key alone, before anybody knows whose it is",
    "api_key_secret": "of a key",
    "personal_token": "found by a token alone, before anybody knows whose it is",
    "payout": "money: it has triggers, which distributed tables cannot have",
    "payout_address": "of payouts",
    "ledger_account": "money: it has triggers, which distributed tables cannot have",
    "ledger_entry": "money, as above",
    "ledger_posting": "money, as above",
    "ledger_earning": "money, as above",
    "ledger_hold": "money, as above",
    "quote": "one that was asked for without a key belongs to nobody, and any key may use it",
}

_QUEUE = "the queue is claimed over all organizations by the id alone; goes with its own table"
_REFERRED = "beside its key, for the references of `webhook_delivery`; goes with those"
_FEED = "the number of the feed; goes with a number of its own for each organization"

#: Keys that do not begin with the organization yet, and why.
NOT_YET = {
    "event_pkey": _FEED,
    "event_order_seq_once": _FEED,
    "stream_pkey": "closed by the number alone, by any process",
    "stream_node_id_c6f695cc_fk_stream_node_id": "the processes are shared by all organizations",
    "webhook_delivery_pkey": _QUEUE,
    "webhook_delivery_once": _QUEUE,
    "webhook_delivery_recovered_once": _QUEUE,
    "webhook_delivery_retried_once": _QUEUE,
    "webhook_delivery_endpoint_id_b30f68a9_fk_webhook_endpoint_id": _QUEUE,
    "webhook_delivery_event_seq_c415fafb_fk_event_seq": _FEED,
    "webhook_delivery_recovery_id_a61baa4c_fk_webhook_recovery_id": _QUEUE,
    "webhook_delivery_retry_of_id_a6227733_fk_webhook_delivery_id": _QUEUE,
    "webhook_endpoint_by_id": _REFERRED,
    "webhook_recovery_by_id": _REFERRED,
}

#: The audit log has a chain for each organization, on one node, and triggers.
_OTHERS = ("audit\\_%", "django\\_%", "auth\\_%")

_TABLES = """
SELECT c.relname, EXISTS (SELECT FROM pg_attribute AS a
                          WHERE a.attrelid = c.oid AND a.attname = 'organization_id')
FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND c.relname NOT LIKE ALL (%s)
"""

# Unique indexes, those of keys included, and foreign keys; each with its first column.
_KEYS = """
SELECT t.relname, i.relname, a.attname, NULL
FROM pg_index AS x
JOIN pg_class AS i ON i.oid = x.indexrelid
JOIN pg_class AS t ON t.oid = x.indrelid
LEFT JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
WHERE x.indisunique AND t.relnamespace = 'public'::regnamespace AND NOT t.relispartition
UNION ALL
SELECT t.relname, c.conname, a.attname, r.relname
FROM pg_constraint AS c
JOIN pg_class AS t ON t.oid = c.conrelid
JOIN pg_class AS r ON r.oid = c.confrelid
JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = c.conkey[1]
WHERE c.contype = 'f' AND t.relnamespace = 'public'::regnamespace AND NOT t.relispartition
"""


class Key(NamedTuple):
    """A key and its first column; `refers_to` is the table of a foreign key."""

    table: str
    name: str
    first: str | None
    refers_to: str | None


class Catalogue(NamedTuple):
    """Tables, whether they have an organization, and all keys."""

    tables: dict[str, bool]
    keys: list[Key]

    def partners(self) -> set[str]:
        """Tables of partner data: what has an organization, and what refers to such a table."""
        owned = {name for name, has in self.tables.items() if has}
        children = {key.table for key in self.keys if key.refers_to in owned - {"organization"}}
        return {name for name in self.tables if name in owned | children} - set(SHARED)

    def breaks(self) -> Iterator[str]:
        """What does not begin with the organization: tables without one, and keys."""
        partners = self.partners()
        yield from (name for name in partners if not self.tables[name])
        for key in self.keys:
            if key.table not in partners or key.first == "organization_id":
                continue
            if key.refers_to is None or key.refers_to not in SHARED:
                yield key.name


@pytest.fixture
def catalogue(cluster: Cluster, database_name: str) -> Catalogue:
    with psycopg.connect(cluster.owner(database_name)) as owner:
        found = owner.execute(_TABLES, (list(_OTHERS),)).fetchall()
        tables: dict[str, bool] = {str(name): bool(owned) for name, owned in found}
        keys = [Key(*row) for row in owner.execute(_KEYS).fetchall()]
    return Catalogue(tables, keys)


def test_every_key_of_partner_data_begins_with_the_organization(catalogue: Catalogue) -> None:
    broken = set(catalogue.breaks())
    assert broken - set(NOT_YET) == set(), "put organization_id first"
    assert set(NOT_YET) - broken == set(), "these are mended: take them off the list"


def test_the_catalogue_knows_what_it_judges(catalogue: Catalogue) -> None:
    surely = {"orders", "order_timeline", "event", "webhook_delivery", "webhook_attempt", "refund"}
    assert surely <= catalogue.partners()
    assert set(SHARED) <= set(catalogue.tables)
    assert not set(SHARED) & set(NOT_YET)
