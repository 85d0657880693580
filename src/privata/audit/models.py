"""Who did what: append-only and chained, enforced by the database itself (migrations 0002, 0003).

Entries are kept in one partition a month. What makes them a chain is described in docs/audit.md.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class AuditEntry(models.Model):
    """One action that changed or revealed something. Never updated, never deleted.

    `id`, `seq`, `at`, `previous_hash` and `hash` are given by the database, whoever inserts.
    """

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
    seq = models.BigIntegerField(help_text="place in the organization's chain, from 1")
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "audit_entry"
        indexes = [
            models.Index(fields=["organization_id", "-id"], name="audit_entry_recent"),
            models.Index(fields=["organization_id", "seq"], name="audit_entry_chain"),
        ]


class AuditHead(models.Model):
    """The last entry of each chain; the row that an insert locks to be the next."""

    chain = models.UUIDField(primary_key=True, help_text="the organization; zeros: the platform")
    seq = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "audit_head"


class AuditCheckpoint(models.Model):
    """Where a chain was on a day, sealed with a secret that the database does not know."""

    id = models.BigAutoField(primary_key=True)
    chain = models.UUIDField()
    seq = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)
    seal = models.BinaryField(max_length=32, help_text="HMAC-SHA256 over chain, seq and hash")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "audit_checkpoint"
        constraints = [
            models.UniqueConstraint(fields=["chain", "seq"], name="audit_checkpoint_once"),
        ]


class AuditArchive(models.Model):
    """A month that was exported and taken out of the log."""

    month = models.DateField(primary_key=True)
    entries = models.BigIntegerField()
    file = models.CharField(max_length=255)
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of the file")
    archived_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "audit_archive"


class AuditArchivedRun(models.Model):
    """Consecutive entries of one chain in an archived month: what the chain goes on from."""

    id = models.BigAutoField(primary_key=True)
    archive = models.ForeignKey(AuditArchive, on_delete=models.PROTECT, db_column="month")
    chain = models.UUIDField()
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    previous_hash = models.BinaryField(max_length=32, help_text="of the first entry")
    hash = models.BinaryField(max_length=32, help_text="of the last entry")

    class Meta:
        db_table = "audit_archived_run"
        constraints = [
            models.UniqueConstraint(fields=["chain", "first_seq"], name="audit_archived_run_once"),
            models.CheckConstraint(
                condition=models.Q(last_seq__gte=models.F("first_seq")),
                name="audit_archived_run_forward",
            ),
        ]
