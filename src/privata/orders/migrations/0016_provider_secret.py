from django.db import migrations, models

LENGTH = """
ALTER TABLE orders ADD CONSTRAINT orders_provider_secret
    CHECK (octet_length(provider_secret) BETWEEN 30 AND 4096) NOT VALID;
"""

# What executes a refund asks the order's provider with its secret. It is sealed here as well.
_MADE = """
CREATE OR REPLACE VIEW order_facts WITH (security_invoker = true) AS
SELECT id, organization_id, environment, quote_id, provider, provider_order_id, partner_order_ref,
       status, from_asset, from_network, from_decimals, to_asset, to_network, to_decimals,
       amount_from, amount_to_expected, amount_to_actual, failed_reason_code, refund_capability,
       tx_in_hash, sandbox_scenario, sandbox_ttl, created_at, updated_at, completed_at,
       provider_secret
FROM orders
"""

_BEFORE = """
DROP VIEW order_facts;
CREATE VIEW order_facts WITH (security_invoker = true) AS
SELECT id, organization_id, environment, quote_id, provider, provider_order_id, partner_order_ref,
       status, from_asset, from_network, from_decimals, to_asset, to_network, to_decimals,
       amount_from, amount_to_expected, amount_to_actual, failed_reason_code, refund_capability,
       tx_in_hash, sandbox_scenario, sandbox_ttl, created_at, updated_at, completed_at
FROM orders
"""


class Migration(migrations.Migration):
    """What an order's provider wants to see again with every question, sealed."""

    dependencies = [("orders", "0014_keys_of_exports")]

    operations = [
        migrations.AddField(
            "order",
            "provider_secret",
            models.BinaryField(help_text="what the provider wants to see again, sealed", null=True),
        ),
        migrations.RunSQL(LENGTH, "ALTER TABLE orders DROP CONSTRAINT orders_provider_secret"),
        migrations.RunSQL(_MADE, _BEFORE),
    ]
