"""The queue of mails: written in the transaction of what they tell, sent by the worker."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now

from privata.infra.fields import one_of
from privata.notifications.states import MailStatus


class Mail(models.Model):
    """One mail to one address. What goes into its text is sealed, and gone once it is sent:
    it may hold a code or a link that opens an account."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    template = models.CharField(max_length=32, help_text="its text: a name of the catalogue")
    recipient = models.CharField(max_length=254)
    sealed = models.BinaryField(null=True, help_text="the values of the text")
    status = models.CharField(max_length=8, db_default=MailStatus.WAITING.value)
    attempts = models.SmallIntegerField(db_default=0)
    due_at = models.DateTimeField(db_default=Now(), help_text="moved to the lease's end by a claim")
    lease_token = models.IntegerField(db_default=0, help_text="the fence against a late settle")
    useless_after = models.DateTimeField(null=True, help_text="such as when its code expires")
    last_error = models.CharField(max_length=500, db_default="")
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "mail"
        constraints = [
            one_of("status", MailStatus, name="mail_status"),
            models.CheckConstraint(
                condition=models.Q(
                    status=MailStatus.WAITING.value, sealed__isnull=False, ended_at=None
                )
                | (
                    ~models.Q(status=MailStatus.WAITING.value)
                    & models.Q(sealed__isnull=True, ended_at__isnull=False)
                ),
                name="mail_keeps_nothing_once_ended",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="mail_due",
                condition=models.Q(status=MailStatus.WAITING.value),
            ),
            models.Index(fields=["created_at"], name="mail_age"),
        ]
