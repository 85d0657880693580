"""Orders and their timeline."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from privata.core.lifecycle import OPEN, FailedReason, OrderStatus
from privata.infra.fields import amount_field, environment_field, one_of

#: Numbers above every amount that can be written; also refuses NaN, which sorts above Infinity.
_TOO_MUCH = 10**36


class Order(models.Model):
    """A swap. Only `orders.service` writes it, with timeline and event in one transaction."""

    id = models.CharField(primary_key=True, max_length=40)
    organization = models.ForeignKey("organizations.Organization", on_delete=models.PROTECT)
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
            # DUPLICATE_ACTIVE_ORDER: one open order per reference, decided by the database.
            models.UniqueConstraint(
                fields=["organization", "environment", "partner_order_ref"],
                condition=models.Q(status__in=sorted(status.value for status in OPEN)),
                name="orders_one_open_per_ref",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "environment", "-created_at", "-id"], name="orders_recent"
            ),
            models.Index(
                fields=["poll_at"],
                condition=models.Q(poll_at__isnull=False),
                name="orders_to_poll",
            ),
        ]


class TimelineEntry(models.Model):
    """One state an order entered, in order."""

    pk = models.CompositePrimaryKey("order_id", "seq")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="timeline")
    seq = models.IntegerField()
    status = models.CharField(max_length=16)
    at = models.DateTimeField()
    source = models.CharField(max_length=16, help_text="who said so: api, provider, clock, ...")

    class Meta:
        db_table = "order_timeline"
        constraints = [one_of("status", OrderStatus, name="order_timeline_status")]


class IgnoredReport(models.Model):
    """Reports that would have gone backward or repeated: counted, never applied (SPEC 8)."""

    pk = models.CompositePrimaryKey("order_id", "status", "reported")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="+")
    status = models.CharField(max_length=16, help_text="the state the order was in")
    reported = models.CharField(max_length=16)
    times = models.IntegerField(db_default=1)
    first_at = models.DateTimeField(db_default=Now())
    last_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "order_ignored_report"
