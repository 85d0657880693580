"""The double-entry ledger: a book for each organization, whose accounts together hold zero.

Entries, postings and earnings are append-only, and balances are moved by the database itself as
postings arrive (migration 0002). What is booked when is described in docs/ledger.md.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Now

from privata.infra.fields import one_of
from privata.ledger.accounts import PARTNERS, Account, CauseKind

#: US dollars of one posting stay below this; also refuses NaN, which sorts above every number.
_TOO_MUCH = 10**12


def usd_field(**options: Any) -> models.DecimalField[Any, Any]:
    """US dollars with 8 decimals."""
    return models.DecimalField(max_digits=20, decimal_places=8, **options)


def _organization() -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(
        "organizations.Organization", on_delete=models.PROTECT, related_name="+", db_index=False
    )


class LedgerAccount(models.Model):
    """What an account of an organization's book holds: the sum of its postings."""

    pk = models.CompositePrimaryKey("organization_id", "name")
    organization = _organization()
    name = models.CharField(max_length=16)
    balance = usd_field(db_default=0)

    class Meta:
        db_table = "ledger_account"
        constraints = [
            one_of("name", Account, name="ledger_account_name"),
            # The two are apart so that a refusal tells which of them it was.
            models.CheckConstraint(
                condition=~models.Q(name=Account.AVAILABLE.value) | models.Q(balance__gte=0),
                name="ledger_available_covers",
            ),
            models.CheckConstraint(
                condition=~models.Q(
                    name__in=[one.value for one in PARTNERS if one is not Account.AVAILABLE]
                )
                | models.Q(balance__gte=0),
                name="ledger_account_covers",
            ),
        ]


class LedgerEntry(models.Model):
    """One booking: two postings or more whose sum is zero. `id` and `at` are the database's."""

    id = models.BigAutoField(primary_key=True)
    organization = _organization()
    kind = models.CharField(max_length=16)
    cause_id = models.CharField(max_length=64)
    step = models.CharField(max_length=16)
    postings = models.SmallIntegerField(help_text="how many it has; none can be added later")
    reason = models.CharField(max_length=500, db_default="", help_text="an operator's words")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "ledger_entry"
        constraints = [
            one_of("kind", CauseKind, name="ledger_entry_kind"),
            models.CheckConstraint(
                condition=~models.Q(cause_id="") & ~models.Q(step=""), name="ledger_entry_cause"
            ),
            models.CheckConstraint(
                condition=models.Q(postings__gte=2), name="ledger_entry_postings"
            ),
            models.UniqueConstraint(fields=["kind", "cause_id", "step"], name="ledger_entry_once"),
        ]
        indexes = [models.Index(fields=["organization", "at"], name="ledger_entry_recent")]


class LedgerPosting(models.Model):
    """What an entry adds to one account of its organization's book, or takes from it."""

    pk = models.CompositePrimaryKey("entry_id", "account")
    entry = models.ForeignKey(
        LedgerEntry, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    account = models.CharField(max_length=16)
    amount = usd_field()

    class Meta:
        db_table = "ledger_posting"
        constraints = [
            one_of("account", Account, name="ledger_posting_account"),
            models.CheckConstraint(
                condition=~models.Q(amount=0)
                & models.Q(amount__gt=-_TOO_MUCH, amount__lt=_TOO_MUCH),
                name="ledger_posting_amount",
            ),
        ]


class LedgerEarning(models.Model):
    """What a completed live order brought and how it was shared, with the terms it was shared by.

    The order's id is kept without a reference: orders are archived, what they earned is not.
    """

    order_id = models.CharField(primary_key=True, max_length=40)
    entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, related_name="+")
    organization = _organization()
    usd_value = usd_field()
    commission_bps = models.SmallIntegerField()
    share_percent = models.SmallIntegerField()
    markup_bps = models.SmallIntegerField()
    share = usd_field(help_text="the partner's part of the platform's commission")
    markup = usd_field(help_text="the partner's own markup")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "ledger_earning"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    usd_value__gt=0, usd_value__lt=_TOO_MUCH, share__gte=0, markup__gte=0
                ),
                name="ledger_earning_amounts",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    commission_bps__range=(0, 10_000),
                    share_percent__range=(0, 100),
                    markup_bps__range=(0, 10_000),
                ),
                name="ledger_earning_terms",
            ),
        ]
        indexes = [models.Index(fields=["organization", "at"], name="ledger_earning_recent")]


class LedgerHold(models.Model):
    """An earning that is still pending; the row goes when it matures or is taken back."""

    order_id = models.CharField(primary_key=True, max_length=40)
    organization = _organization()
    amount = usd_field()
    due_at = models.DateTimeField(help_text="when it becomes available")

    class Meta:
        db_table = "ledger_hold"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(amount__gt=0, amount__lt=_TOO_MUCH), name="ledger_hold_amount"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="ledger_hold_due")]
