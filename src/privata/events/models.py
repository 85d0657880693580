"""The append-only log of facts to tell partners."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from privata.infra.fields import TransactionId, environment_field, one_of


class Event(models.Model):
    """An immutable fact; `body` is fixed when it is published and sent as it is, every time.

    In monthly partitions along `seq`, whose upper bits are the month (decision 0047); the key has
    the organization before it. No constraint here can hold over all months: that an event is
    published once is held by `EventKey`.
    """

    seq = models.BigAutoField(primary_key=True)
    event_id = models.CharField(max_length=120)
    organization = models.ForeignKey(
        "organizations.Organization",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    environment = environment_field()
    channel = models.CharField(max_length=8)
    type = models.CharField(max_length=64)
    order_id = models.CharField(max_length=40, null=True)
    order_seq = models.IntegerField(null=True, help_text="1, 2, ... within the order")
    body = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())
    xid = TransactionId(
        db_default=models.Func(function="pg_current_xact_id", output_field=TransactionId()),
        null=True,
        help_text="null, but of a release before numbers, which knows its place by this",
    )

    class Meta:
        db_table = "event"
        constraints = [
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
                fields=["organization", "environment", "xid", "seq"],
                condition=models.Q(xid__isnull=False),
                name="event_in_old_order",
            )
        ]


class EventKey(models.Model):
    """An event by what it says: no two of an organization say the same.

    `id` begins with the time of what the event is about, which is in the id of its order, and goes
    on with a hash of the event's id (`key_of_event`). In monthly partitions along it, so the key of
    the same event is always looked for, and refused, in the same month.
    """

    pk = models.CompositePrimaryKey("organization_id", "id")
    organization_id = models.UUIDField()
    id = models.UUIDField()
    seq = models.BigIntegerField(help_text="the event's")

    class Meta:
        db_table = "event_key"


class EventHead(models.Model):
    """How far the feed of an organization in one environment is numbered.

    Whoever numbers locks this row: two never number the same feed at once.
    """

    pk = models.CompositePrimaryKey("organization_id", "environment")
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    environment = environment_field()
    last = models.BigIntegerField(db_default=0, help_text="the last number given; 0: none yet")
    gone = models.BigIntegerField(
        db_default=0, help_text="the greatest number whose event was removed; 0: none"
    )

    class Meta:
        db_table = "event_head"
        constraints = [
            one_of("environment", ["live", "test"], name="event_head_environment"),
            models.CheckConstraint(condition=models.Q(last__gte=0), name="event_head_last"),
            models.CheckConstraint(
                condition=models.Q(gone__gte=0, gone__lte=models.F("last")), name="event_head_gone"
            ),
        ]


class EventArrival(models.Model):
    """An event that has no number yet; made by the statement that publishes it.

    Neither this nor `EventPosition` references the event: the check would cost every publication,
    and what drops old events drops their rows here by the same `created_at`.
    """

    pk = models.CompositePrimaryKey("organization_id", "environment", "event_seq")
    organization_id = models.UUIDField()
    environment = environment_field()
    event_seq = models.BigIntegerField()
    created_at = models.DateTimeField(help_text="the event's")

    class Meta:
        db_table = "event_arrival"


class EventPosition(models.Model):
    """The place of an event in the feed of its organization and environment: 1, 2, 3, ..."""

    pk = models.CompositePrimaryKey("organization_id", "environment", "number")
    organization_id = models.UUIDField()
    environment = environment_field()
    number = models.BigIntegerField()
    event_seq = models.BigIntegerField()
    created_at = models.DateTimeField(help_text="the event's")

    class Meta:
        db_table = "event_position"
        constraints = [
            models.UniqueConstraint(
                fields=["organization_id", "event_seq"], name="event_position_once"
            ),
            models.CheckConstraint(condition=models.Q(number__gt=0), name="event_position_number"),
        ]
