"""Providers as the operator and partners set them, what providers list, and their outages."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from privata.core.ids import new_id
from privata.infra.fields import amount_field, environment_field, one_of

_RATE_TYPES = ["float", "fixed"]
_NAME = r"^[a-z0-9]{1,32}$"


class Provider(models.Model):
    """A real exchange that the operator has credentials for; of the installation, not a partner.

    It stays when it is disabled: orders that it has are followed to their end.
    """

    name = models.CharField(primary_key=True, max_length=32)
    enabled = models.BooleanField(db_default=False, help_text="whether new quotes are asked for")
    base_url = models.CharField(max_length=512, null=True, help_text="null: the adapter's own")
    credentials = models.BinaryField(null=True, help_text="sealed")
    version = models.IntegerField(db_default=1, help_text="counts changes of URL and credentials")
    changed_at = models.DateTimeField(db_default=Now())
    listed = models.JSONField(null=True, help_text="[[ticker, network], …]; null: never read")
    listed_at = models.DateTimeField(null=True)
    refresh_at = models.DateTimeField(db_default=Now(), help_text="when a worker may read it")
    refresh_fault = models.CharField(max_length=32, null=True, help_text="why it was not read")

    class Meta:
        db_table = "provider"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(name__regex=_NAME) & ~models.Q(name="simulator"),
                name="provider_is_no_simulator",
            ),
            models.CheckConstraint(
                condition=models.Q(enabled=False) | models.Q(credentials__isnull=False),
                name="provider_enabled_with_credentials",
            ),
        ]


class ProviderLimit(models.Model):
    """The bounds of a pair as a provider last said; none where it has no such pair."""

    pk = models.CompositePrimaryKey(
        "provider_id", "rate_type", "from_asset", "from_network", "to_asset", "to_network"
    )
    provider = models.ForeignKey(
        Provider, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    rate_type = models.CharField(max_length=8)
    from_asset = models.CharField(max_length=16)
    from_network = models.CharField(max_length=16)
    to_asset = models.CharField(max_length=16)
    to_network = models.CharField(max_length=16)
    minimum = amount_field(null=True)
    maximum = amount_field(null=True)
    asked_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "provider_limit"
        constraints = [
            one_of("rate_type", _RATE_TYPES, name="provider_limit_rate_type"),
            models.CheckConstraint(
                condition=models.Q(minimum=None, maximum=None)
                | models.Q(minimum__gte=0, maximum__gte=models.F("minimum")),
                name="provider_limit_whole",
            ),
        ]
        indexes = [
            models.Index(
                fields=["from_asset", "from_network", "to_asset", "to_network"],
                name="provider_limit_by_pair",
            )
        ]


class ProviderOutage(models.Model):
    """A time in which a provider did not answer, as one process or several found.

    `told_after` is the last organization that was told of it, while not all have been.
    """

    id = models.UUIDField(primary_key=True, default=new_id)
    provider = models.ForeignKey(
        Provider, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    fault = models.CharField(max_length=32)
    began_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now(), help_text="the last failure that was noted")
    ended_at = models.DateTimeField(null=True)
    told_after = models.UUIDField(null=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "provider_outage"
        constraints = [
            models.UniqueConstraint(
                fields=["provider"],
                condition=models.Q(ended_at=None),
                name="provider_outage_one_at_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["provider", "-began_at"], name="provider_outage_lately"),
            models.Index(
                fields=["began_at"],
                condition=models.Q(told_at=None),
                name="provider_outage_untold",
            ),
        ]


class ProviderScore(models.Model):
    """Live orders that ended at a provider in an hour. Counted by the workers, so about right."""

    pk = models.CompositePrimaryKey("provider_id", "hour")
    provider = models.ForeignKey(
        Provider, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    hour = models.DateTimeField()
    completed = models.IntegerField(db_default=0)
    failed = models.IntegerField(db_default=0)

    class Meta:
        db_table = "provider_score"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(completed__gte=0, failed__gte=0), name="provider_score_counts"
            ),
        ]


class UsdPrice(models.Model):
    """What a release before wrote of prices. Nothing reads it: it goes one release later.

    Prices are kept by `quotes.prices`.
    """

    ticker = models.CharField(primary_key=True, max_length=16)
    usd = amount_field()
    provider = models.CharField(max_length=32)
    asked_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "usd_price"
        constraints = [
            models.CheckConstraint(condition=models.Q(usd__gt=0), name="usd_price_positive")
        ]


class PartnerMarkup(models.Model):
    """A partner's own markup where a quote names none."""

    pk = models.CompositePrimaryKey("organization_id", "environment")
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    environment = environment_field()
    markup_bps = models.SmallIntegerField()

    class Meta:
        db_table = "partner_markup"
        constraints = [
            one_of("environment", ["live", "test"], name="partner_markup_environment"),
            models.CheckConstraint(
                condition=models.Q(markup_bps__range=(0, 300)), name="partner_markup_bounds"
            ),
        ]


class PartnerProvider(models.Model):
    """What a partner wants of a provider; without a row it is enabled with the partner's markup."""

    pk = models.CompositePrimaryKey("organization_id", "environment", "provider")
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    environment = environment_field()
    provider = models.CharField(max_length=32)
    enabled = models.BooleanField(db_default=True)
    markup_bps = models.SmallIntegerField(null=True, help_text="null: the partner's markup")

    class Meta:
        db_table = "partner_provider"
        constraints = [
            one_of("environment", ["live", "test"], name="partner_provider_environment"),
            models.CheckConstraint(
                condition=models.Q(provider="simulator", environment="test")
                | (~models.Q(provider="simulator") & models.Q(environment="live")),
                name="partner_provider_of_environment",
            ),
            models.CheckConstraint(
                condition=models.Q(markup_bps__range=(0, 300)) | models.Q(markup_bps=None),
                name="partner_provider_markup",
            ),
        ]
