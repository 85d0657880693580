"""Who did what: append-only, enforced by the database itself (see migration 0002)."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class AuditEntry(models.Model):
    """One action that changed or revealed something. Never updated, never deleted."""

    id = models.BigAutoField(primary_key=True)
    organization_id = models.UUIDField(null=True, help_text="null: the platform as a whole")
    environment = models.CharField(max_length=4, null=True)
    at = models.DateTimeField(db_default=Now())
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=64)
    actor_label = models.CharField(max_length=254, help_text="email or key prefix as it was")
    action = models.CharField(max_length=64)
    target = models.CharField(max_length=128)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=256, db_default="")
    session = models.CharField(max_length=8, db_default="")
    changes = models.JSONField(null=True, help_text="changed fields, never a secret")

    class Meta:
        db_table = "audit_entry"
        indexes = [
            models.Index(fields=["organization_id", "-id"], name="audit_entry_recent"),
        ]
