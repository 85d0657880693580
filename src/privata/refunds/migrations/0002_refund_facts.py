from django.db import migrations

# What an order shows of its refund. The address that the refund goes to stays inside.
_MADE = """
CREATE VIEW refund_facts WITH (security_invoker = true) AS
SELECT order_id, state, action, stable_target, source, requested_at, finished_at, failure
FROM refund
"""


class Migration(migrations.Migration):
    """Orders read how their refund stands through a view."""

    dependencies = [("refunds", "0001_refund")]

    operations = [migrations.RunSQL(_MADE, "DROP VIEW refund_facts")]
