"""The organization and the environment are first in the keys of exports and of their pieces.

Pieces get both from their export, and go with it: what a worker that died had written of a file that
was then given up kept the file from ever being forgotten.
"""

import django.db.models.deletion
from django.db import migrations, models

MADE = """
ALTER TABLE order_export_chunk
    DROP CONSTRAINT order_export_chunk_export_id_d411532d_fk_order_export_id;
DROP INDEX order_export_chunk_export_id_d411532d;
DROP INDEX order_export_organization_id_b00e72d8;
ALTER TABLE order_export
    DROP CONSTRAINT order_export_pkey,
    ADD CONSTRAINT order_export_pkey PRIMARY KEY (organization_id, environment, id);
ALTER TABLE order_export_chunk ADD COLUMN organization_id uuid, ADD COLUMN environment varchar(4);
UPDATE order_export_chunk AS c SET organization_id = e.organization_id, environment = e.environment
    FROM order_export AS e WHERE e.id = c.export_id;
ALTER TABLE order_export_chunk
    ALTER COLUMN organization_id SET NOT NULL,
    ALTER COLUMN environment SET NOT NULL,
    DROP CONSTRAINT order_export_chunk_pkey,
    ADD CONSTRAINT order_export_chunk_pkey
        PRIMARY KEY (organization_id, environment, export_id, number),
    ADD CONSTRAINT order_export_chunk_of_its_export
        FOREIGN KEY (organization_id, environment, export_id)
        REFERENCES order_export (organization_id, environment, id)
        ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
"""

BEFORE = """
ALTER TABLE order_export_chunk
    DROP CONSTRAINT order_export_chunk_of_its_export,
    DROP CONSTRAINT order_export_chunk_pkey,
    DROP COLUMN organization_id,
    DROP COLUMN environment,
    ADD CONSTRAINT order_export_chunk_pkey PRIMARY KEY (export_id, number);
ALTER TABLE order_export
    DROP CONSTRAINT order_export_pkey,
    ADD CONSTRAINT order_export_pkey PRIMARY KEY (id);
ALTER TABLE order_export_chunk
    ADD CONSTRAINT order_export_chunk_export_id_d411532d_fk_order_export_id
        FOREIGN KEY (export_id) REFERENCES order_export (id) DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX order_export_chunk_export_id_d411532d ON order_export_chunk (export_id);
CREATE INDEX order_export_organization_id_b00e72d8 ON order_export (organization_id);
"""

#: What squawk names in it, and why that stops nobody.
_SHORT = "files are kept for a day, and only workers that make one would wait"
_UNRELEASED = "nothing was released that makes pieces without their organization"
SAFE_BECAUSE = dict.fromkeys(
    (
        "adding-foreign-key-constraint",
        "adding-serial-primary-key-field",
        "ban-drop-constraint",
        "constraint-missing-not-valid",
        "require-concurrent-index-deletion",
    ),
    _SHORT,
) | {"adding-not-nullable-field": _UNRELEASED}


def _of(to: str) -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
        to=to,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0009_keys_of_organizations"),
        ("organizations", "0006_shared_views"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(MADE, BEFORE)],
            state_operations=[
                migrations.AlterField(
                    "orderexport",
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="organizations.organization",
                    ),
                ),
                migrations.AddField(
                    "orderexportchunk", "organization", _of("organizations.organization")
                ),
                migrations.AddField(
                    "orderexportchunk",
                    "environment",
                    models.CharField(
                        choices=[("live", "live"), ("test", "test")], default=None, max_length=4
                    ),
                    preserve_default=False,
                ),
                migrations.AlterField("orderexportchunk", "export", _of("orders.orderexport")),
                migrations.AlterField(
                    "orderexportchunk",
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "environment",
                        "export_id",
                        "number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
            ],
        ),
    ]
