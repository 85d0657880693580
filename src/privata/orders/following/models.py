"""How far each provider's share of calls for polls is used up."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class PollPace(models.Model):
    """The pace at which all workers together ask a provider about orders; of the installation.

    A token bucket as one moment: what was taken is paid off at `paid_until`. A row is made when the
    provider is first asked about an order.
    """

    provider = models.CharField(primary_key=True, max_length=32)
    paid_until = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "poll_pace"
