"""What the sources say assets are worth, and what of it is believed."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from privata.infra.fields import amount_field


class PriceSource(models.Model):
    """Somebody who is asked for prices: a provider, Chainlink, CoinGecko. Claimed by `ask_at`."""

    name = models.CharField(primary_key=True, max_length=32)
    ask_at = models.DateTimeField(db_default=Now(), help_text="when a worker may ask it")
    fault = models.CharField(max_length=32, null=True, help_text="why the last round failed")

    class Meta:
        db_table = "price_source"


class PriceReport(models.Model):
    """What a source last said that one unit of an asset is worth; null: nothing to believe."""

    pk = models.CompositePrimaryKey("ticker", "source")
    ticker = models.CharField(max_length=16)
    source = models.CharField(max_length=32)
    usd = amount_field(null=True)
    asked_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "price_report"
        constraints = [
            models.CheckConstraint(condition=models.Q(usd__gt=0), name="price_report_positive")
        ]


class AssetPrice(models.Model):
    """The accepted price of an asset; `refused` is a jump that nobody else confirms."""

    ticker = models.CharField(primary_key=True, max_length=16)
    usd = amount_field()
    sources = models.TextField(help_text="whose median it is, comma-separated")
    as_of = models.DateTimeField(db_default=Now())
    refused = amount_field(null=True)
    refused_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "asset_price"
        constraints = [
            models.CheckConstraint(condition=models.Q(usd__gt=0), name="asset_price_positive"),
            models.CheckConstraint(
                condition=models.Q(refused=None, refused_at=None)
                | models.Q(refused__gt=0, refused_at__isnull=False),
                name="asset_price_refused_whole",
            ),
        ]
