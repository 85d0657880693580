from django.db import migrations

# Each posting with the cause of its entry: what was booked for what. Two tables are joined, so
# nothing can be written through it.
_MADE = """
CREATE VIEW ledger_movement WITH (security_invoker = true) AS
SELECT entry.organization_id, entry.kind, entry.cause_id, entry.step, posting.account,
       posting.amount
FROM ledger_entry AS entry JOIN ledger_posting AS posting ON posting.entry_id = entry.id
"""


class Migration(migrations.Migration):
    """Others hold their own rows against what was booked for them through a view."""

    dependencies = [("ledger", "0002_book")]

    operations = [migrations.RunSQL(_MADE, "DROP VIEW ledger_movement")]
