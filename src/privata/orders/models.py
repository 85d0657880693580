"""Orders and their timeline."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func
from django.db.models.functions import Now

from privata.core.ids import new_id
from privata.core.lifecycle import OPEN, FailedReason, OrderStatus
from privata.infra.fields import amount_field, environment_field, one_of
from privata.orders.following.models import PollPace
from privata.orders.opening.models import OrderAttempt
from privata.orders.states import LATE_ENDS, Density, ExportState, LateState

__all__ = ["OrderAttempt", "PollPace"]  # made in packages of their own

#: Numbers above every amount that can be written; also refuses NaN, which sorts above Infinity.
_TOO_MUCH = 10**36

#: Columns that a search may follow through an organization's orders.
_WALKED = {
    "status": ["status"],
    "provider": ["provider"],
    "pair": ["from_asset", "to_asset"],
    "source": ["from_asset"],
    "target": ["to_asset"],
}

#: Columns in which a hash is looked for, and which may be empty, with their indexes.
_HASHES = {"tx_in_hash": "orders_by_tx_in_form", "tx_out_hash": "orders_by_tx_out_form"}


def _by_form(column: str, name: str, condition: models.Q | None = None) -> models.Index:
    form = Func(F(column), function="lookup_form")
    fields = (F("organization"), F("environment"), form, F("created_at"))
    return models.Index(*fields, name=name, condition=condition)


class Order(models.Model):
    """A swap. Only this room writes it, with timeline and event in one transaction.

    In the database its key is (organization, id), and a quote is spent once by an organization: a
    migration says so, for Django knows no foreign key to such a key.
    """

    id = models.CharField(primary_key=True, max_length=40)
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.PROTECT, db_index=False
    )
    environment = environment_field()
    quote = models.OneToOneField(
        "quotes.Quote", on_delete=models.SET_NULL, null=True, db_constraint=False
    )
    provider = models.CharField(max_length=32)
    provider_order_id = models.CharField(max_length=128)
    partner_order_ref = models.CharField(max_length=128, null=True)
    from_asset = models.CharField(max_length=16)
    from_network = models.CharField(max_length=16)
    from_decimals = models.SmallIntegerField()
    to_asset = models.CharField(max_length=16)
    to_network = models.CharField(max_length=16)
    to_decimals = models.SmallIntegerField()
    amount_from = amount_field()
    amount_to_expected = amount_field()
    amount_to_actual = amount_field(null=True)
    usd_value = models.DecimalField(max_digits=20, decimal_places=8, null=True)
    markup_bps = models.SmallIntegerField(db_default=0)
    rate_type = models.CharField(max_length=8)
    deposit_address = models.CharField(max_length=256)
    deposit_extra_id = models.CharField(max_length=256, null=True)
    payout_address = models.CharField(max_length=256)
    payout_extra_id = models.CharField(max_length=256, null=True)
    refund_address = models.CharField(max_length=256, null=True)
    refund_extra_id = models.CharField(max_length=256, null=True)
    refund_preference = models.JSONField(null=True)
    refund_capability = models.CharField(max_length=16, db_default="none")
    refund_window_hours = models.SmallIntegerField(null=True)
    refund_sla_hours = models.SmallIntegerField(null=True)
    status = models.CharField(max_length=16, db_default=OrderStatus.WAITING_DEPOSIT.value)
    last_seq = models.IntegerField(db_default=1, help_text="number of its events so far")
    failed_reason_code = models.CharField(max_length=32, null=True)
    failed_reason_message = models.CharField(max_length=256, null=True)
    tx_in_hash = models.CharField(max_length=128, null=True)
    tx_out_hash = models.CharField(max_length=128, null=True)
    sandbox_scenario = models.CharField(max_length=8, null=True)
    sandbox_ttl = models.SmallIntegerField(null=True)
    expires_at = models.DateTimeField()
    poll_at = models.DateTimeField(null=True, help_text="when the worker asks again; null: never")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    completed_at = models.DateTimeField(null=True)
    late_state = models.CharField(max_length=16, null=True, help_text="null: nothing came late")
    late_seen_at = models.DateTimeField(null=True)
    late_finished_at = models.DateTimeField(null=True)
    late_note = models.CharField(max_length=256, null=True, help_text="told to the partner")
    provider_secret = models.BinaryField(
        null=True, help_text="what the provider wants to see again, sealed"
    )

    class Meta:
        db_table = "orders"
        constraints = [
            one_of("environment", ["live", "test"], name="orders_environment"),
            one_of("status", OrderStatus, name="orders_status"),
            one_of("rate_type", ["float", "fixed"], name="orders_rate_type"),
            one_of(
                "refund_capability",
                ["programmatic", "ticket", "none"],
                name="orders_refund_capability",
            ),
            models.CheckConstraint(
                condition=models.Q(markup_bps__range=(0, 300)), name="orders_markup"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    amount_from__gt=0,
                    amount_from__lt=_TOO_MUCH,
                    amount_to_expected__gt=0,
                    amount_to_expected__lt=_TOO_MUCH,
                ),
                name="orders_amounts",
            ),
            models.CheckConstraint(
                condition=models.Q(failed_reason_code__isnull=True)
                | models.Q(failed_reason_code__in=[reason.value for reason in FailedReason]),
                name="orders_failed_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(status=OrderStatus.COMPLETED.value, completed_at__isnull=False)
                | (~models.Q(status=OrderStatus.COMPLETED.value) & models.Q(completed_at=None)),
                name="orders_completed_at",
            ),
            models.CheckConstraint(
                condition=models.Q(environment="test", sandbox_scenario__isnull=False)
                | models.Q(environment="live", sandbox_scenario=None, sandbox_ttl=None),
                name="orders_sandbox_only_in_test",
            ),
            # Only an expired order has a late deposit, and it stays expired.
            models.CheckConstraint(
                condition=models.Q(
                    late_state=None, late_seen_at=None, late_finished_at=None, late_note=None
                )
                | models.Q(
                    status=OrderStatus.EXPIRED.value,
                    late_state=LateState.SEEN.value,
                    late_seen_at__isnull=False,
                    late_finished_at=None,
                )
                | models.Q(
                    status=OrderStatus.EXPIRED.value,
                    late_state__in=sorted(state.value for state in LATE_ENDS),
                    late_seen_at__isnull=False,
                    late_finished_at__isnull=False,
                ),
                name="orders_late_whole",
            ),
            # DUPLICATE_ACTIVE_ORDER: one open order per reference, decided by the database.
            models.UniqueConstraint(
                fields=["organization", "environment", "partner_order_ref"],
                condition=models.Q(status__in=sorted(status.value for status in OPEN)),
                name="orders_one_open_per_ref",
            ),
        ]
        indexes = [
            # For whoever has the id alone: the end user's link, and the locks of the pollers.
            models.Index(fields=["id"], name="orders_by_id"),
            models.Index(
                fields=["organization", "environment", "-created_at", "-id"], name="orders_recent"
            ),
            # Who has orders that are due is read from the second alone; the first claims them.
            models.Index(
                fields=["organization", "environment", "poll_at"],
                condition=models.Q(poll_at__isnull=False),
                name="orders_to_poll_by_owner",
            ),
            models.Index(
                fields=["poll_at"],
                include=["organization", "environment", "status"],
                condition=models.Q(poll_at__isnull=False),
                name="orders_who_to_poll",
            ),
            models.Index(
                fields=["late_seen_at"],
                condition=models.Q(late_state=LateState.SEEN.value),
                name="orders_late_open",
            ),
            # What a search walks, newest first: see search_sql. None holds the id, which would
            # make each of them half as large again; equal moments are sorted when they are met.
            *(
                models.Index(
                    fields=["organization", "environment", *fields, "created_at"],
                    name=f"orders_by_{name}",
                )
                for name, fields in _WALKED.items()
            ),
            # Addresses of networks with a memo are shared by many orders, references may return.
            models.Index(
                fields=["organization", "environment", "partner_order_ref", "created_at"],
                condition=models.Q(partner_order_ref__isnull=False),
                name="orders_by_partner_order_ref",
            ),
            # In the one form that is looked up: the function is made by a migration (0003).
            _by_form("deposit_address", "orders_by_deposit_form"),
            *(
                _by_form(column, name, condition=models.Q(**{f"{column}__isnull": False}))
                for column, name in _HASHES.items()
            ),
            models.Index(fields=["organization", "environment", "usd_value"], name="orders_by_usd"),
            models.Index(
                fields=["organization", "environment", "updated_at"], name="orders_by_updated"
            ),
        ]


def _owner() -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(
        "organizations.Organization",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )


def _of_order() -> models.ForeignKey[Any, Any]:
    """The order by its id; the constraint, which has the organization as well, is a migration's."""
    return models.ForeignKey(
        Order, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )


