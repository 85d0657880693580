"""Priced offers, valid five minutes and for one order."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from privata.infra.fields import amount_field, environment_field, one_of
from privata.quotes.prices.models import AssetPrice, PriceReport, PriceSource

__all__ = ["AssetPrice", "PriceReport", "PriceSource"]  # made in a package of its own


class Quote(models.Model):
    """An offer. One asked for without a key has no organization; any key may use it."""

    id = models.CharField(primary_key=True, max_length=40)
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.CASCADE, null=True
    )
    environment = environment_field()
    provider = models.CharField(max_length=32)
    from_asset = models.CharField(max_length=16)
    from_network = models.CharField(max_length=16)
    to_asset = models.CharField(max_length=16)
    to_network = models.CharField(max_length=16)
    amount_from = amount_field()
    amount_to = amount_field()
    side = models.CharField(max_length=8)
    rate_type = models.CharField(max_length=8)
    markup_bps = models.SmallIntegerField(db_default=0)
    usd_value = models.DecimalField(max_digits=20, decimal_places=8, null=True)
    rate_id = models.TextField(null=True, help_text="what holds the rate at the provider")
    rate_until = models.DateTimeField(null=True)
    through = models.CharField(max_length=64, null=True, help_text="behind an aggregator")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "quote"
        constraints = [
            one_of("environment", ["live", "test"], name="quote_environment"),
            one_of("side", ["send", "receive"], name="quote_side"),
            one_of("rate_type", ["float", "fixed"], name="quote_rate_type"),
            models.CheckConstraint(
                condition=models.Q(markup_bps__range=(0, 300)), name="quote_markup"
            ),
            models.CheckConstraint(
                condition=models.Q(amount_from__gt=0, amount_to__gt=0), name="quote_amounts"
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="quote_age")]
