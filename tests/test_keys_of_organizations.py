"""The organization is first in every key of partner data, the environment second; children too.

A distributed PostgreSQL keeps the rows of an organization together by the first: it refuses any
other key and pushes no other join down. The second keeps rows of the sandbox from pointing at what
is live. What does not begin with them yet, or cannot, stands here with the reason. The lists only
get shorter: an entry that is true no more is refused.
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


#: Keys that do not begin with the organization yet, and why.
NOT_YET = {
    "stream_pkey": "closed by the number alone, by any process",
    "stream_node_id_c6f695cc_fk_stream_node_id": "the processes are shared by all organizations",
}

_ORDER = "the key of an order has none, and its children have that key"

#: Tables that have no environment, and keys of those that have one in which it is not second; why.
WITHOUT_ENVIRONMENT = {
    "orders_pkey": "an order is found by its id in whichever environment",
    "orders_quote_id_key": "a quote is spent once, in whichever environment",
    "order_timeline": _ORDER,
    "order_ignored_report": _ORDER,
    "refund_pkey": f"{_ORDER}: an order has one refund",
    "refund_of_order": _ORDER,
    "event_key": "an event happens once, in whichever environment",
    "event_key_of_feed": "an event happens once, in whichever environment",
    "event_position_once": "goes with `event`",
    "webhook_due_recovered_once": "a recovery has one environment",
    "webhook_due_retried_once": "a delivery is retried once, in whichever environment",
    "webhook_attempt": "goes with `webhook_delivery`, whose id it has",
}

#: The audit log has a chain for each organization, on one node, and triggers.
_OTHERS = ("audit\\_%", "django\\_%", "auth\\_%")

OWNER, PART = "organization_id", "environment"

_TABLES = """
SELECT c.relname, ARRAY(SELECT a.attname::text FROM pg_attribute AS a
                        WHERE a.attrelid = c.oid AND a.attname = ANY (%s))
FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND c.relname NOT LIKE ALL (%s)
"""

# Unique indexes, those of keys included, and foreign keys; each with its first two columns.
_KEYS = """
SELECT t.relname, i.relname, a.attname, b.attname, NULL
FROM pg_index AS x
JOIN pg_class AS i ON i.oid = x.indexrelid
JOIN pg_class AS t ON t.oid = x.indrelid
LEFT JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
LEFT JOIN pg_attribute AS b ON b.attrelid = t.oid AND x.indnatts > 1 AND b.attnum = x.indkey[1]
WHERE x.indisunique AND t.relnamespace = 'public'::regnamespace AND NOT t.relispartition
UNION ALL
SELECT t.relname, c.conname, a.attname, b.attname, r.relname
FROM pg_constraint AS c
JOIN pg_class AS t ON t.oid = c.conrelid
JOIN pg_class AS r ON r.oid = c.confrelid
JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = c.conkey[1]
LEFT JOIN pg_attribute AS b ON b.attrelid = t.oid AND b.attnum = c.conkey[2]
WHERE c.contype = 'f' AND t.relnamespace = 'public'::regnamespace AND NOT t.relispartition
"""


class Key(NamedTuple):
    """A key and its first two columns; `refers_to` is the table of a foreign key."""

    table: str
    name: str
    first: str | None
    second: str | None
    refers_to: str | None


class Catalogue(NamedTuple):
    """Tables, which of the two columns they have, and all keys."""

    tables: dict[str, set[str]]
    keys: list[Key]

    def partners(self) -> set[str]:
        """Tables of partner data: what has an organization, and what refers to such a table."""
        owned = {name for name, has in self.tables.items() if OWNER in has}
        children = {key.table for key in self.keys if key.refers_to in owned - {"organization"}}
        return {name for name in self.tables if name in owned | children} - set(SHARED)

    def breaks(self) -> Iterator[str]:
        """What does not begin with the organization: tables without one, and keys."""
        partners = self.partners()
        yield from (name for name in partners if OWNER not in self.tables[name])
        yield from (key.name for key in self._judged() if key.first != OWNER)

    def without_environment(self) -> Iterator[str]:
        """Tables without an environment, and keys of the others in which it is not second; of keys
        that begin with the organization."""
        yield from (name for name in self.partners() if PART not in self.tables[name])
        for key in self._judged():
            if key.first == OWNER and key.second != PART and PART in self.tables[key.table]:
                yield key.name

    def _judged(self) -> Iterator[Key]:
        partners = self.partners()
        for key in self.keys:
            if key.table in partners and (key.refers_to is None or key.refers_to not in SHARED):
                yield key


@pytest.fixture
def catalogue(cluster: Cluster, database_name: str) -> Catalogue:
    with psycopg.connect(cluster.owner(database_name)) as owner:
        found = owner.execute(_TABLES, ([OWNER, PART], list(_OTHERS))).fetchall()
        tables = {str(name): set(has) for name, has in found}
        keys = [Key(*row) for row in owner.execute(_KEYS).fetchall()]
    return Catalogue(tables, keys)


def test_every_key_of_partner_data_begins_with_the_organization(catalogue: Catalogue) -> None:
    broken = set(catalogue.breaks())
    assert broken - set(NOT_YET) == set(), "put organization_id first"
    assert set(NOT_YET) - broken == set(), "these are mended: take them off the list"


def test_the_environment_is_second(catalogue: Catalogue) -> None:
    without = set(catalogue.without_environment())
    assert without - set(WITHOUT_ENVIRONMENT) == set(), "put environment second"
    assert set(WITHOUT_ENVIRONMENT) - without == set(), "these have it: take them off the list"


def test_the_catalogue_knows_what_it_judges(catalogue: Catalogue) -> None:
    surely = {"orders", "order_timeline", "event", "webhook_delivery", "webhook_due", "refund"}
    assert surely <= catalogue.partners()
    assert set(SHARED) <= set(catalogue.tables)
    assert not set(SHARED) & set(NOT_YET)