class TimelineEntry(models.Model):
    """One state an order entered, in order."""

    pk = models.CompositePrimaryKey("organization_id", "order_id", "seq")
    organization = _owner()
    order = _of_order()
    seq = models.IntegerField()
    status = models.CharField(max_length=16)
    at = models.DateTimeField()
    source = models.CharField(max_length=16, help_text="who said so: api, provider, clock, ...")

    class Meta:
        db_table = "order_timeline"
        constraints = [one_of("status", OrderStatus, name="order_timeline_status")]


class IgnoredReport(models.Model):
    """Late or repeated reports: counted, never applied (docs/order-lifecycle.md)."""

    pk = models.CompositePrimaryKey("organization_id", "order_id", "status", "reported")
    organization = _owner()
    order = _of_order()
    status = models.CharField(max_length=16, help_text="the state the order was in")
    reported = models.CharField(max_length=16)
    times = models.IntegerField(db_default=1)
    first_at = models.DateTimeField(db_default=Now())
    last_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "order_ignored_report"


class OrderExport(models.Model):
    """A CSV file of many orders, made by a worker and kept until it expires (docs/orders.md).

    Its id is in the link. Knowing the link alone opens nothing: it also needs a session and the
    permission.
    """

    id = models.UUIDField(primary_key=True, default=new_id)
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.CASCADE, db_index=False
    )
    environment = environment_field()
    query = models.CharField(max_length=2048, help_text="the filter as it stands in an address")
    columns = ArrayField(models.CharField(max_length=32))
    state = models.CharField(max_length=8, db_default=ExportState.QUEUED.value)
    as_of = models.DateTimeField(help_text="no later order is in it; presets count back from here")
    total = models.IntegerField(null=True, help_text="rows to write, once they have been counted")
    rows = models.IntegerField(db_default=0, help_text="rows written so far")
    size = models.BigIntegerField(db_default=0, help_text="bytes of CSV so far")
    error = models.CharField(max_length=256, db_default="")
    created_by = models.CharField(max_length=254)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(db_default=0)
    lease_token = models.IntegerField(db_default=0, help_text="fences off a worker that lost it")
    due_at = models.DateTimeField(db_default=Now(), help_text="when a worker may take it (again)")

    class Meta:
        db_table = "order_export"
        constraints = [
            one_of("environment", ["live", "test"], name="order_export_environment"),
            one_of("state", ExportState, name="order_export_state"),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[ExportState.QUEUED.value, ExportState.RUNNING.value],
                    finished_at=None,
                )
                | models.Q(
                    state__in=[ExportState.FAILED.value, ExportState.EXPIRED.value],
                    finished_at__isnull=False,
                )
                | models.Q(
                    state=ExportState.DONE.value,
                    finished_at__isnull=False,
                    expires_at__isnull=False,
                    total__isnull=False,
                ),
                name="order_export_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(rows__gte=0, size__gte=0), name="order_export_sizes"
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "environment", "-created_at"], name="order_export_recent"
            ),
            models.Index(
                fields=["due_at"],
                condition=models.Q(state__in=[ExportState.QUEUED.value, ExportState.RUNNING.value]),
                name="order_export_due",
            ),
            models.Index(fields=["finished_at"], name="order_export_ended"),
        ]


