"""Tables that belong to no domain."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from privata.infra.fields import environment_field, one_of


class IdempotencyKey(models.Model):
    """What a POST with an `Idempotency-Key` answered, for 24 hours (docs/errors.md).

    The column `id`, which was its key, goes with the release after this one: the release before
    still writes it.
    """

    pk = models.CompositePrimaryKey("organization_id", "environment", "key")
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    environment = environment_field()
    key = models.CharField(max_length=255)
    request_digest = models.BinaryField(help_text="SHA-256 over method, path, query and body")
    locked_until = models.DateTimeField(help_text="an unfinished first call may be taken over then")
    status_code = models.SmallIntegerField(null=True)
    body = models.BinaryField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "idempotency_key"
        constraints = [
            one_of("environment", ["live", "test"], name="idempotency_key_environment"),
            models.CheckConstraint(
                condition=models.Q(status_code__isnull=True, body__isnull=True)
                | models.Q(status_code__isnull=False, body__isnull=False),
                name="idempotency_key_answer_whole",
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_age")]


class RateBucket(models.Model):
    """What one caller may still ask (a token bucket). Unlogged: a crash fills every bucket."""

    pk = models.CompositePrimaryKey("subject", "kind")
    subject = models.CharField(
        max_length=64, help_text="an organization and environment, or an address"
    )
    kind = models.CharField(max_length=16)
    tokens = models.FloatField()
    counted_at = models.DateTimeField()
    granted = models.IntegerField(help_text="how many of the last calls got their token")

    class Meta:
        db_table = "rate_bucket"


class SecretKey(models.Model):
    """What the database knows of a secret key (`PRIVATA_SECRET_KEYS`): how to recognize it."""

    name = models.BinaryField(primary_key=True, help_text="begins what the key sealed")
    fingerprint = models.BinaryField(help_text="derived from the key, for this table alone")
    seen_at = models.DateTimeField(db_default=Now(), help_text="first known to a process")
    first_at = models.DateTimeField(
        null=True, help_text="last start with this key first; null: it has sealed nothing"
    )
    retired_at = models.DateTimeField(null=True, help_text="needed by nothing since then")

    class Meta:
        db_table = "secret_key"


class DatabaseGeneration(models.Model):
    """Where the database has found itself, and what the operator said of it; the last row counts.

    Append-only for the application. See decision 0039.
    """

    id = models.BigAutoField(primary_key=True)
    generation = models.IntegerField(help_text="grows with every server that it finds itself on")
    mark = models.CharField(max_length=8, help_text="drawn for it; in the cursors")
    system_identifier = models.CharField(max_length=20, null=True)
    timeline = models.IntegerField(null=True)
    database_oid = models.BigIntegerField(null=True)
    confirmed_by = models.CharField(max_length=254, null=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "database_generation"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(generation__gt=0), name="database_generation_positive"
            ),
            models.CheckConstraint(
                condition=models.Q(mark__regex="^[0-9a-f]{8}$"), name="database_generation_mark"
            ),
        ]


class SecretKeyProcess(models.Model):
    """A process that runs, and the secret keys it has: a key becomes the first one when all have
    it. A row goes when its process stops; one of a killed process counts for a minute."""

    id = models.UUIDField(primary_key=True)
    label = models.CharField(max_length=200, help_text="which program on which machine")
    keys = ArrayField(models.BinaryField(), help_text="the names of its keys; the first one seals")
    seen_at = models.DateTimeField(db_default=Now())
    clock_skew_ms = models.BigIntegerField(
        null=True, help_text="how far its machine's clock is ahead of the database's"
    )

    class Meta:
        db_table = "secret_key_process"
