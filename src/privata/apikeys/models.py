"""Keys of the partner API; the key itself is never stored."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from privata.infra.fields import environment_field, one_of


class ApiKey(models.Model):
    """A key, as HMAC-SHA256 under a server key, with its first 16 characters for display."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey("organizations.Organization", on_delete=models.CASCADE)
    environment = environment_field()
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16)
    digest = models.BinaryField(max_length=32)
    scopes = ArrayField(models.CharField(max_length=32))
    allowed_cidrs = ArrayField(
        models.CharField(max_length=43), db_default=models.Value("{}"), help_text="empty: any"
    )
    expires_on = models.DateField(null=True, help_text="dead from 00:00 UTC of this date")
    created_by = models.CharField(max_length=254, db_default="")
    created_at = models.DateTimeField(db_default=Now())
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "api_key"
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="api_key_digest_once"),
            one_of("environment", ["live", "test"], name="api_key_environment"),
            models.CheckConstraint(
                condition=models.Q(prefix__startswith="pk_test_", environment="test")
                | models.Q(prefix__startswith="pk_live_", environment="live"),
                name="api_key_prefix_fits",
            ),
        ]