class OrderExportChunk(models.Model):
    """A piece of an export's CSV, compressed with zlib by itself."""

    pk = models.CompositePrimaryKey("organization_id", "environment", "export_id", "number")
    organization = _owner()
    environment = environment_field()
    # By its id; the constraint, which has the whole key and deletes with it, is a migration's.
    export = models.ForeignKey(
        OrderExport,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    number = models.IntegerField()
    data = models.BinaryField()

    class Meta:
        db_table = "order_export_chunk"


class SavedView(models.Model):
    """A filter of the orders list that one person keeps under a name."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.CASCADE, related_name="+"
    )
    environment = environment_field()
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2048, help_text="the filter as it stands in an address")
    is_default = models.BooleanField(db_default=False, help_text="shown when the list is opened")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "order_saved_view"
        constraints = [
            one_of("environment", ["live", "test"], name="order_saved_view_environment"),
            models.CheckConstraint(condition=~models.Q(name=""), name="order_saved_view_has_name"),
            models.UniqueConstraint(
                fields=["user", "organization", "environment", "name"],
                name="order_saved_view_name_once",
            ),
            models.UniqueConstraint(
                fields=["user", "organization", "environment"],
                condition=models.Q(is_default=True),
                name="order_saved_view_one_default",
            ),
        ]


class ListPreference(models.Model):
    """How one person likes the orders list, wherever it is opened."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    columns = ArrayField(models.CharField(max_length=16))
    density = models.CharField(max_length=16, db_default=Density.REGULAR.value)

    class Meta:
        db_table = "order_list_preference"
        constraints = [one_of("density", Density, name="order_list_preference_density")]
