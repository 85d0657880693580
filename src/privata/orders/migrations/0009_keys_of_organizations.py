"""The organization is first in the keys of orders and of what belongs to them (DISTRIBUTED.md).

The timeline and the ignored reports get the organization of their order, and refer to the order by both.
Indexes that repeated a key, and those for patterns over ids, which nothing asks for, are gone.
"""

import django.db.models.deletion
from django.db import migrations, models

MADE = """
ALTER TABLE order_timeline DROP CONSTRAINT order_timeline_order_id_28cdff8b_fk_orders_id;
ALTER TABLE order_ignored_report
    DROP CONSTRAINT order_ignored_report_order_id_c89862a5_fk_orders_id;
ALTER TABLE refund DROP CONSTRAINT refund_order_id_b2515001_fk_orders_id;
DROP INDEX order_timeline_order_id_28cdff8b;
DROP INDEX order_timeline_order_id_28cdff8b_like;
DROP INDEX order_ignored_report_order_id_c89862a5;
DROP INDEX order_ignored_report_order_id_c89862a5_like;
DROP INDEX orders_id_ecea5967_like;
DROP INDEX orders_quote_id_8b90d7ee_like;
DROP INDEX refund_order_id_b2515001_like;

ALTER TABLE orders
    DROP CONSTRAINT orders_pkey,
    DROP CONSTRAINT orders_quote_id_key,
    ADD CONSTRAINT orders_pkey PRIMARY KEY (organization_id, id),
    ADD CONSTRAINT orders_quote_id_key UNIQUE (organization_id, quote_id);
CREATE INDEX orders_by_id ON orders (id);

ALTER TABLE order_timeline ADD COLUMN organization_id uuid;
UPDATE order_timeline AS t SET organization_id = o.organization_id
    FROM orders AS o WHERE o.id = t.order_id;
ALTER TABLE order_timeline
    ALTER COLUMN organization_id SET NOT NULL,
    DROP CONSTRAINT order_timeline_pkey,
    ADD CONSTRAINT order_timeline_pkey PRIMARY KEY (organization_id, order_id, seq),
    ADD CONSTRAINT order_timeline_of_order FOREIGN KEY (organization_id, order_id)
        REFERENCES orders (organization_id, id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE order_ignored_report ADD COLUMN organization_id uuid;
UPDATE order_ignored_report AS t SET organization_id = o.organization_id
    FROM orders AS o WHERE o.id = t.order_id;
ALTER TABLE order_ignored_report
    ALTER COLUMN organization_id SET NOT NULL,
    DROP CONSTRAINT order_ignored_report_pkey,
    ADD CONSTRAINT order_ignored_report_pkey
        PRIMARY KEY (organization_id, order_id, status, reported),
    ADD CONSTRAINT order_ignored_report_of_order FOREIGN KEY (organization_id, order_id)
        REFERENCES orders (organization_id, id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE refund ADD CONSTRAINT refund_of_order FOREIGN KEY (organization_id, order_id)
    REFERENCES orders (organization_id, id) DEFERRABLE INITIALLY DEFERRED;
"""

BEFORE = """
ALTER TABLE refund DROP CONSTRAINT refund_of_order;
ALTER TABLE order_timeline DROP CONSTRAINT order_timeline_of_order;
ALTER TABLE order_ignored_report DROP CONSTRAINT order_ignored_report_of_order;
ALTER TABLE orders
    DROP CONSTRAINT orders_pkey,
    DROP CONSTRAINT orders_quote_id_key,
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id),
    ADD CONSTRAINT orders_quote_id_key UNIQUE (quote_id);
DROP INDEX orders_by_id;
ALTER TABLE order_timeline
    DROP CONSTRAINT order_timeline_pkey,
    DROP COLUMN organization_id,
    ADD CONSTRAINT order_timeline_pkey PRIMARY KEY (order_id, seq),
    ADD CONSTRAINT order_timeline_order_id_28cdff8b_fk_orders_id FOREIGN KEY (order_id)
        REFERENCES orders (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE order_ignored_report
    DROP CONSTRAINT order_ignored_report_pkey,
    DROP COLUMN organization_id,
    ADD CONSTRAINT order_ignored_report_pkey PRIMARY KEY (order_id, status, reported),
    ADD CONSTRAINT order_ignored_report_order_id_c89862a5_fk_orders_id FOREIGN KEY (order_id)
        REFERENCES orders (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE refund ADD CONSTRAINT refund_order_id_b2515001_fk_orders_id FOREIGN KEY (order_id)
    REFERENCES orders (id) DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX order_timeline_order_id_28cdff8b ON order_timeline (order_id);
CREATE INDEX order_timeline_order_id_28cdff8b_like
    ON order_timeline (order_id varchar_pattern_ops);
CREATE INDEX order_ignored_report_order_id_c89862a5 ON order_ignored_report (order_id);
CREATE INDEX order_ignored_report_order_id_c89862a5_like
    ON order_ignored_report (order_id varchar_pattern_ops);
CREATE INDEX orders_id_ecea5967_like ON orders (id varchar_pattern_ops);
CREATE INDEX orders_quote_id_8b90d7ee_like ON orders (quote_id varchar_pattern_ops);
CREATE INDEX refund_order_id_b2515001_like ON refund (order_id varchar_pattern_ops);
"""


def _owner() -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
        to="organizations.organization",
    )


def _of_order() -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
        to="orders.order",
    )


def _key(*columns: str) -> models.CompositePrimaryKey:
    return models.CompositePrimaryKey(
        *columns, blank=True, editable=False, primary_key=True, serialize=False
    )


#: What squawk names in it, and why that stops nobody.
_UNRELEASED = "nothing was released before it, so no release runs beside it on data"
SAFE_BECAUSE = dict.fromkeys(
    (
        "adding-foreign-key-constraint",
        "adding-not-nullable-field",
        "adding-serial-primary-key-field",
        "ban-drop-constraint",
        "constraint-missing-not-valid",
        "disallowed-unique-constraint",
        "require-concurrent-index-creation",
        "require-concurrent-index-deletion",
    ),
    _UNRELEASED,
)


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0008_due_by_organization"),
        ("refunds", "0004_facts_of_an_organization"),
        ("organizations", "0006_shared_views"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(MADE, BEFORE)],
            state_operations=[
                migrations.AddIndex(
                    model_name="order", index=models.Index(fields=["id"], name="orders_by_id")
                ),
                migrations.AddField("timelineentry", "organization", _owner()),
                migrations.AlterField("timelineentry", "order", _of_order()),
                migrations.AlterField(
                    "timelineentry",
                    "pk",
                    _key("organization_id", "order_id", "seq"),
                ),
                migrations.AddField("ignoredreport", "organization", _owner()),
                migrations.AlterField("ignoredreport", "order", _of_order()),
                migrations.AlterField(
                    "ignoredreport",
                    "pk",
                    _key("organization_id", "order_id", "status", "reported"),
                ),
            ],
        ),
    ]
