"""The organization is first in the key of refunds.

The environment is not in it: the key of an order has none, and with one an order could have two
refunds, one in each environment.
"""

import django.db.models.deletion
from django.db import migrations, models

MADE = """
ALTER TABLE refund
    DROP CONSTRAINT refund_pkey,
    ADD CONSTRAINT refund_pkey PRIMARY KEY USING INDEX refund_of_organization;
"""

BEFORE = """
ALTER TABLE refund
    DROP CONSTRAINT refund_pkey,
    ADD CONSTRAINT refund_pkey PRIMARY KEY (order_id);
"""

#: What squawk names in it, and why that stops nobody.
SAFE_BECAUSE = {"ban-drop-constraint": "an order is of one organization: both keys say the same"}


class Migration(migrations.Migration):
    dependencies = [
        ("refunds", "0005_refund_by_organization"),
        ("orders", "0009_keys_of_organizations"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(MADE, BEFORE)],
            state_operations=[
                migrations.AlterField(
                    "refund",
                    "order",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="orders.order",
                    ),
                ),
                migrations.AddField(
                    "refund",
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "order_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
            ],
        ),
    ]
