"""What is to become the key of `refund`, made while it is used; the next migration swaps.

The index on the organization alone goes: the key begins with it.
"""

import django.db.models.deletion
from django.db import migrations, models

# A run that was cut short leaves an invalid index.
GONE = "DROP INDEX CONCURRENTLY IF EXISTS refund_of_organization"

MADE = """
CREATE UNIQUE INDEX CONCURRENTLY refund_of_organization ON refund (organization_id, order_id)
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("refunds", "0004_facts_of_an_organization"),
        ("organizations", "0006_shared_views"),
    ]

    operations = [
        migrations.RunSQL([GONE, MADE], GONE),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "DROP INDEX CONCURRENTLY IF EXISTS refund_organization_id_e7b90014",
                    "CREATE INDEX CONCURRENTLY IF NOT EXISTS refund_organization_id_e7b90014"
                    " ON refund (organization_id)",
                )
            ],
            state_operations=[
                migrations.AlterField(
                    "refund",
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="organizations.organization",
                    ),
                )
            ],
        ),
    ]
