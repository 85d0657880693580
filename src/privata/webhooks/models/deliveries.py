"""Deliveries that wait, the log of those that are finished, and earlier attempts."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from privata.infra.fields import NewId, environment_field, one_of
from privata.webhooks.states import FINISHED


class DueDelivery(models.Model):
    """A delivery that waits: the duty to bring one event to one endpoint (decision 0046).

    It is here from the moment it is owed until it is finished. Then the statement that removes it
    here writes it into the log (`Delivery`), so it is always in one of the two and never in both,
    and neither has a column that could contradict that. `webhook_every_delivery` shows both.

    `due_at` is when it may next be claimed. A claim sets `leased_until` and raises `lease_token`;
    whoever records must show that token. A crashed worker's claim so ends by itself. No index has
    the columns that a claim changes, so a claim writes into none (a heap-only update).
    """

    pk = models.CompositePrimaryKey("organization_id", "environment", "id")
    organization = models.ForeignKey(
        "organizations.Organization",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    id = models.UUIDField(db_default=NewId())
    endpoint_id = models.UUIDField()
    event_seq = models.BigIntegerField()
    due_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    lease_token = models.BigIntegerField(db_default=0)
    leased_until = models.DateTimeField(null=True, help_text="null: nobody is sending it")
    first_attempt_at = models.DateTimeField(null=True)
    last_attempt_at = models.DateTimeField(null=True)
    last_duration_ms = models.IntegerField(null=True)
    last_status_code = models.SmallIntegerField(null=True)
    attempts = models.SmallIntegerField(db_default=0)
    replay = models.BooleanField(db_default=False)
    environment = environment_field()
    order_id = models.CharField(max_length=40, null=True, help_text="the ordering key; null: none")
    recovery_id = models.UUIDField(null=True)
    retry_of_id = models.UUIDField(null=True, help_text="the delivery that this is the retry of")
    last_outcome = models.CharField(max_length=16, null=True)

    class Meta:
        db_table = "webhook_due"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "recovery_id", "event_seq"],
                condition=models.Q(recovery_id__isnull=False),
                name="webhook_due_recovered_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "retry_of_id"],
                condition=models.Q(retry_of_id__isnull=False),
                name="webhook_due_retried_once",
            ),
            one_of("environment", ["live", "test"], name="webhook_due_environment"),
        ]
        indexes = [
            # The claim walks these two per endpoint; a paused endpoint's backlog is never
            # touched, and a heap of late retries does not stand before a first attempt.
            models.Index(
                fields=["endpoint_id", "due_at", "event_seq"],
                condition=models.Q(attempts=0),
                name="webhook_due_first",
            ),
            models.Index(
                fields=["endpoint_id", "due_at", "event_seq"],
                condition=models.Q(attempts__gt=0),
                name="webhook_due_retry",
            ),
            # What waits in the order of its events: a resumption walks and counts it.
            models.Index(
                fields=["organization", "endpoint_id", "event_seq"], name="webhook_due_waiting"
            ),
            # The head of each ordering key: the first event of an order that has not had its first
            # attempt or, with strict ordering, that is not finished.
            models.Index(
                fields=["endpoint_id", "order_id", "event_seq"],
                condition=models.Q(order_id__isnull=False),
                name="webhook_due_ordering_key",
            ),
            # Whether a replay of an event is about to be sent, and how many people asked for.
            models.Index(
                fields=["endpoint_id", "event_seq"],
                condition=models.Q(replay=True),
                name="webhook_due_replays",
            ),
        ]


class Delivery(models.Model):
    """A delivery that is finished, as the log keeps it; written once (decision 0046).

    Its last request is part of the row; without `url` it was finished without one, for a recovery
    or a retry took over. What can be told from the rest is not stored: the order is its event's, it
    was signed in the second in which the request began, and what was delivered has that outcome.

    The table lies in monthly partitions by the id, which are dropped whole (decision 0044). The id
    is in time order, so the key is the order in which the log is listed.
    """

    pk = models.CompositePrimaryKey("organization_id", "environment", "id")
    organization = models.ForeignKey(
        "organizations.Organization",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    id = models.UUIDField()
    endpoint_id = models.UUIDField()
    event_seq = models.BigIntegerField()
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    last_attempt_at = models.DateTimeField(null=True)
    lease_token = models.IntegerField(help_text="that of the last request")
    last_duration_ms = models.IntegerField(null=True)
    last_status_code = models.SmallIntegerField(null=True)
    attempts = models.SmallIntegerField()
    replay = models.BooleanField()
    response_truncated = models.BooleanField(db_default=False)
    environment = environment_field()
    status = models.CharField(max_length=16)
    last_outcome = models.CharField(max_length=16, null=True, help_text="null if delivered")
    secret_ids = ArrayField(models.UUIDField(), null=True)
    url = models.CharField(max_length=2048, null=True)
    address = models.CharField(max_length=64, null=True)
    detail = models.CharField(max_length=512, null=True)
    response_headers = models.JSONField(null=True)
    response_excerpt = models.TextField(null=True)
    recovery_id = models.UUIDField(null=True)
    retry_of_id = models.UUIDField(null=True, help_text="the delivery that this is the retry of")
    retried_as_id = models.UUIDField(null=True, help_text="the one delivery that is its retry")

    class Meta:
        db_table = "webhook_delivery"
        constraints = [
            one_of("environment", ["live", "test"], name="webhook_delivery_environment"),
            one_of("status", FINISHED, name="webhook_delivery_status"),
            models.CheckConstraint(
                condition=models.Q(status="delivered", delivered_at__isnull=False)
                | (~models.Q(status="delivered") & models.Q(delivered_at=None)),
                name="webhook_delivery_delivered_at",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="retried") | models.Q(retried_as_id__isnull=False),
                name="webhook_delivery_retried_as",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="delivered") | models.Q(last_outcome=None),
                name="webhook_delivery_outcome",
            ),
        ]
        indexes = [
            models.Index(fields=["endpoint_id", "id"], name="webhook_delivery_log"),
            # What is looked up by order goes by way of the order's events.
            models.Index(fields=["event_seq"], name="webhook_delivery_event"),
            # What a recovery looks for, what it leaves out, how far it is, and how many replays
            # people asked for: entries that only failures and replays have.
            models.Index(
                fields=["endpoint_id", "event_seq"],
                condition=models.Q(status="exhausted", replay=False),
                name="webhook_delivery_missed",
            ),
            models.Index(
                fields=["endpoint_id", "event_seq"],
                condition=models.Q(replay=True),
                name="webhook_delivery_replays",
            ),
            models.Index(
                fields=["endpoint_id", "created_at"],
                condition=models.Q(replay=True, recovery_id=None),
                name="webhook_delivery_by_hand",
            ),
            models.Index(
                fields=["recovery_id", "status"],
                condition=models.Q(recovery_id__isnull=False),
                name="webhook_delivery_recovery",
            ),
            # Few do not arrive, and only these have an entry: the log lists them without a walk.
            models.Index(
                fields=["organization", "environment", "id"],
                condition=~models.Q(status="delivered"),
                name="webhook_delivery_failed",
            ),
        ]


class Attempt(models.Model):
    """A request of a delivery that did not finish it, written once; `stale` ones came after their
    lease. The request that finished it is part of its row in the log.

    A lease has one attempt at most, so a record can be repeated when its answer got lost. The table
    lies in monthly partitions by the delivery's id, which are dropped whole (decision 0044).
    """

    pk = models.CompositePrimaryKey("organization_id", "delivery_id", "lease_token")
    organization = models.ForeignKey(
        "organizations.Organization",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    delivery_id = models.UUIDField()
    lease_token = models.BigIntegerField()
    signed_at = models.BigIntegerField(help_text="unix seconds, the signature's t")
    started_at = models.DateTimeField()
    duration_ms = models.IntegerField()
    number = models.SmallIntegerField(help_text="1, 2, ... as the X-Privata-Attempt header said")
    status_code = models.SmallIntegerField(null=True)
    stale = models.BooleanField(db_default=False)
    response_truncated = models.BooleanField(db_default=False)
    secret_ids = ArrayField(models.UUIDField(), db_default=models.Value("{}"))
    outcome = models.CharField(max_length=16)
    url = models.CharField(max_length=2048)
    address = models.CharField(max_length=64, null=True)
    detail = models.CharField(max_length=512, db_default="")
    response_headers = models.JSONField(null=True)
    response_excerpt = models.TextField(db_default="")

    class Meta:
        db_table = "webhook_attempt"
