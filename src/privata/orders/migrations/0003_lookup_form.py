"""Addresses and hashes are found in every form in which the network takes them.

`lookup_form` is the one form of a text that is looked up: hexadecimal (EVM addresses, hashes) in
lower case without `0x`; bech32 and cashaddr, which a network takes in all capitals as well, in
lower case, cashaddr without its prefix. Everything else, base58 above all, means what it says.
The collation is named, so that a database's own (a Turkish one: I becomes ı) changes nothing.
"""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import F, Func

MADE = r"""
CREATE FUNCTION lookup_form(given text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN given COLLATE "C" ~ '^(0[xX])?[0-9a-fA-F]{32,}$'
        THEN lower(regexp_replace(given COLLATE "C", '^0[xX]', ''))
    WHEN given COLLATE "C" ~ '^((bitcoincash|bchtest|bchreg):)?[qp][02-9ac-hj-np-z]{41,}$'
      OR given COLLATE "C" ~ '^((BITCOINCASH|BCHTEST|BCHREG):)?[QP][02-9AC-HJ-NP-Z]{41,}$'
        THEN lower(regexp_replace(given COLLATE "C", '^[A-Za-z]+:', ''))
    WHEN given COLLATE "C" ~ '^[A-Z0-9_]{1,83}1[02-9AC-HJ-NP-Z]{30,}$'
        THEN lower(given COLLATE "C")
    ELSE given COLLATE "C"
END
"""

DROPPED = "DROP FUNCTION lookup_form(text)"


def _index(column: str, name: str, condition: models.Q | None = None) -> models.Index:
    form = Func(F(column), function="lookup_form")
    fields = (F("organization"), F("environment"), form, F("created_at"))
    return models.Index(*fields, name=name, condition=condition)


class Migration(migrations.Migration):
    dependencies = [("orders", "0002_search_and_exports")]

    operations = [
        migrations.RunSQL(MADE, DROPPED),
        migrations.AddIndex("order", _index("deposit_address", "orders_by_deposit_form")),
        migrations.AddIndex(
            "order",
            _index(
                "tx_in_hash", "orders_by_tx_in_form", condition=models.Q(tx_in_hash__isnull=False)
            ),
        ),
        migrations.AddIndex(
            "order",
            _index(
                "tx_out_hash",
                "orders_by_tx_out_form",
                condition=models.Q(tx_out_hash__isnull=False),
            ),
        ),
        migrations.RemoveIndex("order", "orders_by_deposit_address"),
        migrations.RemoveIndex("order", "orders_by_tx_in_hash"),
        migrations.RemoveIndex("order", "orders_by_tx_out_hash"),
    ]
