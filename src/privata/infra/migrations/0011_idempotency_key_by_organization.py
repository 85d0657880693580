"""What is to become the key of `idempotency_key`, made while it is used; the next migration swaps.

The index on the organization alone goes: the key begins with it.
"""

import django.db.models.deletion
from django.db import migrations, models

# A run that was cut short leaves an invalid index.
GONE = "DROP INDEX CONCURRENTLY IF EXISTS idempotency_key_of_organization"

MADE = """
CREATE UNIQUE INDEX CONCURRENTLY idempotency_key_of_organization
    ON idempotency_key (organization_id, environment, key)
"""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("infra", "0010_months"),
        ("organizations", "0006_shared_views"),
    ]

    operations = [
        migrations.RunSQL([GONE, MADE], GONE),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "DROP INDEX CONCURRENTLY IF EXISTS idempotency_key_organization_id_17653606",
                    "CREATE INDEX CONCURRENTLY IF NOT EXISTS idempotency_key_organization_id_17653606"
                    " ON idempotency_key (organization_id)",
                )
            ],
            state_operations=[
                migrations.AlterField(
                    "idempotencykey",
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="organizations.organization",
                    ),
                )
            ],
        ),
    ]
