"""Endpoints, their secrets, and recoveries."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from privata.core.ids import new_id
from privata.infra.fields import environment_field, one_of
from privata.webhooks.states import Channel, Dialect, EndpointStatus, RecoveryStatus


class Endpoint(models.Model):
    """A URL that receives the events of one channel in one environment.

    While it is `resuming`, `flush_tokens_at` says how far it is: null until the probe was
    delivered, then the moment at which the bucket that sets the pace was last empty.
    """

    id = models.UUIDField(primary_key=True, default=new_id)
    organization = models.ForeignKey("organizations.Organization", on_delete=models.PROTECT)
    environment = environment_field()
    channel = models.CharField(max_length=8)
    alias = models.CharField(max_length=80)
    url = models.CharField(max_length=2048)
    dialect = models.CharField(max_length=16, db_default=Dialect.PRIVATA.value)
    event_filter = ArrayField(models.CharField(max_length=64), null=True, help_text="null: all")
    status = models.CharField(max_length=16, db_default=EndpointStatus.ACTIVE.value)
    paused_at = models.DateTimeField(null=True)
    paused_reason = models.CharField(max_length=32, null=True)
    paused_by = models.CharField(max_length=254, null=True)
    pause_told_at = models.DateTimeField(null=True, help_text="the pause a mail was sent for")
    failures = ArrayField(
        models.DateTimeField(),
        db_default=models.Value("{}"),
        help_text="when the last counted attempts failed, oldest first, 50 at most",
    )
    last_error = models.CharField(max_length=512, null=True)
    strict_ordering = models.BooleanField(db_default=False)
    schedule_s = ArrayField(
        models.IntegerField(), null=True, help_text="retry offsets in seconds; null: the dialect's"
    )
    pace_per_s = models.IntegerField(db_default=20, help_text="deliveries a second while resuming")
    resumed_at = models.DateTimeField(null=True)
    resumed_by = models.CharField(max_length=254, null=True, help_text="null: our automatic probe")
    waiting_at_resume = models.IntegerField(null=True)
    probe_until = models.DateTimeField(null=True, help_text="the lease of a probe under way")
    probed_at = models.DateTimeField(null=True, help_text="when the last failed probe ended")
    flush_tokens_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True, help_text="the log alone knows it from then on")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "webhook_endpoint"
        constraints = [
            one_of("environment", ["live", "test"], name="webhook_endpoint_environment"),
            one_of("channel", Channel, name="webhook_endpoint_channel"),
            one_of("status", EndpointStatus, name="webhook_endpoint_status"),
            one_of("dialect", Dialect, name="webhook_endpoint_dialect"),
            models.CheckConstraint(
                condition=models.Q(status="paused", paused_at__isnull=False)
                | models.Q(status="resuming", paused_at__isnull=False, resumed_at__isnull=False)
                | (
                    models.Q(status__in=["active", "disabled"])
                    & models.Q(paused_at=None, paused_reason=None)
                ),
                name="webhook_endpoint_paused_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(status="resuming")
                | models.Q(flush_tokens_at=None, probe_until=None),
                name="webhook_endpoint_flush_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(pace_per_s__gt=0), name="webhook_endpoint_pace"
            ),
            models.CheckConstraint(
                condition=models.Q(deleted_at=None) | models.Q(status="disabled"),
                name="webhook_endpoint_deleted_whole",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "environment", "channel"], name="webhook_endpoint_match"
            ),
            # Every claim looks for these; almost always there is none.
            models.Index(
                fields=["id"], condition=models.Q(status="resuming"), name="webhook_endpoint_resume"
            ),
            # Whose pauses are to be told of, and which endpoints are to be probed.
            models.Index(
                fields=["organization", "environment", "paused_at"],
                condition=models.Q(status="paused"),
                name="webhook_endpoint_paused",
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


def _of_endpoint() -> models.ForeignKey[Any, Any]:
    """The endpoint by its id; the constraint, which names the organization and the environment too,
    is a migration's."""
    return models.ForeignKey(
        Endpoint, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )


class EndpointSecret(models.Model):
    """A signing secret, sealed; expired ones stay so that old attempts can name theirs."""

    pk = models.CompositePrimaryKey("organization_id", "environment", "id")
    organization = _owner()
    environment = environment_field()
    id = models.UUIDField(default=new_id)
    endpoint = _of_endpoint()
    sealed = models.BinaryField()
    hint = models.CharField(max_length=24, help_text="its first characters, for display")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, help_text="judged when signing, not by a job")
    by_program = models.BooleanField(
        db_default=False, help_text="made with a key or a token: the owners are told"
    )

    class Meta:
        db_table = "webhook_secret"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "environment", "endpoint"],
                condition=models.Q(expires_at__isnull=True),
                name="webhook_secret_one_current",
            )
        ]
        indexes = [
            models.Index(
                fields=["organization", "environment", "endpoint"],
                name="webhook_secret_of_endpoint",
            )
        ]


class Recovery(models.Model):
    """A request to send again, in order, everything that an endpoint missed since a time.

    Work on it goes from event to event: `reached_seq` is the last one looked at, `last_seq` where
    it ends, `next_at` when a worker may take the next few.
    """

    id = models.UUIDField(primary_key=True, default=new_id)
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.PROTECT, db_index=False
    )
    environment = environment_field()
    endpoint = _of_endpoint()
    since = models.DateTimeField()
    status = models.CharField(max_length=16, db_default=RecoveryStatus.RUNNING.value)
    total = models.IntegerField(db_default=0)
    reached_seq = models.BigIntegerField(db_default=0)
    last_seq = models.BigIntegerField(db_default=0)
    next_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=254)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "webhook_recovery"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "environment", "endpoint"],
                condition=models.Q(status="running"),
                name="webhook_recovery_one_running",
            ),
            one_of("environment", ["live", "test"], name="webhook_recovery_environment"),
            one_of("status", RecoveryStatus, name="webhook_recovery_status"),
            models.CheckConstraint(
                condition=models.Q(status="running", finished_at=None)
                | (~models.Q(status="running") & models.Q(finished_at__isnull=False)),
                name="webhook_recovery_finished_whole",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "environment", "next_at"],
                condition=models.Q(status="running"),
                name="webhook_recovery_due",
            ),
            models.Index(
                fields=["organization", "environment", "endpoint"],
                name="webhook_recovery_of_endpoint",
            ),
        ]
