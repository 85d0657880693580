"""Keys of the partner API; a secret itself is never stored."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from privata.infra.fields import environment_field, one_of


class ApiKey(models.Model):
    """What a key is allowed to do; what is sent in `X-API-Key` are its secrets."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey("organizations.Organization", on_delete=models.CASCADE)
    environment = environment_field()
    name = models.CharField(max_length=80)
    scopes = ArrayField(models.CharField(max_length=32))
    allowed_cidrs = ArrayField(
        models.CharField(max_length=43), db_default=models.Value("{}"), help_text="empty: any"
    )
    expires_on = models.DateField(null=True, help_text="dead from 00:00 UTC of this date")
    expiry_told_hours = models.SmallIntegerField(
        null=True, help_text="the last warning sent before it expires: 168, then 24"
    )
    created_by = models.CharField(max_length=254, db_default="")
    created_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.CharField(max_length=254, db_default="")

    class Meta:
        db_table = "api_key"
        constraints = [
            one_of("environment", ["live", "test"], name="api_key_environment"),
            models.CheckConstraint(
                condition=~models.Q(scopes__contains=["ramp:embed"])
                | models.Q(scopes=["ramp:embed"]),
                name="api_key_publishable_alone",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "environment", "-created_at"], name="api_key_recent"
            ),
            models.Index(
                fields=["expires_on"],
                condition=models.Q(expires_on__isnull=False, revoked_at=None),
                name="api_key_expiring",
            ),
        ]


class ApiKeySecret(models.Model):
    """A secret of a key, as HMAC-SHA256 under a server key, with its ends for display.

    A key has one; during a rotation two, of which the old one has a `dead_at`.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="secrets")
    prefix = models.CharField(max_length=16)
    last_four = models.CharField(max_length=4, db_default="")
    digest = models.BinaryField(max_length=32)
    digest_key = models.BinaryField(
        null=True, help_text="the name of the secret key of the digest; null: not known"
    )
    created_at = models.DateTimeField(db_default=Now())
    dead_at = models.DateTimeField(null=True, help_text="works until then; null: until revoked")
    last_used_at = models.DateTimeField(null=True, help_text="noted at most once a minute")
    last_used_ip = models.GenericIPAddressField(null=True)
    maker = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="the member who has seen it; null and not by_operator: nobody knows who",
    )
    by_operator = models.BooleanField(db_default=False, help_text="made on the command line")

    class Meta:
        db_table = "api_key_secret"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(by_operator=False) | models.Q(maker=None),
                name="api_key_secret_one_maker",
            ),
            models.UniqueConstraint(fields=["digest"], name="api_key_secret_digest_once"),
            models.UniqueConstraint(
                fields=["key"], condition=models.Q(dead_at=None), name="api_key_one_current_secret"
            ),
        ]
        indexes = [models.Index(fields=["prefix"], name="api_key_secret_prefix")]


class KeyFailure(models.Model):
    """Answers INVALID_KEY that one address got lately. Kept in memory of the database only: an
    unlogged table, so that a guesser costs no disk; a crash forgets it."""

    ip = models.GenericIPAddressField(primary_key=True, help_text="IPv6: the first of its /64")
    failures = ArrayField(models.DateTimeField())
    targets = ArrayField(
        models.CharField(max_length=64), help_text="<organization>:<environment> of known prefixes"
    )

    class Meta:
        db_table = "key_failure"


class KeyLockout(models.Model):
    """An address that is locked out, and whom to tell when it ends."""

    ip = models.GenericIPAddressField(primary_key=True, help_text="IPv6: the first of its /64")
    locked_at = models.DateTimeField()
    locked_until = models.DateTimeField()
    targets = ArrayField(models.CharField(max_length=64))

    class Meta:
        db_table = "key_lockout"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(locked_until__gt=models.F("locked_at")),
                name="key_lockout_ends_later",
            )
        ]
        indexes = [models.Index(fields=["locked_until"], name="key_lockout_end")]
