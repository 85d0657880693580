from django.db import migrations

# What other rooms may read of an order in a statement of theirs. No address of anybody is in it.
_MADE = """
CREATE VIEW order_facts WITH (security_invoker = true) AS
SELECT id, organization_id, environment, quote_id, provider, provider_order_id, partner_order_ref,
       status, from_asset, from_network, from_decimals, to_asset, to_network, to_decimals,
       amount_from, amount_to_expected, amount_to_actual, failed_reason_code, refund_capability,
       tx_in_hash, sandbox_scenario, sandbox_ttl, created_at, updated_at, completed_at
FROM orders
"""


class Migration(migrations.Migration):
    """Other rooms read orders through a view, so that columns may change behind it."""

    dependencies = [("orders", "0005_late_deposits")]

    operations = [migrations.RunSQL(_MADE, "DROP VIEW order_facts")]
