from django.db import migrations, models

# What an order is made of, with what its provider wants to see again. New columns go to the end.
_WITH = """
CREATE OR REPLACE VIEW quote_facts WITH (security_invoker = true) AS
SELECT id, organization_id, environment, provider, from_asset, from_network, to_asset, to_network,
       amount_from, amount_to, rate_type, markup_bps, usd_value, expires_at, used_at, side, rate_id,
       rate_until
FROM quote
"""

# A column cannot be taken from a view. The rights that went with it are granted anew after each
# migration.
_WITHOUT = """
DROP VIEW quote_facts;
CREATE VIEW quote_facts WITH (security_invoker = true) AS
SELECT id, organization_id, environment, provider, from_asset, from_network, to_asset, to_network,
       amount_from, amount_to, rate_type, markup_bps, usd_value, expires_at, used_at
FROM quote
"""


class Migration(migrations.Migration):
    """A quote keeps what holds its rate at the provider."""

    dependencies = [("quotes", "0002_quote_facts")]

    operations = [
        migrations.AddField(
            "quote",
            "rate_id",
            models.TextField(null=True, help_text="what holds the rate at the provider"),
        ),
        migrations.AddField("quote", "rate_until", models.DateTimeField(null=True)),
        migrations.AddField(
            "quote",
            "through",
            models.CharField(max_length=64, null=True, help_text="behind an aggregator"),
        ),
        migrations.RunSQL(_WITH, _WITHOUT),
    ]
