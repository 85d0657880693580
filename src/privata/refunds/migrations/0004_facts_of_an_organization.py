from django.db import migrations

# A statement names the organization of every row that it reads (decision 0045).
_WITH_IT = """
CREATE OR REPLACE VIEW refund_facts WITH (security_invoker = true) AS
SELECT order_id, state, action, stable_target, source, requested_at, finished_at, failure,
       organization_id
FROM refund
"""

# A column cannot be taken from a view. The rights that went with it are granted anew after each
# migration.
_WITHOUT = """
DROP VIEW refund_facts;
CREATE VIEW refund_facts WITH (security_invoker = true) AS
SELECT order_id, state, action, stable_target, source, requested_at, finished_at, failure
FROM refund
"""


class Migration(migrations.Migration):
    """The view says whose refund it is."""

    dependencies = [("refunds", "0003_due_by_organization")]

    operations = [migrations.RunSQL(_WITH_IT, _WITHOUT)]
