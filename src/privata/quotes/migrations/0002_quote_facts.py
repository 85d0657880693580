from django.db import migrations

# What an order is made of. A quote is spent by `quotes.spending` alone.
_MADE = """
CREATE VIEW quote_facts WITH (security_invoker = true) AS
SELECT id, organization_id, environment, provider, from_asset, from_network, to_asset, to_network,
       amount_from, amount_to, rate_type, markup_bps, usd_value, expires_at, used_at
FROM quote
"""


class Migration(migrations.Migration):
    """Orders read the quote that they are made of through a view."""

    dependencies = [("quotes", "0001_initial")]

    operations = [migrations.RunSQL(_MADE, "DROP VIEW quote_facts")]
