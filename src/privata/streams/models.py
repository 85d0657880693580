"""Streams that are open, and those that were lately; and the processes that hold them."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from privata.core.ids import new_id
from privata.infra.fields import environment_field, one_of
from privata.streams.states import Ending, ResumeSource


class StreamNode(models.Model):
    """A server process that holds streams; dead when it was not seen for a while."""

    id = models.UUIDField(primary_key=True, default=new_id)
    host = models.CharField(max_length=64)
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "stream_node"


class Stream(models.Model):
    """A connection that follows an order. What counts toward the cap are these rows."""

    id = models.BigAutoField(primary_key=True)
    node = models.ForeignKey(StreamNode, on_delete=models.PROTECT, null=True)
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.CASCADE, related_name="+"
    )
    environment = environment_field()
    order_id = models.CharField(max_length=40)
    key = models.ForeignKey("apikeys.ApiKey", on_delete=models.CASCADE, related_name="+")
    key_prefix = models.CharField(max_length=16)
    ip = models.CharField(max_length=48, help_text="masked")
    source = models.CharField(max_length=8)
    last_seq = models.IntegerField(
        db_default=0, help_text="the last event sent, as far as was noted"
    )
    opened_at = models.DateTimeField(db_default=Now())
    ending = models.CharField(max_length=12, null=True, help_text="asked to end, and why")
    closed_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=12, null=True)

    class Meta:
        db_table = "stream"
        constraints = [
            one_of("environment", ["live", "test"], name="stream_environment"),
            one_of("source", ResumeSource, name="stream_source"),
            one_of("ending", Ending, name="stream_ending"),
            one_of("reason", Ending, name="stream_reason"),
            models.CheckConstraint(
                condition=models.Q(closed_at=None, reason=None, node__isnull=False)
                | models.Q(closed_at__isnull=False, reason__isnull=False, node=None),
                name="stream_open_or_closed",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "environment"],
                condition=models.Q(closed_at=None),
                name="stream_open",
            ),
            models.Index(
                fields=["organization", "environment", "-closed_at"],
                condition=models.Q(closed_at__isnull=False),
                name="stream_lately",
            ),
            models.Index(
                fields=["closed_at"],
                condition=models.Q(closed_at__isnull=False),
                name="stream_closed",
            ),
        ]
