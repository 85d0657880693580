"""What was asked of real exchanges, and what became of it."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from privata.infra.fields import environment_field, one_of
from privata.orders.opening.fates import Fate


class OrderAttempt(models.Model):
    """That we asked a provider to open an order of a quote: written before the call.

    A quote is tried once at a provider. So a create of unknown fate is never repeated there, be it
    that the provider did not answer, that we were killed, or that the partner calls again.
    """

    pk = models.CompositePrimaryKey("organization_id", "environment", "quote_id", "provider")
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    environment = environment_field()
    quote_id = models.CharField(max_length=40)
    provider = models.CharField(max_length=32)
    fate = models.CharField(max_length=8, db_default=Fate.ASKED.value)
    fault = models.CharField(max_length=32, null=True)
    begun_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "order_attempt"
        constraints = [
            one_of("environment", ["live"], name="order_attempt_is_live"),
            one_of("fate", Fate, name="order_attempt_fate"),
            models.CheckConstraint(
                condition=models.Q(fate=Fate.ASKED.value, ended_at=None)
                | (~models.Q(fate=Fate.ASKED.value) & models.Q(ended_at__isnull=False)),
                name="order_attempt_whole",
            ),
        ]
        indexes = [models.Index(fields=["begun_at"], name="order_attempt_age")]
