"""The append-only log of facts to tell partners."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Now

from privata.infra.fields import environment_field, one_of


class TransactionId(models.Field):  # type: ignore[type-arg]  # not generic at run time
    """A 64-bit transaction id (`xid8`)."""

    def db_type(self, connection: Any) -> str:
        return "xid8"


class Event(models.Model):
    """An immutable fact; `body` is fixed when it is published and sent as it is, every time."""

    seq = models.BigAutoField(primary_key=True)
    event_id = models.CharField(max_length=120)
    organization = models.ForeignKey("organizations.Organization", on_delete=models.PROTECT)
    environment = environment_field()
    channel = models.CharField(max_length=8)
    type = models.CharField(max_length=64)
    order_id = models.CharField(max_length=40, null=True)
    order_seq = models.IntegerField(null=True, help_text="1, 2, ... within the order")
    body = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())
    xid = TransactionId(
        db_default=models.Func(function="pg_current_xact_id", output_field=TransactionId()),
        help_text="the transaction that published it: the feed waits for older ones to end",
    )

    class Meta:
        db_table = "event"
        constraints = [
            models.UniqueConstraint(fields=["organization", "event_id"], name="event_id_once"),
            models.UniqueConstraint(fields=["order_id", "order_seq"], name="event_order_seq_once"),
            one_of("environment", ["live", "test"], name="event_environment"),
            one_of("channel", ["order", "ops"], name="event_channel"),
            models.CheckConstraint(
                condition=models.Q(channel="order", order_id__isnull=False, order_seq__gt=0)
                | models.Q(channel="order", order_id__isnull=True, order_seq__isnull=True)
                | models.Q(channel="ops", order_seq__isnull=True),
                name="event_order_fits",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "environment", "xid", "seq"], name="event_in_order"
            )
        ]
