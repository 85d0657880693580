"""What migration 0014 makes, as Django knows it: too long to stand beside the SQL."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import privata.infra.fields

STATE = [
    migrations.DeleteModel("Attempt"),
    migrations.DeleteModel("Delivery"),
    migrations.CreateModel(
        name="Attempt",
        fields=[
            (
                "pk",
                models.CompositePrimaryKey(
                    "organization_id",
                    "delivery_id",
                    "lease_token",
                    blank=True,
                    editable=False,
                    primary_key=True,
                    serialize=False,
                ),
            ),
            ("delivery_id", models.UUIDField()),
            ("lease_token", models.BigIntegerField()),
            ("signed_at", models.BigIntegerField(help_text="unix seconds, the signature's t")),
            ("started_at", models.DateTimeField()),
            ("duration_ms", models.IntegerField()),
            (
                "number",
                models.SmallIntegerField(
                    help_text="1, 2, ... as the X-Privata-Attempt header said"
                ),
            ),
            ("status_code", models.SmallIntegerField(null=True)),
            ("stale", models.BooleanField(db_default=False)),
            ("response_truncated", models.BooleanField(db_default=False)),
            (
                "secret_ids",
                django.contrib.postgres.fields.ArrayField(
                    base_field=models.UUIDField(), db_default=models.Value("{}"), size=None
                ),
            ),
            ("outcome", models.CharField(max_length=16)),
            ("url", models.CharField(max_length=2048)),
            ("address", models.CharField(max_length=64, null=True)),
            ("detail", models.CharField(db_default="", max_length=512)),
            ("response_headers", models.JSONField(null=True)),
            ("response_excerpt", models.TextField(db_default="")),
            (
                "organization",
                models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="+",
                    to="organizations.organization",
                ),
            ),
        ],
        options={
            "db_table": "webhook_attempt",
        },
    ),
    migrations.CreateModel(
        name="Delivery",
        fields=[
            (
                "pk",
                models.CompositePrimaryKey(
                    "organization_id",
                    "environment",
                    "id",
                    blank=True,
                    editable=False,
                    primary_key=True,
                    serialize=False,
                ),
            ),
            ("id", models.UUIDField()),
            ("endpoint_id", models.UUIDField()),
            ("event_seq", models.BigIntegerField()),
            ("created_at", models.DateTimeField()),
            ("delivered_at", models.DateTimeField(null=True)),
            ("last_attempt_at", models.DateTimeField(null=True)),
            ("lease_token", models.IntegerField(help_text="that of the last request")),
            ("last_duration_ms", models.IntegerField(null=True)),
            ("last_status_code", models.SmallIntegerField(null=True)),
            ("attempts", models.SmallIntegerField()),
            ("replay", models.BooleanField()),
            ("response_truncated", models.BooleanField(db_default=False)),
            (
                "environment",
                models.CharField(choices=[("live", "live"), ("test", "test")], max_length=4),
            ),
            ("status", models.CharField(max_length=16)),
            (
                "last_outcome",
                models.CharField(help_text="null if delivered", max_length=16, null=True),
            ),
            (
                "secret_ids",
                django.contrib.postgres.fields.ArrayField(
                    base_field=models.UUIDField(), null=True, size=None
                ),
            ),
            ("url", models.CharField(max_length=2048, null=True)),
            ("address", models.CharField(max_length=64, null=True)),
            ("detail", models.CharField(max_length=512, null=True)),
            ("response_headers", models.JSONField(null=True)),
            ("response_excerpt", models.TextField(null=True)),
            ("recovery_id", models.UUIDField(null=True)),
            (
                "retry_of_id",
                models.UUIDField(help_text="the delivery that this is the retry of", null=True),
            ),
            (
                "retried_as_id",
                models.UUIDField(help_text="the one delivery that is its retry", null=True),
            ),
            (
                "organization",
                models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="+",
                    to="organizations.organization",
                ),
            ),
        ],
        options={
            "db_table": "webhook_delivery",
            "indexes": [
                models.Index(fields=["endpoint_id", "id"], name="webhook_delivery_log"),
                models.Index(fields=["event_seq"], name="webhook_delivery_event"),
                models.Index(
                    condition=models.Q(("replay", False), ("status", "exhausted")),
                    fields=["endpoint_id", "event_seq"],
                    name="webhook_delivery_missed",
                ),
                models.Index(
                    condition=models.Q(("replay", True)),
                    fields=["endpoint_id", "event_seq"],
                    name="webhook_delivery_replays",
                ),
                models.Index(
                    condition=models.Q(("recovery_id", None), ("replay", True)),
                    fields=["endpoint_id", "created_at"],
                    name="webhook_delivery_by_hand",
                ),
                models.Index(
                    condition=models.Q(("recovery_id__isnull", False)),
                    fields=["recovery_id", "status"],
                    name="webhook_delivery_recovery",
                ),
                models.Index(
                    condition=models.Q(("status", "delivered"), _negated=True),
                    fields=["organization", "environment", "id"],
                    name="webhook_delivery_failed",
                ),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=models.Q(("environment__in", ["live", "test"])),
                    name="webhook_delivery_environment",
                ),
                models.CheckConstraint(
                    condition=models.Q(("status__in", ["delivered", "exhausted", "retried"])),
                    name="webhook_delivery_status",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("delivered_at__isnull", False), ("status", "delivered")),
                        models.Q(
                            models.Q(("status", "delivered"), _negated=True), ("delivered_at", None)
                        ),
                        _connector="OR",
                    ),
                    name="webhook_delivery_delivered_at",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("status", "retried"), _negated=True),
                        ("retried_as_id__isnull", False),
                        _connector="OR",
                    ),
                    name="webhook_delivery_retried_as",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(("status", "delivered"), _negated=True),
                        ("last_outcome", None),
                        _connector="OR",
                    ),
                    name="webhook_delivery_outcome",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="DueDelivery",
        fields=[
            (
                "pk",
                models.CompositePrimaryKey(
                    "organization_id",
                    "environment",
                    "id",
                    blank=True,
                    editable=False,
                    primary_key=True,
                    serialize=False,
                ),
            ),
            ("id", models.UUIDField(db_default=privata.infra.fields.NewId())),
            ("endpoint_id", models.UUIDField()),
            ("event_seq", models.BigIntegerField()),
            ("due_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            (
                "created_at",
                models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
            ),
            ("lease_token", models.BigIntegerField(db_default=0)),
            (
                "leased_until",
                models.DateTimeField(help_text="null: nobody is sending it", null=True),
            ),
            ("first_attempt_at", models.DateTimeField(null=True)),
            ("last_attempt_at", models.DateTimeField(null=True)),
            ("last_duration_ms", models.IntegerField(null=True)),
            ("last_status_code", models.SmallIntegerField(null=True)),
            ("attempts", models.SmallIntegerField(db_default=0)),
            ("replay", models.BooleanField(db_default=False)),
            (
                "environment",
                models.CharField(choices=[("live", "live"), ("test", "test")], max_length=4),
            ),
            (
                "order_id",
                models.CharField(
                    help_text="the ordering key; null: none", max_length=40, null=True
                ),
            ),
            ("recovery_id", models.UUIDField(null=True)),
            (
                "retry_of_id",
                models.UUIDField(help_text="the delivery that this is the retry of", null=True),
            ),
            ("last_outcome", models.CharField(max_length=16, null=True)),
            (
                "organization",
                models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="+",
                    to="organizations.organization",
                ),
            ),
        ],
        options={
            "db_table": "webhook_due",
            "indexes": [
                models.Index(
                    condition=models.Q(("attempts", 0)),
                    fields=["endpoint_id", "due_at", "event_seq"],
                    name="webhook_due_first",
                ),
                models.Index(
                    condition=models.Q(("attempts__gt", 0)),
                    fields=["endpoint_id", "due_at", "event_seq"],
                    name="webhook_due_retry",
                ),
                models.Index(
                    fields=["organization", "endpoint_id", "event_seq"], name="webhook_due_waiting"
                ),
                models.Index(
                    condition=models.Q(("order_id__isnull", False)),
                    fields=["endpoint_id", "order_id", "event_seq"],
                    name="webhook_due_ordering_key",
                ),
                models.Index(
                    condition=models.Q(("replay", True)),
                    fields=["endpoint_id", "event_seq"],
                    name="webhook_due_replays",
                ),
            ],
            "constraints": [
                models.UniqueConstraint(
                    condition=models.Q(("recovery_id__isnull", False)),
                    fields=("organization", "recovery_id", "event_seq"),
                    name="webhook_due_recovered_once",
                ),
                models.UniqueConstraint(
                    condition=models.Q(("retry_of_id__isnull", False)),
                    fields=("organization", "retry_of_id"),
                    name="webhook_due_retried_once",
                ),
                models.CheckConstraint(
                    condition=models.Q(("environment__in", ["live", "test"])),
                    name="webhook_due_environment",
                ),
            ],
        },
    ),
]
