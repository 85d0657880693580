"""Personal access tokens; a token itself is never stored."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class PersonalToken(models.Model):
    """What a program may do as a person in one organization, for a time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey("organizations.Organization", on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    name = models.CharField(max_length=80)
    scopes = ArrayField(models.CharField(max_length=32))
    prefix = models.CharField(max_length=12)
    digest = models.BinaryField(max_length=32)
    digest_key = models.BinaryField(
        null=True, help_text="the name of the secret key of the digest; null: not known"
    )
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True, help_text="noted at most once a minute")
    last_used_ip = models.GenericIPAddressField(null=True)

    class Meta:
        db_table = "personal_token"
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="personal_token_digest_once"),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")),
                name="personal_token_expires",
            ),
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=["dashboard:read", "dashboard:write"])
                & models.Q(scopes__contains=["dashboard:read"]),
                name="personal_token_scopes",
            ),
        ]
        indexes = [models.Index(fields=["organization", "user"], name="personal_token_mine")]
